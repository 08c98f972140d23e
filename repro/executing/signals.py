"""Signals of a process that has workers: caught once, and never seen by them."""

import ctypes
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# SLURM sends USR2 to every process of a job's step: only the parent of the pool may act on it.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGUSR2] if hasattr(signal, "SIGUSR2") else []))
LOOK = 0.1  # seconds between looks of whoever waits for a flag
CHECKPOINTING = b"\nstopping: checkpointing the runs under way; Ctrl-C again ends them at once\n"


class Flag:
    """Yes or no, seen by every process that it is given to; a signal's handler may raise it at any moment.

    Its one byte has no lock: an event of ``multiprocessing`` waits for whoever sleeps on it, and for ever where that is
    the thread that the signal has interrupted.
    """

    def __init__(self) -> None:
        self._byte = multiprocessing.get_context("spawn").RawValue(ctypes.c_bool, False)

    def set(self) -> None:
        """Raises it."""
        self._byte.value = True

    def clear(self) -> None:
        """Lowers it."""
        self._byte.value = False

    def is_set(self) -> bool:
        """Whether it is raised."""
        return bool(self._byte.value)

    def wait(self, seconds: float = math.inf) -> bool:
        """Waits until it is raised, at most so long; whether it is."""
        until = time.monotonic() + seconds
        while not self.is_set() and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))
        return self.is_set()


class Stop:
    """While open, the first of SIGNALS sets ``event``; a later INT or TERM ends the process, its workers with it.

    ``in_a_job``, a later TERM does nothing: at a time limit, and where it preempts without grace, SLURM sends two at
    once, some time before the KILL that follows in any case.
    """

    def __init__(self, in_a_job: bool = False) -> None:
        self._ending = {signal.SIGINT} if in_a_job else {signal.SIGINT, signal.SIGTERM}
        self.event = Flag()
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
        elif number in self._ending:
            # Not by an exception, which would wait for the workers: they end with this process.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


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
