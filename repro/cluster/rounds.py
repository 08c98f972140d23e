"""The next round: what bad luck stopped and what verdicts ask for more, queued again without a hand."""

from typing import TYPE_CHECKING

from repro.cluster import deaths, fate, scheduler, submit
from repro.cluster.choice import choose
from repro.cluster.hours import hours
from repro.cluster.ledger import Submission
from repro.errors import ReproError
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session

PATIENCE = 600.0  # seconds to wait for another process that submits
DEATHS = 2  # lives in a row that may end without a word before a user has to look


def go_on(submission: Submission, session: "Session") -> str:
    """Queues another round if one is needed, and says what it did; an error is told, so that the report still comes."""
    order, profile = submission.order, submission.profile
    store = Store(order.results)
    try:
        with submit.alone(store, PATIENCE):
            deaths.learn(store, scheduler.jobs())
            tries_left = submission.round < profile.requeues
            choice = choose(order, profile, session, wanted=_bad_luck if tries_left else _never_tried)
            if not choice.todo:
                return "no further round is needed" if tries_left else "no further round: all are used up"
            spent = hours(store, submission.chain)
            left = order.granted_gpu_hours - (spent.allocated if spent else 0.0)
            if choice.gpu_hours > left:
                return (
                    f"no further round: {len(choice.todo)} runs need {choice.gpu_hours:.3g} GPU-hours, and {left:.3g} "
                    "are left of what was granted; say repro submit again"
                )
            tried = {key for keys in submission.elements for key in keys}
            again = any(run.spec.key in tried for run in choice.todo)  # a round that only buys seeds is no second try
            number = submission.round + again
            following = submit.queue(order, profile, choice, before=submission, round=number, keep=True)
    except ReproError as error:
        return f"no further round: {error}"
    return f"round {following.round}: {len(choice.todo)} runs queued as submission {following.id}"


def _bad_luck(one: fate.Fate) -> bool:
    """Not what failed by itself, nor what the user cancelled, nor what is killed again and again."""
    return one.state in ("paused", "missing") or (one.state == "killed" and one.deaths < DEATHS)


def _never_tried(one: fate.Fate) -> bool:
    """A seed that a verdict asks for."""
    return one.state == "missing" and one.submission is None
