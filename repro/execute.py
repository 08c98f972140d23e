"""Completed runs: what a plan lacks, trained by one process per core, stopped and crashed workers survived."""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from repro.claim import Check
from repro.errors import ReproError
from repro.judge import bought
from repro.plan import Plan, Planned, plan
from repro.spec import RunSpec
from repro.store import Store

CRASHES = 2  # a run whose worker died this often is not tried again in this call
POLL = 1.0  # seconds between looks at a run that another process trains


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker process gets to know."""

    spec: RunSpec
    criteria: dict[str, str]
    results: Path
    data_dir: Path
    device: str  # "cpu", "cuda" or "cuda:<index>"
    deadline: float | None  # time.time() by which to pause


@dataclass(frozen=True, kw_only=True)
class Done:
    """How one job ended."""

    planned: Planned
    status: str  # "complete", "paused", "held", "failed" or "crashed"
    seconds: float
    error: str = ""


@dataclass
class Outcome:
    """How a whole call ended, by key of the run."""

    done: dict[str, Done] = field(default_factory=dict)
    stopped: bool = False  # by the budget or by the user, with runs left to make

    def count(self, status: str) -> int:
        """How many runs ended so."""
        return sum(one.status == status for one in self.done.values())


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where and how runs are trained."""

    store: Store
    data_dir: Path
    device: str
    workers: int  # processes
    deadline: float | None


Progress = Callable[[Plan, Outcome, Done | None], None]


def run_all(
    checks: list[Check],
    store: Store,
    *,
    data_dir: Path,
    controls: Sequence[Check] = (),
    device: str = "auto",
    workers: int | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Trains what the checks lack, buys the seeds that inconclusive verdicts ask for, until nothing is missing.

    ``budget`` is in seconds: runs under way are then checkpointed, and the next call goes on from there. So is it on
    SIGINT and SIGTERM. A run that crashes is left behind as failed; the others go on.

    Raises:
        DataError, StoreError: no run could be trained; those under way were checkpointed.
    """
    device = detect_device() if device == "auto" else device
    site = Site(
        store=store,
        data_dir=data_dir,
        device=device,
        workers=workers or (1 if device.startswith("cuda") else os.cpu_count() or 1),
        # The last tenth, at most 10 s, is for writing checkpoints.
        deadline=None if budget is None else time.time() + budget - min(10.0, budget / 10),
    )
    outcome = Outcome()
    while not outcome.stopped:
        wanted = plan(checks, store, device_type=device.partition(":")[0], bought=bought(checks, store, controls))
        todo = [run for run in wanted.missing if _still_to_try(run, outcome)]
        if not todo:
            break

        def told(done: Done | None, wanted: Plan = wanted) -> None:
            if done is not None:
                outcome.done[done.planned.spec.key] = done
            if progress is not None:
                progress(wanted, outcome, done)

        told(None)
        outcome.stopped = not _train(todo, site, told)
        if not outcome.stopped and all(outcome.done[run.spec.key].status == "held" for run in todo):
            outcome.stopped = not _wait_for_others(todo, site)
    return outcome


def detect_device() -> str:
    """ "cuda" where an NVIDIA driver is loaded, else "cpu"; without importing torch."""
    return "cuda" if Path("/proc/driver/nvidia/version").exists() else "cpu"


def _still_to_try(run: Planned, outcome: Outcome) -> bool:
    done = outcome.done.get(run.spec.key)
    return done is None or done.status in ("held", "paused")


def _train(todo: Iterable[Planned], site: Site, told: Callable[[Done], None]) -> bool:
    """Works through runs with a pool of processes, a new pool whenever a worker dies; False when stopped before."""
    queue = deque(todo)
    crashes: Counter[str] = Counter()
    context = multiprocessing.get_context("spawn")  # a forked child would inherit torch's thread pools
    stop = context.Event()
    with _stop_on_signals(stop):
        while queue and not stop.is_set() and not _late(site.deadline):
            pool = ProcessPoolExecutor(site.workers, context, initializer=_start_worker, initargs=(stop,))
            flying: dict[Future[tuple[str, float, str]], Planned] = {}
            try:
                _drain(queue, pool, flying, site, stop, told)
            except BrokenProcessPool:
                for run in flying.values():  # the pool does not say whose worker died
                    crashes[run.spec.key] += 1
                    _after_crash(run, crashes[run.spec.key], queue, site.store, told)
            except ReproError:
                stop.set()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return not queue and not stop.is_set() and not _late(site.deadline)


def _drain(
    queue: deque[Planned],
    pool: ProcessPoolExecutor,
    flying: dict[Future[tuple[str, float, str]], Planned],
    site: Site,
    stop: Any,
    told: Callable[[Done], None],
) -> None:
    """Keeps every worker busy until the queue is empty or it is time to stop, and those under way have ended."""
    while True:
        while queue and len(flying) < site.workers and not stop.is_set() and not _late(site.deadline):
            run = queue.popleft()
            job = Job(
                spec=run.spec,
                criteria=run.criteria,
                results=site.store.root,
                data_dir=site.data_dir,
                device=site.device,
                deadline=site.deadline,
            )
            flying[pool.submit(work, job)] = run
        if not flying:
            return
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            status, seconds, error = future.result()
            told(Done(planned=flying.pop(future), status=status, seconds=seconds, error=error))


def _after_crash(run: Planned, times: int, queue: deque[Planned], store: Store, told: Callable[[Done], None]) -> None:
    """Puts a run whose worker died back into the queue, or gives it up."""
    if store.condition(run.spec) == "complete":
        return
    if times < CRASHES:
        queue.appendleft(run)
        return
    error = f"a worker process died (out of memory, or killed) {times} times while this run was under way"
    store.fail(run.spec, error, "")
    told(Done(planned=run, status="crashed", seconds=0.0, error=error))


def work(job: Job) -> tuple[str, float, str]:
    """Brings one run as far as it gets, in a worker process: status, seconds and the error of a failed run.

    Raises:
        ReproError: what would fail every other run as well, such as missing data or a full disk.
    """
    from repro.training import run  # torch is imported in workers alone

    began = time.monotonic()
    try:
        status = run(
            job.spec,
            Store(job.results),
            data_dir=job.data_dir,
            device=job.device,
            criteria=job.criteria,
            pause=lambda: _STOP.is_set() or _late(job.deadline),
        )
        return status, time.monotonic() - began, ""
    except ReproError:
        raise
    except Exception as error:  # it is in the run's failure.json, with its traceback
        return "failed", time.monotonic() - began, f"{type(error).__name__}: {error}"


_STOP: Any = threading.Event()  # of this worker process, set by its parent


def _start_worker(stop: Any) -> None:
    global _STOP
    _STOP = stop
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides; a worker pauses at its next step
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the parent was killed: what is on disk is consistent, and the lease ends with this process


def _wait_for_others(todo: list[Planned], site: Site) -> bool:
    """Waits until a run that other processes hold is complete or let go; False when time ran out first."""
    try:
        while all(site.store.condition(run.spec) == "training" for run in todo):
            if _late(site.deadline):
                return False
            time.sleep(POLL)
    except KeyboardInterrupt:
        return False
    return True


def _late(deadline: float | None) -> bool:
    return deadline is not None and time.time() >= deadline


class _stop_on_signals:  # noqa: N801 - reads as the statement it is
    """While open, the first SIGINT or SIGTERM sets an event instead of ending the process; a second one ends it."""

    def __init__(self, stop: Any) -> None:
        self._stop = stop
        self._old: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._stop.set()
        signal.signal(number, self._old[number])

    def __exit__(self, *_: object) -> None:
        for number, old in self._old.items():
            signal.signal(number, old)
