"""The forest plot: every claim about a number, as its distance from the published one in units of its margin."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from repro.reporting.lanes import lanes
from repro.reporting.saving import save
from repro.reporting.tables import as_csv
from repro.reporting.text import point

Json = dict[str, Any]
Found = tuple[str, str, Json]  # claim, point of its grid, and a finding

MOST = 18  # lanes of one drawing
COLUMNS = ("claim", "point", "published", "margin", "measured", "interval_low", "interval_high", "prediction_low",
           "prediction_high", "unit", "outcome")  # fmt: skip
SMOKE = "smoke"  # the scale whose data are not those of any source
OTHER = "measured on other data"  # in place of the outcome of what a scale cannot test


def forest(
    claims: Sequence[Json], rows: Mapping[str, Sequence[Json]], distances: Sequence[Json], scale: str
) -> Json | None:
    """Drawings with a lane for each finding that has a published value and a margin; None if there is none.

    Grey where data, networks or schedules are not the source's: what a scale cannot test, and all of it at smoke.
    """
    counted = {claim["id"]: claim for claim in claims if claim["kind"] in "PF" and claim["same_as"] is None}
    of_check = {row["check"]: row for name in counted for row in rows[name]}
    tested = [
        (name, _point(row), finding)
        for name, claim in counted.items()
        if claim["tested"]
        for row in rows[name]
        for finding in row["findings"]
        if in_margins(finding) is not None
    ]
    others = [
        (of_check[one["check"]]["claim"], _point(of_check[one["check"]]), _as_finding(one))
        for one in distances
        if one["check"] in of_check
    ]
    grey = others if scale != SMOKE else [*tested, *others]
    coloured = [] if scale == SMOKE else tested
    drawings = [*_drawn(coloured, grey=False), *_drawn(grey, grey=True)]
    if not drawings:
        return None
    said = [
        "Band: the margin. Bar: interval.",
        "Dotted: 95 % prediction interval of our mean if the published value is right.",
        "A bar wholly in the band: reproduced; wholly outside: not." if coloured else "",
        "Grey: data, networks or schedules that are not the source’s, so no distance says anything about it."
        if grey
        else "",
    ]
    return {
        "drawings": [Markup(one) for one in drawings],
        "caption": " ".join(filter(None, said)),
        "save": save("forest", _csv([*coloured, *grey])),
    }


def in_margins(finding: Json) -> Json | None:
    """A finding on the scale on which the reference is 0 and the margin 1; None without both."""
    reference, criterion, estimate = finding["reference"], finding["criterion"], finding["estimate"]
    if reference is None or estimate is None or not criterion or None in criterion:
        return None
    margin = (criterion[1] - criterion[0]) / 2
    if not margin > 0:
        return None

    def scaled(ends: Sequence[float] | None) -> list[float] | None:
        return [(end - reference) / margin for end in ends] if ends else None

    return {
        "samples": [],
        "estimate": (estimate - reference) / margin,
        "interval": scaled(finding["interval"]),
        "prediction": scaled(finding["prediction"]),
        "criterion": [-1.0, 1.0],
        "reference": 0.0,
        "outcome": finding["outcome"],
    }


def _as_finding(distance: Json) -> Json:
    published, margin = distance["published"], distance["margin"]
    criterion = [published - margin, published + margin]
    return {**distance, "reference": published, "criterion": criterion, "outcome": "measured"}


def _drawn(found: Sequence[Found], *, grey: bool) -> list[str]:
    """Lanes in drawings of about equal height."""
    every = [(" · ".join(filter(None, (name, at))), in_margins(finding)) for name, at, finding in found]
    scaled = [(label, one) for label, one in every if one]
    parts = -(-len(scaled) // MOST)
    size = -(-len(scaled) // parts) if parts else 1
    return [drawing for i in range(0, len(scaled), size) if (drawing := _lanes(scaled[i : i + size], grey))]


def _lanes(some: Sequence[tuple[str, Json]], grey: bool) -> str | None:
    said = [f"{label}: {one['estimate']:.2g} margins, {OTHER if grey else one['outcome']}" for label, one in some[:12]]
    return lanes(  # without a title, so that a lane that is alone has its label too
        some, "", "(measured − published) / margin", f"Distance from the published value: {'; '.join(said)}.",
        seeds=False, decision=True, zero=True, grey=grey,
    )  # fmt: skip


def _point(row: Json) -> str:
    return point(row) if row["params"] else ""


def _csv(found: Sequence[Found]) -> str:
    table = []
    for claim, at, one in found:
        low, high = one["criterion"]
        ends = [*(one["interval"] or (None, None)), *(one["prediction"] or (None, None))]
        numbers = [one["reference"], (high - low) / 2, one["estimate"], *ends]
        outcome = OTHER if one["outcome"] == "measured" else one["outcome"]
        table.append([claim, at, *numbers, one["unit"], outcome])
    return as_csv(COLUMNS, table)
