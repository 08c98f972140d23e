"""The protocols of works, row by row: what their sources say, what is trained here, and how the two stand."""

from collections.abc import Sequence
from typing import Any

from repro.reporting.trained import spelled

Json = dict[str, Any]


def protocols(works: Sequence[Json]) -> list[Json]:
    """Works whose protocol is known row by row, each row with how its standing looks."""
    shapes = {"same": "holds", "guess": "undecided", "deviation": "differs"}
    return [
        {**work, "said": standings(work["settings"]),
         "settings": [{**row, "here": spelled(row["here"]), "shape": shapes.get(row["standing"], "partial")}
                      for row in work["settings"]]}
        for work in works if work["settings"]
    ]  # fmt: skip


def standings(settings: Sequence[Json]) -> str:
    """How many settings are the source's, guessed and different, and which those are."""
    named = {word: [row["name"] for row in settings if row["standing"] == word]
             for word in ("same", "guess", "deviation", "")}  # fmt: skip
    mixed = len(settings) - sum(map(len, named.values()))
    parts = [
        f"Same: {len(named['same'])}",
        f"guesses: {len(named['guess'])}",
        f"one or the other by run: {mixed}" if mixed else "",
        f"not trained at this scale: {len(named[''])}" if named[""] else "",
        f"deviations: {len(named['deviation'])}{f' ({listed})' if (listed := ', '.join(named['deviation'])) else ''}",
    ]
    return f"{len(settings)} settings. {'; '.join(filter(None, parts))}."
