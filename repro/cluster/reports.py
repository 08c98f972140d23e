"""Reports of submissions: the folder of each, its state, and the record that its job keeps."""

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

ReportState = Literal[
    "coming",  # its job is waiting or running
    "written",  # it is in its folder
    "failed",  # its job recorded why
    "lost",  # its job ended without a report, or was never queued
]
ADVICE = "fix the cause, then repro submit queues the report again; or, here: repro judge && repro report"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The state of one report."""

    submission: Submission  # the last one that was to write it
    state: ReportState
    job: str  # "" if none was queued
    message: str  # why it waits, has failed or is lost
    round: str = ""  # its job's message about a next round


def reports(snapshot: Snapshot, queue: Sequence[Job]) -> list[Report]:
    """The last report of each selection that was submitted, in order."""
    last = {one.submission.order.selection: one for one in snapshot.entries}
    jobs = {job.name: job for job in queue if job.live}
    return [_report(one, jobs.get(one.submission.report_name)) for one in last.values()]


def of(order: Order, snapshot: Snapshot, queue: Sequence[Job]) -> Report | None:
    """The report of an order's selection; None if none was ever submitted."""
    found = [one for one in reports(snapshot, queue) if one.submission.order.selection == order.selection]
    return found[0] if found else None


def folder_for(order: Order, snapshot: Snapshot) -> Path:
    """The folder for the report of an order: never that of another selection's report."""
    owners = {one.submission.order.report: one.submission.order.selection for one in snapshot.entries}
    folder, number = order.report, 1
    while owners.get(folder, order.selection) != order.selection:
        number += 1
        folder = order.report.with_name(f"{order.report.name}-{number}")
    return folder


def note(submission: Submission, state: Literal["begun", "written", "failed"], message: str, following: str) -> None:
    """Records the state of a report; if that cannot be written, only the queue shows it."""
    fields = {"state": state, "message": message, "round": following, "at": time.time()}
    with suppress(StoreError):
        write(ledger.report_file(submission), json.dumps(fields, indent=1).encode())


def _report(entry: Entry, job: Job | None) -> Report:
    submission, recorded = entry.submission, entry.report
    state: ReportState
    if job is not None:
        state, message = "coming", f"{job.state}, {job.reason}" if job.reason not in ("", "None") else job.state
    elif recorded.get("state") == "written":
        there = (submission.order.report / "report.html").exists()
        state, message = ("written", "") if there else ("lost", f"{submission.order.report} was deleted since")
    elif _was_written_since(submission, float(recorded.get("at", submission.created))):
        state, message = "written", "by hand"
    elif recorded.get("state") == "failed":
        state, message = "failed", str(recorded.get("message", ""))
    elif submission.report_job is None:
        state, message = "lost", "no report job was queued"
    else:
        state, message = "lost", f"job {submission.report_job} ended without a report; see {_log(submission)}"
    return Report(
        submission=submission,
        state=state,
        job=submission.report_job or "",
        message=message,
        round=str(recorded.get("round", "")),
    )


def _was_written_since(submission: Submission, when: float) -> bool:
    """Whether the user, or another process, has rendered it."""
    try:
        return (submission.order.report / "report.html").stat().st_mtime > when
    except OSError:
        return False


def _log(submission: Submission) -> Path:
    return submission.log_of(submission.report_job)
