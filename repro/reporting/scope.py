"""The scope of a claim's check: the points of its grid here, beside those that the paper's scale has."""

from collections.abc import Sequence
from typing import Any

from repro.planning.quantities import counted
from repro.reporting.text import in_words
from repro.reporting.trained import networks

Json = dict[str, Any]
PAPER = "paper"  # the scale of the source itself
LISTED = 4  # points that are named one by one


def scope(entry: Json, rows: Sequence[Json], scale: str) -> tuple[str, str]:
    """In a sentence and in a few words; both "" where every point and network of the paper's scale is here.

    At that ``scale`` itself, points are missing only while their runs are.
    """
    params, theirs = [row["params"] for row in rows], entry["paper_points"]
    shared = [name for name in params[0] if len({str(one.get(name)) for one in (*params, *theirs)}) == 1]
    left_out = {*rows[0]["criterion"]["rule"], *shared}
    here, there = (
        list(dict.fromkeys(filter(None, (in_words(one, left_out) for one in points)))) for points in (params, theirs)
    )
    if not there or set(there) <= set(here):
        return _by_networks(entry, rows, scale)
    did = "Tested" if entry["tested"] else "Run here"
    whole = f"{did}: {_listed(here)}; at the paper’s scale: {_listed(there)}."
    few = len(here) < 2 and len(there) < 2
    return whole, whole if few else f"{counted(max(1, len(here)), 'grid point')}; at the paper’s scale {len(there)}"


def _by_networks(entry: Json, rows: Sequence[Json], scale: str) -> tuple[str, str]:
    """The same where points have no name, and their arms other networks."""
    here = {run["name"].partition(" ")[0] for row in rows for run in row["runs"]}
    if not here or set(entry["paper_networks"]) <= here:
        return "", ""
    did = "Tested" if entry["tested"] else "Run"
    if scale == PAPER:
        whole = f"{did} so far on {networks(here)}; still to come: {networks(set(entry['paper_networks']) - here)}."
    else:
        whole = f"{did} on {networks(here)}; at the paper’s scale, on {networks(entry['paper_networks'])}."
    return whole, whole


def _listed(points: Sequence[str]) -> str:
    """The points, a parameter that is their only one named once: depth 8, 14, 20."""
    if not points:
        return "one point"
    names = {point.rpartition(" ")[0] for point in points}
    short = [point.rpartition(" ")[2] for point in points] if len(names) == 1 else list(points)
    begins, joint = (f"{names.pop()} ", ", ") if len(names) == 1 else ("", "; ")
    some = short if len(short) <= LISTED else [*short[:2], "…", short[-1]]
    return begins + joint.join(some) + (f" ({len(points)} points)" if len(points) > LISTED else "")
