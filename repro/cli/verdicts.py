"""verdicts.json of some checks, with the plan, cost and cluster hours of their runs; its claims as a table."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from repro.cluster.hours import account
from repro.collecting.catalogue import rows_of
from repro.judging import document, preregister
from repro.planning.device import ASSUMED
from repro.planning.plan import plan
from repro.planning.price import prices
from repro.planning.quantities import counted
from repro.planning.scale_needs import scales
from repro.reporting.checklist import as_registered, since_registered
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session


def verdicts(
    session: "Session", store: Store, *, scale: str, copy: str | None, thorough: bool = False
) -> document.Judged:
    """A session's checks, judged.

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
        missing_seconds={
            claim: price.alone
            for claim, price in prices(
                plan(session.selected, store, device_type="cpu", device=ASSUMED["cpu"])  # on any machine the same
            ).items()
            if price.missing
        },
        registration=preregister.compare(session.selected),
    )


def table(made: dict[str, Any], coloured: Callable[[str, str], str]) -> Iterator[str]:
    """A line a claim, then registration and totals; ``coloured`` gives a text the colour of a verdict."""
    width = max((len(entry["claim"]) for entry in made["claims"]), default=0)
    for entry in made["claims"]:
        word = entry["verdict"] + ("" if entry["answer"] == "none" else f" {entry['answer']}")
        points = ", ".join(f"{count} {answer}" for answer, count in entry["points"].items())
        more = [points] if sum(entry["points"].values()) > 1 or entry["unselected"] else []
        more += [f"{entry['unselected']} not selected"] if entry["unselected"] else []
        yield (
            f"{entry['claim']:<{width}}  {coloured(f'{word:<14}', word)} {', '.join([*more, *entry['marks']])}".rstrip()
        )
    for row in made["judgements"]:
        if row["verdict"] == "BLOCKED":
            yield f"{row['check']}: {row['why']}"
    yield _registered(made["registration"])
    counts = {"claim": len(made["claims"]), "check": len(made["judgements"]), "run": made["cost"]["runs"]}
    yield ", ".join(counted(count, word) for word, count in counts.items())


def _registered(found: dict[str, Any] | None) -> str:
    """Whether the judged rules are the registered ones, in one line."""
    if found is None:
        return "No rule was registered; before the next runs: repro preregister"
    sums = ", ".join(one[:12] for one in found["sha256"].split(", "))
    where = f"{found['file']} ({found['registered']}, SHA-256 {sums})"
    if as_registered(found):
        return f"Judged as registered in {where}"
    if not (found["changed"] or found["unregistered"]):
        return f"Judged by the rules registered in {where}; {since_registered(found)}"
    example = [f"; for example {name}" for name in (*found["changed"], *found["unregistered"])][:1]
    return f"Not as registered in {where}: {since_registered(found)}{''.join(example)}"
