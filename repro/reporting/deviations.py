"""What sets the runs apart from their source's protocol, by kind, and in one line."""

from collections.abc import Sequence
from typing import Any

from repro.planning.quantities import counted
from repro.reporting.text import gathered

Json = dict[str, Any]

DEVIATIONS = (  # one of a kind, several, and how their texts begin; the last kind has all others
    ("reading of what a source leaves open", "readings of what a source leaves open", ("definition:",)),
    ("note on rules and controls", "notes on rules and controls", ("rule:", "judging code:", "control ")),
    ("difference of the runs", "differences of the runs", ("",)),
)


def deviations(rows: Sequence[Json]) -> list[Json]:
    """What sets the runs apart, by kind: each text with the number of checks that it stands with."""
    found: dict[tuple[str, str], list[str]] = {(one, several): [] for one, several, _ in DEVIATIONS}
    for text in (text for row in rows for text in row["deviations"]):
        kind = next((one, several) for one, several, begins in DEVIATIONS if text.startswith(begins))
        found[kind].append(text.removeprefix("control "))
    return [
        {"heading": several.capitalize(), "said": counted(len(told), one, several), "texts": told}
        for (one, several), texts in found.items()
        if (told := gathered(texts))
    ]


def in_one_line(apart: Sequence[Json], protocols: Sequence[Json]) -> str:
    """The deviations in one line: settings, and what else differs."""
    settings = [row["standing"] for work in protocols for row in work["settings"]]
    apart_or_guessed = (
        f"{settings.count('deviation')} of {len(settings)} settings differ, and {settings.count('guess')} are guesses"
    )
    parts = [apart_or_guessed if settings else "", *(one["said"] for one in apart)]
    return "; ".join(filter(None, parts))
