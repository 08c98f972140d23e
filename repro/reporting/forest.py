"""The forest plot: every claim about a number, as its distance from the published one in margins."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from repro.reporting.rows import lanes

Json = dict[str, Any]


def forest(claims: Sequence[Json], rows: Mapping[str, Sequence[Json]]) -> Markup | None:
    """One lane a finding that has a published value and a margin; None if there is none."""
    found = []
    for claim in claims:
        if claim["kind"] in "PF" and claim["tested"] and claim["same_as"] is None:
            found += [(_label(claim, row), scaled) for row in rows[claim["id"]] for finding in row["findings"]
                      if (scaled := in_margins(finding)) is not None]  # fmt: skip
    if not found:
        return None
    words = "; ".join(
        f"{label}: {finding['estimate']:.2g} margins, {finding['outcome']}" for label, finding in found[:12]
    )
    drawn = lanes(
        found[:18], "Measured minus published, in margins", "0: as published; band: the margin",
        f"Distance from the published value: {words}.", seeds=False, decision=True, zero=True,
    )  # fmt: skip
    return Markup(drawn) if drawn else None


def in_margins(finding: Json) -> Json | None:
    """A finding on the scale on which the reference is 0 and the margin 1; None without both."""
    reference, criterion, estimate = finding["reference"], finding["criterion"], finding["estimate"]
    if reference is None or estimate is None or not criterion or None in criterion:
        return None
    margin = (criterion[1] - criterion[0]) / 2
    if not margin > 0:
        return None
    interval = finding["interval"] and [(end - reference) / margin for end in finding["interval"]]
    return {
        "samples": [],
        "estimate": (estimate - reference) / margin,
        "interval": interval,
        "criterion": [-1.0, 1.0],
        "reference": 0.0,
        "outcome": finding["outcome"],
    }


def _label(claim: Json, row: Json) -> str:
    point = ", ".join(f"{name} {value}" for name, value in row["params"].items())
    return " · ".join(filter(None, (claim["id"], point)))
