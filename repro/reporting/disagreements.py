"""Where sources disagree: the wordings side by side, and whether the runs tell them apart."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def disagreements(works: Sequence[Json], claims: Sequence[Json]) -> list[Json]:
    """What works disagree about, with the claims of it that are here: of fewer than two, nothing."""
    by_name = {one["id"]: one for one in claims}
    found = []
    for one in (one for work in works for one in work["disagreements"]):
        own = [by_name[name] for name in one["claims"] if name in by_name]
        found.append({"about": one["about"], "claims": own, "apart": apart(own)})
    return [entry for entry in found if len(entry["claims"]) > 1]


def apart(claims: Sequence[Json]) -> str:
    """Whether the runs tell wordings apart, in a sentence."""
    if all(one["chip"]["shape"] == "pending" for one in claims):
        return "No verdict yet." if any(one["found"] or one["runs"] for one in claims) else "No runs yet."
    slips = [one["id"] for one in claims if one["chip"]["shape"] == "source-error"]
    if slips:
        rest = [one for one in claims if one["id"] not in slips]
        said = f"{', '.join(slips)}: the source contradicts its own arithmetic."
        return f"{said} {apart(rest)}" if len(rest) > 1 else said
    holding = [one["id"] for one in claims if one["chip"]["shape"] == "holds"]
    failing = [one["id"] for one in claims if one["chip"]["shape"] == "fails"]
    if holding and failing:
        return f"The runs tell them apart: {', '.join(holding)} holds, {', '.join(failing)} does not."
    if holding or failing:
        found = f"{', '.join(holding)} holds" if holding else f"{', '.join(failing)} does not hold"
        open_ = ", nothing is decided on the rest" if len(holding or failing) < len(claims) else ""
        return f"No verdict separates them: {found}{open_}."
    partial = [one["id"] for one in claims if one["chip"]["shape"] == "partial"]
    if partial:
        return f"No verdict separates them: of {', '.join(partial)} the direction holds and the size is ruled out."
    return "No verdict separates them: none of them is decided."
