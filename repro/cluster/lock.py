"""Locks: one process at a time submits to a store, and one writes a report."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from repro.cluster.ledger import FOLDER
from repro.errors import ClusterError
from repro.runs.files import explain_write_errors, make_folder
from repro.runs.lease import Lease
from repro.runs.store import Store


def submission_lock(store: Store, patience: float = 0.0) -> AbstractContextManager[None]:
    """Keeps other processes from submitting, so that no run is queued twice; waits up to ``patience`` seconds.

    Raises:
        ClusterError: another process holds it.
        StoreError: the store cannot be written.
    """
    return _lock(store.root / FOLDER, patience, f"submitting to {store.root}")


def report_lock(folder: Path, patience: float) -> AbstractContextManager[None]:
    """Lets one process at a time judge and render into a folder; raises as ``submission_lock`` does."""
    return _lock(folder, patience, f"writing the report in {folder}")


@contextmanager
def _lock(folder: Path, patience: float, doing: str) -> Iterator[None]:
    until = time.monotonic() + patience
    while True:
        make_folder(folder)
        with explain_write_errors(folder):
            lease = Lease.take(folder)
        if lease is not None:
            break
        if time.monotonic() >= until:
            raise ClusterError(f"another process is {doing}; try again when it is done.")
        time.sleep(1)
    try:
        with lease.kept():
            yield
    finally:
        lease.release()
