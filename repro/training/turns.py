"""Runs that the threads of one process train at once: made ready one after the other, then each on its own stream."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from repro.errors import CaptureError

POLL = 1.0  # seconds between looks whether to wait on


class Turn:
    """The place of one run among those that a process trains at once."""

    def __init__(self, gate: "_Gate") -> None:
        self._gate, self._ready = gate, False

    @property
    def runs(self) -> int:
        """How many runs there are, this one included."""
        return self._gate.runs

    @contextmanager
    def preparing(self, pause: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """While open, no other run uses the device: nothing else may while a step is recorded.

        On leaving it waits until the others are ready as well or have left, or until ``pause``, which all of them ask,
        says that nobody should begin.

        Raises:
            CaptureError: this run or another left the device so that this process must not use it any more.
        """
        with self._gate.lock:
            self._gate.check()
            try:
                yield
            except CaptureError as error:
                self._gate.close(error)
                raise
        self.leave()
        self._gate.wait(pause)

    def leave(self) -> None:
        """Lets the others begin without this run, if it is not ready."""
        if not self._ready:
            self._ready = True
            self._gate.one_less()

    @contextmanager
    def stream(self, device: torch.device) -> Iterator[None]:
        """While open, what this thread asks of a GPU runs beside what others ask of it, and not after that."""
        if device.type != "cuda" or self.runs == 1:
            yield
            return
        torch.cuda.synchronize(device)  # what it was made ready with is on the stream that all share
        own = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        try:
            with torch.cuda.stream(own):
                yield
        finally:
            own.synchronize()  # before its memory goes to others


def turns(runs: int) -> tuple[Turn, ...]:
    """A turn for each of some runs that are trained at once, 8 at most.

    Torch hands out 32 streams, then the same again, and what two recordings have in common ends with either. Each run
    takes one for every way that it records, and its own.
    """
    assert 1 <= runs <= 8
    gate = _Gate(runs)
    return tuple(Turn(gate) for _ in range(runs))


def alone() -> Turn:
    """The turn of a run that has its process to itself."""
    return turns(1)[0]


class _Gate:
    """Opens when all runs are ready, and closes for good when one has spoiled the device."""

    def __init__(self, runs: int) -> None:
        self.runs, self.lock = runs, threading.Lock()
        self._change, self._awaited = threading.Condition(), runs
        self._error: CaptureError | None = None

    def one_less(self) -> None:
        with self._change:
            self._awaited -= 1
            self._change.notify_all()

    def close(self, error: CaptureError) -> None:
        with self._change:
            self._error = self._error or error
            self._change.notify_all()

    def check(self) -> None:
        if self._error is not None:
            raise CaptureError(self._error.way, self._error.found)

    def wait(self, pause: Callable[[], bool]) -> None:
        while True:
            with self._change:
                if self._change.wait_for(lambda: not self._awaited or self._error is not None, POLL):
                    self.check()
                    return
            if pause():
                with self.lock:  # the one that may be recording has ended, and the others are told the same
                    return
