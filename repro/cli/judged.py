"""verdicts.json of some checks, with the plan, cost and cluster hours of their runs."""

from typing import TYPE_CHECKING, Any

from repro.cluster.hours import account
from repro.collecting.catalogue import rows_of
from repro.judging import document, preregister
from repro.planning.plan import plan
from repro.planning.scales import prices, scales
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.judging.verdict import Judgement


def judged(
    session: "Session", store: Store, *, scale: str, copy: str | None, thorough: bool = False
) -> tuple[dict[str, Any], list["Judgement"]]:
    """The document of a session's checks, and its rows.

    ``copy`` replaces CIFAR-10. The catalogue of works that are selected whole is included, and what they need at every
    scale. ``thorough`` reads every file of every run.
    """
    folders = session.whole_folders()
    rows = rows_of(folders)
    return document.document(
        session.selected,
        store,
        scale,
        controls=list(session.checks.values()),
        thorough=thorough,
        cluster=account(store),
        rows_of_catalogue=rows,
        scales=scales(store, copy, folders) if rows else (),
        pointless=session.pointless,
        missing_seconds=prices(plan(session.selected, store, device_type="cpu")),
        registration=preregister.compare(session.selected),
    )
