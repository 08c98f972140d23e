"""Runs trained by a pool of worker processes, through crashes and signals."""

import multiprocessing
import multiprocessing.util
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, Protocol

from repro.errors import (
    CaptureError,
    CodeError,
    DamagedRunError,
    DataError,
    ReproError,
    StoreError,
    TakenOverError,
    spoils_gpu,
)
from repro.runs.spec import RunSpec
from repro.runs.store import Store

CRASHES = 2  # a run whose worker died this often is not tried again in this call
POLL = 1.0  # seconds between checks of runs that other processes train, and for signals
# SLURM sends USR2 to every process of a job's step: only the parent of the pool may act on it.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGUSR2] if hasattr(signal, "SIGUSR2") else []))
CHECKPOINTING = b"\nstopping: checkpointing the runs under way; Ctrl-C again ends them at once\n"


class Task(Protocol):
    """A run to train, and the frozen rules of the checks that need it."""

    @property
    def spec(self) -> RunSpec: ...  # noqa: D102

    @property
    def criteria(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where and how runs are trained."""

    store: Store
    data_dir: Path
    device: str  # "cpu", "cuda" or "cuda:<index>"
    workers: int  # processes
    deadline: float | None  # time.time() by which to pause
    code: str | None = None  # required digest of the workers' code; None for any
    devices: tuple[str, ...] = ()  # assigned to the workers in turn; () for ``device`` alone
    isolated: bool = False  # an error that the user can fix fails only its own run, instead of stopping everything


@dataclass(frozen=True, kw_only=True)
class Done:
    """How one run ended."""

    spec: RunSpec
    status: str  # "complete", "paused", "failed", "crashed" or "waiting" (for the site)
    seconds: float
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A run as it is handed to a worker process."""

    spec: RunSpec
    criteria: Mapping[str, str]
    site: Site


class Stop:
    """While open, the first of SIGNALS sets ``event`` instead of ending the process; a later INT or TERM ends it."""

    def __init__(self) -> None:
        with blocked():  # the first semaphore starts a helper process
            self.event = multiprocessing.get_context("spawn").Event()
        self.signal: int | None = None
        self._old: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, old in self._old.items():
            signal.signal(number, old)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
            self.event.set()
            if number == signal.SIGINT and os.isatty(2):
                os.write(2, CHECKPOINTING)
        elif number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._old[number])
            os.kill(os.getpid(), number)


def train(tasks: Iterable[Task], site: Site, stop: Stop, report: Callable[[Done], None]) -> bool:
    """Trains runs, those held by another process last; False when stopped, or out of time, before all had ended.

    A run of several processes comes after the others, alone: it takes a device for each of them.

    Raises:
        ReproError: an error that would fail every other run as well, such as missing data, unless runs are isolated;
            those under way were checkpointed.
    """
    some = list(tasks)
    ended = _train([task for task in some if task.spec.devices == 1], site, stop, report)
    for task in some:
        if task.spec.devices > 1:
            ended = _train([task], replace(site, workers=1), stop, report) and ended
    return ended


def _train(tasks: Iterable[Task], site: Site, stop: Stop, report: Callable[[Done], None]) -> bool:
    queue, held = deque(tasks), list[Task]()
    crashes: Counter[str] = Counter()
    while (queue or held) and not _over(site, stop):
        if not queue:
            if all(site.store.condition(task.spec) == "training" for task in held):
                stop.event.wait(POLL)
                continue
            queue, held = deque(held), []
        with blocked():  # workers inherit the mask: they never see a signal meant for their parent
            context = multiprocessing.get_context("spawn")  # a forked child would inherit torch's thread pools
            # A worker keeps the device it draws: another would cost it the memory of a second CUDA context.
            drawn = context.SimpleQueue()
            workers = min(site.workers, len(queue))  # an unread queue holds a few thousand
            for number in range(workers):
                drawn.put((site.devices or (site.device,))[number % max(1, len(site.devices))])
            pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(stop.event, drawn))
        flying: dict[Future[Done | None], Task] = {}
        try:
            _drain(queue, held, pool, flying, site, stop, report)
        except BrokenProcessPool:
            for task in flying.values():  # the pool does not report whose worker died
                crashes[task.spec.key] += 1
                _after_crash(task, crashes[task.spec.key], queue, site.store, report)
        except ReproError:
            stop.event.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return not queue and not held and not _over(site, stop)


def work(assignment: Assignment) -> Done | None:
    """Trains one run as far as possible, in a worker process; None if another process is training it.

    Raises:
        ReproError: an error that would fail every other run as well, such as missing data, a full disk or changed code,
            unless runs are isolated. A run whose folder is damaged fails alone.
    """
    from repro.training import run  # only workers import torch

    if _SUCCESSOR is not None:
        return _SUCCESSOR.submit(work, assignment).result()
    began = time.monotonic()
    status: str
    status, error = "failed", ""  # unless it ends otherwise
    try:
        status = run(
            assignment.spec,
            assignment.site.store,
            data_dir=assignment.site.data_dir,
            device=_DEVICE or assignment.site.device,
            criteria=dict(assignment.criteria),
            pause=lambda: _STOP.is_set() or _late(assignment.site.deadline),
            code=assignment.site.code,
            avoid=_AVOID,
            devices=assignment.site.devices[: assignment.spec.devices] if assignment.spec.devices > 1 else (),
        )
    except CaptureError as spoiled:
        return _succeed({**_AVOID, spoiled.way: spoiled.found}).submit(work, assignment).result()
    except TakenOverError:
        return None
    except (ReproError, OSError) as raised:
        if isinstance(raised, DataError):
            assignment.site.store.withdraw(assignment.spec)
        if not assignment.site.isolated and not isinstance(raised, DamagedRunError):
            if isinstance(raised, ReproError):
                raise
            raise StoreError(f"{assignment.spec.name}: {raised}; fix that, and train it again.") from raised
        status, error = "waiting" if is_the_sites_fault(raised) else "failed", str(raised)
    except Exception as raised:  # it is in the run's failure.json, with its traceback
        if spoils_gpu(raised):  # the runs to come need another process
            _succeed(_AVOID)
        error = f"{type(raised).__name__}: {raised}"
    if status == "held":
        return None
    return Done(spec=assignment.spec, status=status, seconds=time.monotonic() - began, error=error)


def is_the_sites_fault(error: BaseException) -> bool:
    """Whether a folder, a mount, the data or the code failed, as it would for every other run."""
    if isinstance(error, DamagedRunError):
        return False
    return isinstance(error, (CodeError, DataError, OSError)) or isinstance(error.__context__, OSError)


def _drain(
    queue: deque[Task],
    held: list[Task],
    pool: ProcessPoolExecutor,
    flying: dict[Future[Done | None], Task],
    site: Site,
    stop: Stop,
    report: Callable[[Done], None],
) -> None:
    """Keeps every worker busy until the queue is empty or it is time to stop; returns when all workers are idle."""
    while True:
        while queue and len(flying) < site.workers and not _over(site, stop):
            task = queue.popleft()
            with blocked():
                flying[pool.submit(work, Assignment(spec=task.spec, criteria=task.criteria, site=site))] = task
        if not flying:
            return
        # A signal may reach another thread, such as one of a library, and is handled by this one when it next runs.
        for future in wait(flying, timeout=POLL, return_when=FIRST_COMPLETED).done:
            done = future.result()
            task = flying.pop(future)
            if done is None:
                held.append(task)
            else:
                report(done)


def _after_crash(task: Task, times: int, queue: deque[Task], store: Store, report: Callable[[Done], None]) -> None:
    """Puts a run whose worker died, or lost its pool, back into the queue, or gives up on it."""
    if store.condition(task.spec) == "complete":
        report(Done(spec=task.spec, status="complete", seconds=store.run(task.spec).record.get("seconds", 0.0)))
    elif times < CRASHES:
        queue.appendleft(task)
    else:
        error = f"a worker process died (out of memory, or killed) {times} times while this run was under way"
        store.fail(task.spec, error, "")
        report(Done(spec=task.spec, status="crashed", seconds=0.0, error=error))


_STOP: Any = threading.Event()  # of this worker process, set by its parent
_DEVICE = ""  # of this worker process, drawn when it starts
_AVOID: Mapping[str, str] = {}  # ways to take steps that spoiled the process before this one, and what happened
_SUCCESSOR: ProcessPoolExecutor | None = None  # a process that does this one's work, since a GPU is spoiled for it


def _succeed(avoid: Mapping[str, str]) -> ProcessPoolExecutor:
    """Starts this worker's successor, on the same device, which takes no steps in the ways to avoid."""
    global _SUCCESSOR
    with blocked():
        context = multiprocessing.get_context("spawn")
        drawn = context.SimpleQueue()
        drawn.put(_DEVICE)
        _SUCCESSOR = ProcessPoolExecutor(1, context, initializer=_start_worker, initargs=(_STOP, drawn, avoid))
        # At its end a process waits for those that it started before it tells this one to end, which would never come.
        multiprocessing.util.Finalize(None, _SUCCESSOR.shutdown, exitpriority=100)
        return _SUCCESSOR


def _start_worker(stop: Any, drawn: Any, avoid: Mapping[str, str] = MappingProxyType({})) -> None:
    global _STOP, _DEVICE, _AVOID
    _STOP, _DEVICE, _AVOID = stop, drawn.get(), dict(avoid)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the parent was killed: the files on disk are consistent, and the lease ends with this process


@contextmanager
def blocked() -> Iterator[None]:
    """While open, SIGNALS wait; a process that is started meanwhile never sees one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _over(site: Site, stop: Stop) -> bool:
    return stop.event.is_set() or _late(site.deadline)


def _late(deadline: float | None) -> bool:
    return deadline is not None and time.time() >= deadline
