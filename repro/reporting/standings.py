"""How the rows of the catalogue stand: judged, pending, or without a check, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from repro.judging.coverage import Standing

Json = dict[str, Any]

UNCHECKED = {
    Standing.NO_CHECK: "Not checked at this scale",
    Standing.NOT_SELECTED: "Not selected for this report",
    Standing.NOT_ATTEMPTED: "Not attempted at any scale",
}


def unchecked(rows: Sequence[Json]) -> list[Json]:
    """The rows that no check of a document is about, by the reason."""
    found = ((words, [row["id"] for row in rows if row["standing"] == state]) for state, words in UNCHECKED.items())
    return [{"words": words, "ids": ids} for words, ids in found if ids]


def coverage(rows: Sequence[Json], anchors: Mapping[str, str]) -> list[Json]:
    """The whole catalogue by work: a row for each standing, with its claims; by reason where none was attempted."""
    works: dict[str, dict[str, list[Json]]] = {}
    for row in rows:
        works.setdefault(row["work"], {}).setdefault(row["standing"], []).append(row)
    return [
        {"work": work, "rows": [_standing(name, standings[name], anchors) for name in Standing if name in standings]}
        for work, standings in works.items()
    ]


def _standing(name: str, rows: Sequence[Json], anchors: Mapping[str, str]) -> Json:
    reasons: dict[str, list[Json]] = {}
    for row in rows:
        hours = (row["seconds"] or 0) / 3600
        price = f"{hours:,.{0 if hours >= 10 else 1}f}\u00a0h" if hours else ""
        claim = {"id": row["id"], "anchor": anchors.get(row["id"]), "primary": row["primary"], "price": price}
        reasons.setdefault(row["reason"] if name in UNCHECKED else "", []).append(claim)
    priced = any(row["seconds"] for row in rows)
    return {"standing": name, "count": len(rows), "reasons": list(reasons.items()), "priced": priced}
