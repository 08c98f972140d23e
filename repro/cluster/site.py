"""The site's faults: what is wrong with folders, data or code, and not with a run, and whether it is gone."""

import time
from collections.abc import Callable
from pathlib import Path

from repro.cluster.ledger import FOLDER, Submission
from repro.errors import ReproError
from repro.executing.pool import is_the_sites_fault as is_at_fault
from repro.provenance import code_digest
from repro.runs.store import write

__all__ = ["is_at_fault", "trouble", "wait_until_well"]


def trouble(submission: Submission) -> str:
    """What keeps the runs of a submission from being trained now, as far as this machine sees it; "" for nothing."""
    order = submission.order
    if not order.any_code and code_digest() != submission.code:
        return f"the code is {code_digest()[:12]}…, and the runs were planned with {submission.code[:12]}…"
    try:
        _write_some(order.results / FOLDER)
    except ReproError as error:
        return str(error)
    return ""


def wait_until_well(
    submission: Submission, patience: float, *, pause: float = 10.0, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Waits so many seconds for the trouble to go; what it still is then, "" once it is gone."""
    waited = 0.0
    while (found := trouble(submission)) and waited < patience:
        sleep(pause)
        waited += pause
    return found


def _write_some(folder: Path) -> None:
    """Writes as much as a checkpoint may take, so that a disk that is nearly full is not taken for well."""
    place = folder / ".room"
    try:
        write(place, b"\0" * 1_000_000)
    finally:
        if place.exists():
            place.unlink()
