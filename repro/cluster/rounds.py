"""The next round: what bad luck stopped and what verdicts ask for more, queued again without a hand."""

from typing import TYPE_CHECKING

from repro.cluster import fate, scheduler, submit
from repro.cluster.hours import hours
from repro.cluster.ledger import Submission
from repro.errors import ReproError
from repro.store import Store

if TYPE_CHECKING:
    from repro.plugin import Session

DEATHS = 2  # lives in a row that may end without a word before a user has to look


def go_on(submission: Submission, session: "Session") -> str:
    """Queues another round if one is needed, and says what it did; an error is told, so that the report still comes."""
    order, profile = submission.order, submission.profile
    store = Store(order.results)
    if submission.round >= profile.requeues:
        return f"no further round: {submission.round} were allowed after the first"
    try:
        with submit.alone(store):
            fate.learn_deaths(store, scheduler.jobs())
            choice = submit.choose(order, profile, session, wanted=_bad_luck)
            if not choice.todo:
                return "no further round is needed"
            spent = hours(store)
            left = order.granted_gpu_hours - (spent.allocated if spent else 0.0)
            if choice.gpu_hours > left:
                return (
                    f"no further round: {len(choice.todo)} runs need {choice.gpu_hours:.2f} GPU-hours, and {left:.2f} "
                    "are left of what was granted; say repro submit again"
                )
            following = submit.queue(order, profile, choice, round=submission.round + 1, keep=True)
    except ReproError as error:
        return f"no further round: {error}"
    return f"round {following.round}: {len(choice.todo)} runs queued as submission {following.id}"


def _bad_luck(one: fate.Fate) -> bool:
    """Not what failed by itself, nor what the user cancelled, nor what is killed again and again."""
    return one.state in ("paused", "missing") or (one.state == "killed" and one.deaths < DEATHS)
