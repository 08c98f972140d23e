"""Jobs that answer with a file, outside any submission of runs, and waiting for them."""

import json
import time
from pathlib import Path
from typing import Any

from repro.cluster import scheduler
from repro.cluster import snapshot as snapshots
from repro.cluster.avoid import avoided
from repro.cluster.interrupted import cancelled_if_interrupted
from repro.cluster.ledger import Order, Submission
from repro.cluster.profile import Profile
from repro.provenance import code_digest, commit
from repro.runs.store import Store

LATE = 10.0  # seconds by which a file may appear after its job has ended, in a shared folder


def wait_for(file: Path, job: str, wait: float) -> tuple[Any, str]:
    """What a job writes into a JSON file; None, with its last state, if it ends or times out first.

    The job is cancelled if this is interrupted.
    """
    with cancelled_if_interrupted(job):
        return _wait_for(file, job, wait)


def _wait_for(file: Path, job: str, wait: float) -> tuple[Any, str]:
    until, state, pause = time.monotonic() + wait, "", 1.0
    while time.monotonic() < until:
        if _is_there(file):
            return json.loads(file.read_text(encoding="utf-8")), "COMPLETED"
        found = [one for one in scheduler.jobs() if one.id == job]
        state = found[0].state if found else ""
        if not found or not found[0].live:
            late = time.monotonic() + LATE
            while not (there := _is_there(file)) and time.monotonic() < late:
                time.sleep(0.5)
            return (json.loads(file.read_text(encoding="utf-8")), state) if there else (None, state)
        time.sleep(pause)
        pause = min(10.0, 1.2 * pause)
    return None, f"{state} after {wait:.0f} s"


def _is_there(file: Path) -> bool:
    """Whether a file is in its folder: asked of the folder, as NFS remembers for up to a minute that a file was not."""
    return any(one.name == file.name for one in file.parent.iterdir())


def empty_submission(one: Profile, order: Order) -> Submission:
    """A submission without elements, for jobs that train nothing."""
    return Submission(
        id="", chain="", order=order, profile=one, code=code_digest(), commit=commit(), round=0, created=time.time(),
        elements=(), gpu_hours=0.0, reused_seconds=0.0, excluded=avoided(snapshots.read(Store(order.results)), one),
    )  # fmt: skip
