"""Examples per second of runs that share a device, measured by training them at the same time."""

import math
import multiprocessing
import queue as queues
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from repro.executing.sharing import Rate
from repro.runs.network_spec import NetworkSpec

SECONDS = 5.0  # of each trial, after its runs have warmed up
PATIENCE = 600.0  # seconds for each run of a trial to start: those in threads do so one after the other
POLL = 1.0  # seconds between looks whether to stop


class StoppedError(Exception):
    """The user ended a measurement."""


def measured_rate(data_dir: Path, device: str, *, stopped: Callable[[], bool], seconds: float = SECONDS) -> Rate:
    """Measures rates on a device, of runs that all go on at the same time; StoppedError when told."""

    def rate(spec: NetworkSpec, count: int, threads: bool) -> float | None:
        context = multiprocessing.get_context("spawn")
        number, runs = (1, count) if threads else (count, 1)
        barrier, answers = context.Barrier(number), context.Queue()
        arguments = (spec, data_dir, device, seconds, runs, barrier, answers)
        processes = [context.Process(target=_train, args=arguments, daemon=True) for _ in range(number)]
        for process in processes:
            process.start()
        try:
            found = [_answer(answers, stopped, count * PATIENCE, processes) for _ in processes]
        except queues.Empty:
            return None
        finally:
            for process in processes:
                process.kill()
                process.join()
        return None if any(map(math.isnan, found)) else sum(found)

    return rate


def _answer(answers: Any, stopped: Callable[[], bool], patience: float, processes: Sequence[BaseProcess]) -> float:
    """The next rate; Empty where none came in time, or where a process was killed, for which the others would wait."""
    late = time.monotonic() + patience
    while True:
        try:
            return float(answers.get(timeout=POLL))
        except queues.Empty:
            if stopped():
                raise StoppedError from None
            killed = any(process.exitcode not in (None, 0, 1) for process in processes)  # 1: it has answered nan
            if killed or time.monotonic() > late:
                raise


def _train(
    spec: NetworkSpec, data_dir: Path, device: str, seconds: float, runs: int, barrier: Any, answers: Any
) -> None:
    """Puts the rate of some runs in threads of this process among the answers, taken when every process is ready."""
    from repro.training import speed, turns

    here = threading.Barrier(runs, action=lambda: barrier.wait(runs * PATIENCE))

    def ready() -> None:
        here.wait(runs * PATIENCE)

    def one(turn: Any) -> float:
        try:
            return speed(spec, data_dir=data_dir, device=device, ready=ready, seconds=seconds, turn=turn)
        except BaseException:
            here.abort()
            raise
        finally:
            turn.leave()

    try:
        with ThreadPoolExecutor(runs) as threads:
            answers.put(sum(threads.map(one, turns(runs))))
    except Exception:  # most likely out of memory: that many do not fit
        barrier.abort()
        answers.put(math.nan)
        raise
