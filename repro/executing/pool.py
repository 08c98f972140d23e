"""Runs trained by a pool of worker processes, through crashes and signals."""

import itertools
import math
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Protocol

from repro.executing.signals import Stop, blocked
from repro.executing.worker import Assignment, Done, Setup, late, start, work
from repro.runs.spec import RunSpec
from repro.runs.store import Store

CRASHES = 2  # a run that died this often with its worker, alone, is not tried again in this call
POLL = 1.0  # seconds between checks of runs that other processes train, and for signals


class Task(Protocol):
    """A run to train, and the frozen rules of the checks that need it."""

    @property
    def spec(self) -> RunSpec: ...  # noqa: D102

    @property
    def criteria(self) -> Mapping[str, str]: ...  # noqa: D102


def train(tasks: Iterable[Task], setup: Setup, stop: Stop, report: Callable[[Done], None]) -> bool:
    """Trains runs, those held by another process last; False when stopped, or out of time, before all had ended.

    A run of several processes comes after the others, alone: it takes a device for each of them.

    Raises:
        ReproError: an error that would fail every other run as well, such as missing data, unless runs are isolated;
            those under way were checkpointed.
    """
    some = list(tasks)
    ended = _train([task for task in some if task.spec.devices == 1], setup, stop, report)
    for task in some:
        if task.spec.devices > 1:
            ended = _train([task], replace(setup, workers=1), stop, report) and ended
    return ended


def _train(tasks: Iterable[Task], setup: Setup, stop: Stop, report: Callable[[Done], None]) -> bool:
    queue, held, suspects = deque(tasks), list[Task](), deque[Task]()
    crashes: Counter[str] = Counter()
    while (queue or held or suspects) and not _over(setup, stop):
        if not (queue or suspects):
            if all(setup.store.condition(task.spec) == "training" for task in held):
                stop.event.wait(POLL)
                continue
            queue, held = deque(held), []
        # Of runs that were under way when a worker died nobody knows whose it was: each shows it alone.
        now = deque([suspects.popleft()]) if suspects else queue
        within = setup if now is queue else replace(setup, workers=1)
        with blocked():  # workers inherit the mask: they never see a signal meant for their parent
            context = multiprocessing.get_context("spawn")  # a forked child would inherit torch's thread pools
            # A worker keeps the device it draws: another would cost it the memory of a second CUDA context.
            drawn = context.SimpleQueue()
            workers = min(within.workers, len(now))  # an unread queue holds a few thousand
            for number in range(workers):
                drawn.put((setup.devices or (setup.device,))[number % max(1, len(setup.devices))])
            pool = ProcessPoolExecutor(workers, context, initializer=start, initargs=(stop.event, drawn))
        flying: dict[Future[list[Done | None]], list[Task]] = {}
        try:
            _drain(now, held, pool, flying, within, stop, report)
        except BrokenProcessPool:
            setup = replace(setup, threads=1)  # perhaps for want of memory, or for what they did to each other
            under_way = [*itertools.chain(*flying.values())]
            for task in under_way:
                crashes[task.spec.key] += len(under_way) == 1
                _after_crash(task, crashes[task.spec.key], suspects, setup.store, report)
        except BaseException:  # an error of whoever is told, too: it must not wait until all runs have ended
            stop.event.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        if now is not queue:
            suspects.extendleft(now)
    return not (queue or held or suspects) and not _over(setup, stop)


def _drain(
    queue: deque[Task],
    held: list[Task],
    pool: ProcessPoolExecutor,
    flying: dict[Future[list[Done | None]], list[Task]],
    setup: Setup,
    stop: Stop,
    report: Callable[[Done], None],
) -> None:
    """Keeps every worker busy until the queue is empty or it is time to stop; returns when all workers are idle."""
    while True:
        while queue and len(flying) < setup.workers and not _over(setup, stop):
            fair = math.ceil(len(queue) / (setup.workers - len(flying)))  # no worker waits while another has several
            some = _alike(queue, min(setup.threads, fair))
            with blocked():
                given = [Assignment(spec=task.spec, criteria=task.criteria, setup=setup) for task in some]
                try:
                    flying[pool.submit(work, given)] = some
                except BrokenProcessPool:  # by a worker that has died since
                    queue.extendleft(reversed(some))
                    raise
        if not flying:
            return
        # A signal may reach another thread, such as one of a library, and is handled by this one when it next runs.
        for future in wait(flying, timeout=POLL, return_when=FIRST_COMPLETED).done:
            found = future.result()
            for task, done in zip(flying.pop(future), found, strict=True):
                if done is None:
                    held.append(task)
                else:
                    report(done)


def _alike(queue: deque[Task], most: int) -> list[Task]:
    """Takes the first run from a queue, with others that differ from it in their seeds alone, ``most`` in all."""
    some = [queue.popleft()]
    for task in [*queue] if most > 1 else ():
        if len(some) < most and task.spec.seedless == some[0].spec.seedless:
            queue.remove(task)
            some.append(task)
    return some


def _after_crash(task: Task, times: int, suspects: deque[Task], store: Store, report: Callable[[Done], None]) -> None:
    """Lets a run whose worker died, or lost its pool, be trained again, or gives up on it."""
    if store.condition(task.spec) == "complete":
        report(Done(spec=task.spec, status="complete", seconds=store.run(task.spec).record.get("seconds", 0.0)))
    elif times < CRASHES:
        suspects.append(task)
    else:
        error = f"its worker process died (out of memory, or killed) {times} times while this run alone was under way"
        store.fail(task.spec, error, "")
        report(Done(spec=task.spec, status="crashed", seconds=0.0, error=error))


def _over(setup: Setup, stop: Stop) -> bool:
    return stop.event.is_set() or late(setup.deadline)
