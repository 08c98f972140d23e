"""What sets the runs apart from their source's protocol, by kind, and in one line."""

from collections.abc import Sequence
from typing import Any

from repro.reporting.text import gathered

Json = dict[str, Any]

DEVIATIONS = (  # a heading, and how the texts below it begin; the last one has all others
    ("Readings of what a source leaves open", ("definition:",)),
    ("Notes on rules, judging code and controls", ("rule:", "judging code:", "control ")),
    ("Differences of the runs", ("",)),
)


def deviations(rows: Sequence[Json]) -> list[Json]:
    """What sets the runs apart, by kind: each text with the number of checks that it stands with."""
    found: dict[str, list[str]] = {heading: [] for heading, _ in DEVIATIONS}
    for text in (text for row in rows for text in row["deviations"]):
        heading = next(heading for heading, begins in DEVIATIONS if text.startswith(begins))
        found[heading].append(text.removeprefix("control "))
    return [{"heading": heading, "texts": gathered(texts)} for heading, texts in found.items() if texts]


def in_one_line(apart: Sequence[Json], protocols: Sequence[Json]) -> str:
    """The deviations in one line: settings, and what else differs."""
    settings = [row["standing"] for work in protocols for row in work["settings"]]
    parts = [
        f"{settings.count('deviation')} of {len(settings)} settings" if settings else "",
        *(f"{one['heading'][0].lower()}{one['heading'][1:]}: {len(one['texts'])}" for one in apart),
    ]
    return "; ".join(filter(None, parts))
