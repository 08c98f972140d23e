"""One process at a time, of those that would change the same file."""

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from repro.runs.files import explain_write_errors

POLL = 0.1  # seconds between looks at a lock that another process holds


@contextlib.contextmanager
def alone(path: Path, told: Callable[[str], None], waiting: str, patience: float = math.inf) -> Iterator[None]:
    """Waits until no other process is here, or for ``patience`` seconds, and says ``waiting`` if there is one.

    ``path`` is a folder, which is left as it is, or a file that is made for this. Where a file system has no locks,
    each process is for itself.

    Raises:
        StoreError: the file cannot be made.
    """
    with explain_write_errors(path):
        lock = os.open(path, os.O_RDONLY if path.is_dir() else os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        until = time.monotonic() + patience
        if not _locked(lock):
            told(waiting)
            while not _locked(lock) and time.monotonic() < until:
                time.sleep(POLL)
        yield
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        pass
    return True
