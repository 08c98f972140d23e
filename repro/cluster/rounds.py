"""The next round: runs that were interrupted and seeds that verdicts request, queued without the user."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from repro.cluster import deaths, fate, reports, scheduler, site, submit
from repro.cluster import snapshot as snapshots
from repro.cluster.choice import choose
from repro.cluster.hours import hours
from repro.cluster.ledger import Submission
from repro.cluster.lock import submission_lock
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Snapshot
from repro.cluster.submit import EntryPoints
from repro.errors import ReproError
from repro.planning.quantities import counted
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session

PATIENCE = 600.0  # seconds to wait for another process that submits or reports, or for the site's fault to be fixed
DEATHS = 2  # attempts in a row that may end without a report before the user has to act


def patience(submission: Submission) -> float:
    """Seconds for which a report job waits for one thing: of three such, at most three quarters of its time limit."""
    return min(PATIENCE, 60 * submission.profile.for_report.minutes / 4)


def queue_next_round(submission: Submission, session: "Session", entry_points: EntryPoints, patience: float) -> str:
    """Queues another round if one is needed; returns a message, also on an error, so that the report is written."""
    order, profile = submission.order, submission.profile
    store = Store(order.results)
    try:
        # Outside the lock: a user who has fixed the cause can submit, and a full store cannot be locked at all.
        trouble = site.wait_until_fixed(submission, session, patience)
        if trouble:
            return f"no further round, because the site is at fault: {trouble}"
        with submission_lock(store, patience):
            queue = scheduler.jobs()
            snapshot = deaths.learn(snapshots.read(store), queue)
            tries_left = submission.round < profile.requeues
            choice = choose(profile, session, snapshot, queue, wanted=_was_interrupted if tries_left else _never_tried)
            if not choice.todo and choice.jobs and not _is_report_coming(submission, snapshot, queue):
                later = submit.queue(order, profile, choice, entry_points, before=submission, round=submission.round)
                return f"runs are under way in other jobs: report job {later.report_job} follows when they have ended"
            if not choice.todo:
                return "no further round is needed" if tries_left else "no further round: all are used up"
            spent = hours(snapshot, submission.chain)
            left = order.granted_gpu_hours - (spent.allocated if spent else 0.0)
            if choice.gpu_hours > left:
                need = counted(len(choice.todo), "run needs", "runs need")
                return (
                    f"no further round: {need} {choice.gpu_hours:.3g} GPU-hours, but {left:.3g} are left of those "
                    "granted; repro submit queues them"
                )
            tried = {key for keys in submission.elements for key in keys}
            again = any(run.spec.key in tried for run in choice.todo)  # a round of new seeds only is no retry
            number = submission.round + again
            following = submit.queue(order, profile, choice, entry_points, before=submission, round=number, keep=True)
    except ReproError as error:
        return f"no further round: {error}"
    return f"round {following.round}: {counted(len(choice.todo), 'run')} queued as submission {following.id}"


def _is_report_coming(submission: Submission, snapshot: Snapshot, queue: Sequence[Job]) -> bool:
    """Whether a report of the same selection is queued after this one."""
    last = reports.of(submission.order, snapshot, queue)
    return last is not None and last.submission.id != submission.id and last.state == "coming"


def _was_interrupted(one: fate.Fate) -> bool:
    """Whether to retry a run: not one that failed by itself, was cancelled by the user, or is killed repeatedly."""
    return one.state in ("paused", "missing", "waiting") or (one.state == "killed" and one.deaths < DEATHS)


def _never_tried(one: fate.Fate) -> bool:
    """Whether a run is a new seed that a verdict requests."""
    return one.state == "missing" and one.submission is None
