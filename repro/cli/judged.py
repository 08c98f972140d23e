"""verdicts.json of some checks, with the plan, cost and cluster hours of their runs."""

from typing import TYPE_CHECKING, Any

from repro.cluster.hours import account
from repro.collecting.catalogue import catalogue
from repro.judging import document, preregister
from repro.planning.plan import plan
from repro.planning.scales import prices, scales
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.judging.verdict import Judgement


def judged(
    session: "Session", store: Store, *, scale: str, copy: str | None, whole: bool, thorough: bool = False
) -> tuple[dict[str, Any], list["Judgement"]]:
    """The document of a session's checks, and its rows.

    ``copy`` replaces CIFAR-10. ``whole``: the session is about this suite's own claims, so their catalogue and the
    needs of every scale are included. ``thorough`` reads every file of every run.
    """
    return document.document(
        session.selected,
        store,
        scale,
        controls=list(session.checks.values()),
        thorough=thorough,
        cluster=account(store),
        rows_of_catalogue=catalogue() if whole else (),
        scales=scales(store, copy) if whole else (),
        pointless=session.pointless,
        missing_seconds=prices(plan(session.selected, store, device_type="cpu")),
        registration=preregister.compare(session.selected),
    )
