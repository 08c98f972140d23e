"""Reports as part of a submission's state: which folder one goes to, what became of it, and what its job notes down."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.cluster import ledger
from repro.cluster.ledger import Order, Submission
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Entry, Snapshot
from repro.errors import StoreError
from repro.runs.files import write

State = Literal[
    "coming",  # its job waits or runs
    "written",  # and it lies in its folder
    "failed",  # its job says why
    "lost",  # its job ended without a word, or was never queued
]
ADVICE = "mend the cause, then repro submit queues the report again; or, here: repro judge && repro report"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of one report."""

    submission: Submission  # the last one that was to write it
    state: State
    job: str  # "" where none was queued
    message: str  # why it waits, has failed or is lost; what it did about a next round
    round: str = ""  # what its job said of a next round


def reports(snapshot: Snapshot, queue: Sequence[Job]) -> list[Report]:
    """The last report of each selection that was submitted, in order."""
    last = {one.submission.order.selection: one for one in snapshot.entries}
    jobs = {job.name: job for job in queue if job.live}
    return [_report(one, jobs.get(one.submission.report_name)) for one in last.values()]


def of(order: Order, snapshot: Snapshot, queue: Sequence[Job]) -> Report | None:
    """The report of an order's selection; None when none was ever submitted."""
    found = [one for one in reports(snapshot, queue) if one.submission.order.selection == order.selection]
    return found[0] if found else None


def folder_for(order: Order, snapshot: Snapshot) -> Path:
    """The folder that the report of an order goes to: never one that the report of another selection goes to."""
    owners = {one.submission.order.report: one.submission.order.selection for one in snapshot.entries}
    folder, number = order.report, 1
    while owners.get(folder, order.selection) != order.selection:
        number += 1
        folder = order.report.with_name(f"{order.report.name}-{number}")
    return folder


def note(submission: Submission, state: Literal["begun", "written", "failed"], message: str, following: str) -> None:
    """Keeps what became of a report; where that cannot be written, the queue alone tells."""
    fields = {"state": state, "message": message, "round": following, "at": time.time()}
    with suppress(StoreError):
        write(ledger.report_file(submission), json.dumps(fields, indent=1).encode())


def _report(entry: Entry, job: Job | None) -> Report:
    submission, said = entry.submission, entry.report
    state: State
    if job is not None:
        state, message = "coming", f"{job.state}, {job.reason}" if job.reason not in ("", "None") else job.state
    elif said.get("state") == "written":
        there = (submission.order.report / "report.html").exists()
        state, message = ("written", "") if there else ("lost", f"{submission.order.report} was deleted since")
    elif _was_written_since(submission, float(said.get("at", submission.created))):
        state, message = "written", "by hand"
    elif said.get("state") == "failed":
        state, message = "failed", str(said.get("message", ""))
    elif submission.report_job is None:
        state, message = "lost", "no report job was queued"
    else:
        state, message = "lost", f"job {submission.report_job} ended without a word; see {_log(submission)}"
    return Report(
        submission=submission,
        state=state,
        job=submission.report_job or "",
        message=message,
        round=str(said.get("round", "")),
    )


def _was_written_since(submission: Submission, when: float) -> bool:
    """Whether somebody else, such as the user, has rendered it."""
    try:
        return (submission.order.report / "report.html").stat().st_mtime > when
    except OSError:
        return False


def _log(submission: Submission) -> Path:
    return submission.log_of(submission.report_job)
