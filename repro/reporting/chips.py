"""Chips: how a verdict looks."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

# How a verdict looks, by its word; report.css gives every shape a sign, a colour and a border of its own.
SHAPES = {
    "REPRODUCED": "holds", "NOT_REPRODUCED": "fails", "PARTIAL": "partial", "INCONCLUSIVE": "undecided",
    "MEASURED": "measured", "PENDING": "pending", "BLOCKED": "blocked", "INVALID": "invalid",
    "PAPER_ERROR": "source-error", "seen": "holds", "not seen": "fails", "open": "undecided",
    "established": "holds", "direction only": "partial", "ruled out": "fails", "source error": "source-error",
    "measured": "measured", "holds": "holds", "failed": "fails",
}  # fmt: skip
SCALED = ("SMOKE", "PILOT")
VERDICTS = (
    "REPRODUCED", "NOT_REPRODUCED", "PAPER_ERROR", "PARTIAL", "INCONCLUSIVE", "SMOKE", "PILOT", "MEASURED", "PENDING",
    "BLOCKED", "INVALID",
)  # fmt: skip
ANSWERS = ("seen", "not seen", "open", "none")


def chip(verdict: str, answer: str, marks: Sequence[str] = ()) -> Json:
    """How a verdict looks; one at another scale than the paper's is never drawn as full."""
    scaled = verdict in SCALED
    so_far = f"so far {answer}" if verdict in ("PENDING", "BLOCKED") and answer != "none" else ""
    return {
        "shape": SHAPES.get(answer if scaled else verdict, "undecided"),
        "word": verdict,
        "answer": answer if scaled else so_far,
        "full": not scaled,
        "marks": list(marks),
        "rank": (VERDICTS.index(verdict) if verdict in VERDICTS else 99, ANSWERS.index(answer)),
    }


def counts(claims: Sequence[Json]) -> list[Json]:
    """Number of claims with each chip, in the order of the verdicts."""
    chips = {claim["chip"]["rank"]: claim["chip"] | {"answer": claim["chip"]["answer"].removeprefix("so far ")}
             for claim in claims}  # fmt: skip
    found = Counter(claim["chip"]["rank"] for claim in claims)
    return [{"chip": chips[rank], "count": found[rank]} for rank in sorted(chips)]
