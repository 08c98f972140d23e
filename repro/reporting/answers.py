"""What came out, in groups that a first page names: each claim in the first one that it belongs to."""

from collections.abc import Callable, Sequence
from typing import Any

from repro.statistics import MOST_SEEDS

Json = dict[str, Any]

ANSWERS: tuple[tuple[str, Callable[[Json], bool]], ...] = (
    ("Checked exactly, and the source agrees", lambda one: one["exact_claim"] and one["chip"]["word"] == "REPRODUCED"),
    ("Checked exactly, and the source contradicts its own arithmetic",
     lambda one: one["chip"]["word"] == "PAPER_ERROR"),
    ("Reproduced", lambda one: one["chip"]["word"] == "REPRODUCED"),
    ("The direction holds, the size is ruled out", lambda one: one["chip"]["word"] == "PARTIAL"),
    ("Not reproduced", lambda one: one["chip"]["word"] == "NOT_REPRODUCED"),
    ("Seen at this scale", lambda one: one["chip"]["answer"] == "seen"),
    ("Not seen at this scale", lambda one: one["chip"]["answer"] == "not seen"),
    ("Open: the runs cannot decide", lambda one: one["chip"]["answer"] == "open"),
    (f"Inconclusive, and not even {MOST_SEEDS} seeds would decide",
     lambda one: one["chip"]["word"] == "INCONCLUSIVE" and one["undecidable"]),
    ("Inconclusive: the runs cannot decide", lambda one: one["chip"]["word"] == "INCONCLUSIVE"),
    ("Measured only (each claim gives the reason)",
     lambda one: one["chip"]["word"] == "MEASURED" and not one["tested"]),
    ("Measured: the source gives no value to compare with", lambda one: one["chip"]["word"] == "MEASURED"),
    ("Withheld: their precision is not validated against float32 yet", lambda one: one["withheld"]),
    ("Blocked: the suite failed", lambda one: one["chip"]["word"] == "BLOCKED"),
    ("Invalid: a control failed", lambda one: one["chip"]["word"] == "INVALID"),
    ("Judged in part: other points were not selected", lambda one: one["unselected"]),
    ("Seen so far: other points lack runs", lambda one: one["chip"]["answer"] == "so far seen"),
    ("Not seen so far: other points lack runs", lambda one: one["chip"]["answer"] == "so far not seen"),
    ("Partly judged: other points lack runs", lambda one: one["judged_so_far"]),
    ("Partly measured: other points lack runs", lambda one: one["measured_so_far"]),
    ("Pending: runs are missing", lambda one: one["chip"]["word"] == "PENDING"),
)  # fmt: skip


def answers(claims: Sequence[Json]) -> list[Json]:
    """Claims that were checked exactly, seen, not seen, left open and not tested, each named once."""
    counted_once = [one for one in claims if one["same_as"] is None]
    rest, found = list(counted_once), []
    for heading, belongs in ANSWERS:
        own = [one for one in rest if belongs(one)]
        rest = [one for one in rest if not belongs(one)]
        if own:
            found.append({"words": heading, "claims": own, "shape": own[0]["chip"]["shape"]})
    return found
