"""The scope of a claim's check: the points of its grid here, beside those that the paper's scale has."""

from collections.abc import Sequence
from typing import Any

from repro.reporting.text import in_words

Json = dict[str, Any]
LISTED = 4  # points that are named one by one


def scope(entry: Json, rows: Sequence[Json]) -> str:
    """In a sentence; "" where every point of the paper's scale is here."""
    rule = rows[0]["criterion"]["rule"]
    here = _points([row["params"] for row in rows], rule)
    there = _points(entry["paper_points"], rule)
    if not there or set(there) <= set(here):
        return ""
    return f"Tested at {_listed(here)}; at the paper’s scale, at {_listed(there)}."


def _points(params: Sequence[Json], rule: Json) -> list[str]:
    return list(dict.fromkeys(filter(None, (in_words(one, rule) for one in params))))


def _listed(points: Sequence[str]) -> str:
    """The points, a parameter that is their only one named once: depth 8, 14, 20."""
    if not points:
        return "one point"
    names = {point.rpartition(" ")[0] for point in points}
    short = [point.rpartition(" ")[2] for point in points] if len(names) == 1 else list(points)
    begins, joint = (f"{names.pop()} ", ", ") if len(names) == 1 else ("", "; ")
    some = short if len(short) <= LISTED else [*short[:2], "…", short[-1]]
    return begins + joint.join(some) + (f" ({len(points)} points)" if len(points) > LISTED else "")
