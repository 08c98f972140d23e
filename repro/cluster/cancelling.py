"""What `repro cancel` cancels: whole arrays if all of their elements are selected, else single elements."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.cluster import fate, ledger
from repro.cluster.deaths import in_queue
from repro.cluster.hints import can_never_start
from repro.cluster.ledger import Submission
from repro.cluster.orphans import orphans
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Snapshot
from repro.errors import StoreError
from repro.runs.files import write
from repro.runs.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Cancelling:
    """Which jobs to cancel, and what else that affects."""

    ids: tuple[str, ...]  # of arrays, elements and report jobs, as scancel takes them
    jobs: int  # elements that train selected runs
    runs: int  # selected
    beside: int  # runs in the same elements, not selected
    orphans: int  # jobs whose submission is lost
    reports: tuple[str, ...]  # report jobs that could never start
    elements: tuple[tuple[Submission, int], ...]  # that train selected runs

    def remember(self) -> None:
        """Writes down, as far as that is possible, that it was the user who cancelled them."""
        runs: dict[Path, set[str]] = {}
        for submission, number in self.elements:
            file = ledger.cancelled_file(submission)
            if file not in runs:
                runs[file] = {*ledger.read_json(file).get("runs", ())}
            runs[file].update(submission.elements[number])
        for file, keys in runs.items():
            with contextlib.suppress(StoreError):
                write(file, json.dumps({"runs": sorted(keys)}).encode())


def choose(specs: Sequence[RunSpec], snapshot: Snapshot, queue: Sequence[Job], everything: bool) -> Cancelling:
    """What to cancel so that the selected runs are no longer under way."""
    found = fate.fates(specs, snapshot, queue)
    live = in_queue(queue)  # a run may be under way elsewhere, and its last job long gone
    some = [one for one in found.values() if one.state in fate.UNDER_WAY and one.job in live]
    jobs = {one.job for one in some if one.job}
    shared = {
        key
        for one in some
        if one.submission and one.element is not None
        for key in one.submission.elements[one.element]
    }
    lost = orphans(snapshot, queue) if everything else []
    theirs = {one.submission.report_name for one in some if one.submission}
    stuck = [job.id for job in queue if job.live and job.name in theirs and can_never_start(job.reason)]
    return Cancelling(
        ids=(*_together(jobs, queue), *stuck, *(job for one in lost for job in one.jobs)),
        jobs=len(jobs),
        runs=len(some),
        beside=len(shared - {one.spec.key for one in some}),
        orphans=sum(one.count for one in lost),
        reports=tuple(stuck),
        elements=tuple((one.submission, one.element) for one in some if one.submission and one.element is not None),
    )


def _together(jobs: set[str], queue: Sequence[Job]) -> list[str]:
    """Ids, in which an array stands for its elements if all of them are selected."""
    live: dict[str, set[str]] = {}
    for job in queue:
        if job.live:
            live.setdefault(job.id.partition("_")[0], set()).add(job.id)
    whole = {array for array, elements in live.items() if elements <= jobs}
    return sorted({job.partition("_")[0] if job.partition("_")[0] in whole else job for job in jobs})
