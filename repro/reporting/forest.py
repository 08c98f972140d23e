"""The forest plot: every claim about a number, as its distance from the published one in margins."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from repro.reporting.redrawn import OTHER_DATA
from repro.reporting.rows import lanes
from repro.reporting.saved import saves
from repro.reporting.text import point

Json = dict[str, Any]

MOST = 18  # lanes of one drawing
COLUMNS = ("claim", "point", "published", "margin", "measured", "interval_low", "interval_high", "prediction_low",
           "prediction_high", "unit", "outcome")  # fmt: skip


def forest(claims: Sequence[Json], rows: Mapping[str, Sequence[Json]], scale: str) -> Json | None:
    """Drawings with a lane for each finding that has a published value and a margin; None if there is none.

    Grey at a scale of other data than the sources'; a claim that is only measured there is held against no value.
    """
    other = scale == OTHER_DATA
    found = [
        (claim["id"], row, finding, scaled)
        for claim in claims
        if claim["kind"] in "PF" and claim["same_as"] is None and claim["tested"]
        for row in rows[claim["id"]]
        for finding in row["findings"]
        if (scaled := in_margins(finding)) is not None
    ]
    if not found:
        return None
    drawn = [(_label(name, row), scaled) for name, row, _, scaled in found]
    words = "; ".join(f"{label}: {scaled['estimate']:.2g} margins, {scaled['outcome']}" for label, scaled in drawn[:12])
    drawings = [
        one
        for at in range(0, len(drawn), MOST)
        if (one := lanes(
            drawn[at : at + MOST], "Measured minus published, in margins", "0: as published; band: the margin",
            f"Distance from the published value: {words}.", seeds=False, decision=True, zero=True, grey=other,
        ))
    ]  # fmt: skip
    if not drawings:
        return None
    said = "Bar: interval. Dotted: where 95 % of such means would lie if the published value were right."
    more = (
        "Grey: other data and networks than the source’s, so that no distance says anything about it."
        if other
        else "A bar wholly in the band: reproduced; wholly outside: not."
    )
    saved = saves("forest", drawings, _csv(found))
    return {"drawings": [Markup(one) for one in drawings], "caption": f"{said} {more}", "saves": saved}


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


def _label(claim: str, row: Json) -> str:
    return " · ".join(filter(None, (claim, point(row) if row["params"] else "")))


def _csv(found: Sequence[tuple[str, Json, Json, Json]]) -> str:
    text = io.StringIO()
    written = csv.writer(text, lineterminator="\n")
    written.writerow(COLUMNS)
    for claim, row, one, _ in found:
        low, high = one["criterion"]
        ends = [*(one["interval"] or (None, None)), *(one["prediction"] or (None, None))]
        numbers = [one["reference"], (high - low) / 2, one["estimate"], *ends]
        written.writerow([claim, point(row) if row["params"] else "", *numbers, one["unit"], one["outcome"]])
    return text.getvalue()
