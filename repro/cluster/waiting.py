"""Jobs that answer with a file, outside any submission of runs, and waiting for them."""

import json
import time
from pathlib import Path
from typing import Any

from repro.cluster import scheduler
from repro.cluster import snapshot as snapshots
from repro.cluster.ledger import Order, Submission
from repro.cluster.profile import Profile
from repro.provenance import code_digest, commit
from repro.runs.store import Store


def wait_for(file: Path, job: str, wait: float) -> tuple[Any, str]:
    """What a job writes into a JSON file; None, with its last state, if it ends or times out first."""
    until, state, pause = time.monotonic() + wait, "", 1.0
    while time.monotonic() < until:
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8")), "COMPLETED"
        found = [one for one in scheduler.jobs() if one.id == job]
        state = found[0].state if found else ""
        if not found or not found[0].live:
            time.sleep(2)  # a file may appear late in a shared folder
            return (json.loads(file.read_text(encoding="utf-8")), state) if file.exists() else (None, state)
        time.sleep(pause)
        pause = min(10.0, 1.2 * pause)
    return None, f"{state} after {wait:.0f} s"


def empty_submission(one: Profile, order: Order) -> Submission:
    """A submission without elements, for jobs that train nothing."""
    return Submission(
        id="", chain="", order=order, profile=one, code=code_digest(), commit=commit(), round=0, created=time.time(),
        elements=(), gpu_hours=0.0, reused_seconds=0.0, excluded=snapshots.read(Store(order.results)).avoided(one),
    )  # fmt: skip
