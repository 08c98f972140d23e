"""Faults of the site, not of a run: folders, data or code that keep runs from training."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cluster.ledger import FOLDER, Submission
from repro.errors import ReproError
from repro.provenance import code_digest
from repro.runs.datasets import check_data_present
from repro.runs.files import write

if TYPE_CHECKING:
    from repro.collecting.plugin import Session

ROOM = 1_000_000  # bytes, as many as a checkpoint may take: a nearly full disk counts as full


def trouble(submission: Submission, session: "Session") -> str:
    """What keeps the runs of a submission from training now, as seen from this machine; "" for nothing."""
    order = submission.order
    code_digest.cache_clear()  # it may have been put back while we wait
    if not order.any_code and code_digest() != submission.code:
        return (
            f"the code is {code_digest()[:12]}…, but the runs were planned with {submission.code[:12]}…: put the old "
            "code back, or repro submit to continue with the new one"
        )
    try:
        _write_some(order.results / FOLDER)
        _check_data(order.data_dir, session)
    except ReproError as error:
        return str(error)
    return ""


def wait_until_fixed(
    submission: Submission,
    session: "Session",
    patience: float,
    *,
    pause: float = 10.0,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Waits up to ``patience`` seconds for the fault to be fixed; returns what is left of it, "" for nothing."""
    waited = 0.0
    while (found := trouble(submission, session)) and waited < patience:
        sleep(pause)
        waited += pause
    return found


def _write_some(folder: Path) -> None:
    place = folder / ".room"
    try:
        write(place, b"\0" * ROOM)
    finally:
        place.unlink(missing_ok=True)  # another report job may look at the same moment


def _check_data(data_dir: Path, session: "Session") -> None:
    """Checks the data sets that the runs of the first look need."""
    specs = [spec for check in session.selected for spec in check.runs(check.looks[0]).values()]
    for name in sorted({spec.dataset for spec in specs if spec.rows}):
        check_data_present(name, data_dir)
