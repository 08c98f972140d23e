"""Commands that are interrupted: they leave no job behind that nobody waits for."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from repro.cluster import scheduler
from repro.errors import ClusterError


@contextmanager
def cancelled_if_interrupted(job: str) -> Iterator[None]:
    """While open, Ctrl-C or any other error cancels a job that is waited for."""
    try:
        yield
    except BaseException:
        with suppress(ClusterError):
            scheduler.cancel([job])
        raise


@contextmanager
def as_by_ctrl_c() -> Iterator[None]:
    """While open, a lost connection or SIGTERM ends this process in order, as Ctrl-C does; not under nohup."""

    def end(number: int, _frame: object) -> None:
        for one in heeded:  # a lost connection is often told twice, and in both ways
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    heeded = [one for one in (signal.SIGHUP, signal.SIGTERM) if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, end) for one in heeded}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
