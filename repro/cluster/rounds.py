"""The next round: what bad luck stopped and what verdicts ask for more, queued again without a hand."""

from typing import TYPE_CHECKING

from repro.cluster import deaths, fate, scheduler, site, submit
from repro.cluster import snapshot as snapshots
from repro.cluster.choice import choose
from repro.cluster.hours import hours
from repro.cluster.ledger import Submission
from repro.cluster.lock import submission_lock
from repro.cluster.submit import Jobs
from repro.errors import ReproError
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session

PATIENCE = 600.0  # seconds to wait for another process that submits, or for the site to be well again
DEATHS = 2  # attempts in a row that may end without a word before a user has to look


def queue_next_round(submission: Submission, session: "Session", jobs: Jobs, patience: float = PATIENCE) -> str:
    """Queues another round if one is needed, and says what it did; an error is said too, so that the report comes."""
    order, profile = submission.order, submission.profile
    store = Store(order.results)
    try:
        with submission_lock(store, patience):
            queue = scheduler.jobs()
            snapshot = deaths.learn(snapshots.read(store), queue)
            tries_left = submission.round < profile.requeues
            choice = choose(profile, session, snapshot, queue, wanted=_bad_luck if tries_left else _never_tried)
            if not choice.todo:
                return "no further round is needed" if tries_left else "no further round: all are used up"
            if choice.waiting and (trouble := site.wait_until_well(submission, patience)):
                return f"no further round: {len(choice.waiting)} runs wait for the site: {trouble}"
            spent = hours(snapshot, submission.chain)
            left = order.granted_gpu_hours - (spent.allocated if spent else 0.0)
            if choice.gpu_hours > left:
                return (
                    f"no further round: {len(choice.todo)} runs need {choice.gpu_hours:.3g} GPU-hours, and {left:.3g} "
                    "are left of what was granted; repro submit goes on"
                )
            tried = {key for keys in submission.elements for key in keys}
            again = any(run.spec.key in tried for run in choice.todo)  # a round of more seeds alone is no second try
            number = submission.round + again
            following = submit.queue(order, profile, choice, jobs, before=submission, round=number, keep=True)
    except ReproError as error:
        return f"no further round: {error}"
    return f"round {following.round}: {len(choice.todo)} runs queued as submission {following.id}"


def _bad_luck(one: fate.Fate) -> bool:
    """Not what failed by itself, nor what the user cancelled, nor what is killed again and again."""
    return one.state in ("paused", "missing", "waiting") or (one.state == "killed" and one.deaths < DEATHS)


def _never_tried(one: fate.Fate) -> bool:
    """A seed that a verdict asks for."""
    return one.state == "missing" and one.submission is None
