"""Chips: how a verdict looks, and what its word and its flags mean."""

from collections.abc import Sequence
from typing import Any

from repro.judging.verdict import CODE_ALIKE, CODE_CHANGED, RULE_CHANGED, RULE_LATE

Json = dict[str, Any]

# How a verdict looks, by its word; report.css gives every shape a sign, a colour and a border of its own.
SHAPES = {
    "REPRODUCED": "holds", "NOT_REPRODUCED": "fails", "PARTIAL": "partial", "INCONCLUSIVE": "undecided",
    "MEASURED": "measured", "PENDING": "pending", "BLOCKED": "blocked", "INVALID": "invalid",
    "PAPER_ERROR": "source-error", "seen": "holds", "not seen": "fails", "open": "undecided",
    "established": "holds", "direction only": "partial", "ruled out": "fails", "source error": "source-error",
    "measured": "measured", "holds": "holds", "failed": "fails",
}  # fmt: skip
# The same signs as report.css has: in a PDF they stand in the text, which is a box fewer for each.
SIGNS = {
    "holds": "✓", "fails": "✗", "partial": "◐", "undecided": "?", "measured": "=", "pending": "…", "blocked": "■",
    "invalid": "⊘", "source-error": "≠", "differs": "≠",
}  # fmt: skip
SCALED = ("SMOKE", "PILOT")
VERDICTS = (
    "REPRODUCED", "NOT_REPRODUCED", "PAPER_ERROR", "PARTIAL", "INCONCLUSIVE", "SMOKE", "PILOT", "MEASURED", "PENDING",
    "BLOCKED", "INVALID",
)  # fmt: skip
SCALED_MEANING = (
    "Dashed border: judged on small networks or a short schedule, and never a statement about the paper. Seen: the "
    "direction holds there, by more than the gap that the rule names (half of a published size, 0 where none is "
    "published), or “no change” does within its margin; a published size itself is not tested. Not seen: the criterion "
    "is ruled out there. Open: the runs cannot decide."
)
MEANINGS = {
    "REPRODUCED": "The criterion holds.",
    "NOT_REPRODUCED": "The criterion is ruled out.",
    "PAPER_ERROR": "The source contradicts its own numbers, or prints one wrongly rounded.",
    "PARTIAL": "The direction is shown, the size is ruled out.",
    "INCONCLUSIVE": "The runs exist and cannot decide; how many seeds would, or that none can, stands with each point.",
    "SMOKE": SCALED_MEANING,
    "PILOT": SCALED_MEANING,
    "MEASURED": "The source’s value could not be read, or this scale cannot test the sentence: no verdict.",
    "PENDING": "Runs are missing, or of a precision not validated against float32 yet, or points were not selected.",
    "BLOCKED": "The suite failed. Never counted as a failed claim, never left out.",
    "INVALID": "A control failed, so nothing can be concluded.",
}
FLAGS = {  # but provisional, which the words' section explains in any report
    RULE_CHANGED: "the criterion is not the one that these runs were trained under",
    RULE_LATE: "these runs were trained for other claims, or before this criterion was written, and did not record it",
    CODE_CHANGED: "the judging code has changed since these runs were trained",
    CODE_ALIKE: "the judging code has changed since these runs; the code of that time gives the same results",
}
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
        "order": 10 * (VERDICTS.index(verdict) if verdict in VERDICTS else 99) + ANSWERS.index(answer),
    }


def flags(rows: Sequence[Json]) -> list[tuple[str, str]]:
    """The flags that some judgements have, each with what it means."""
    used = {mark for row in rows for mark in row["marks"]}
    return [(flag, meaning) for flag, meaning in FLAGS.items() if flag in used]


def words(rows: Sequence[Json]) -> list[tuple[Json, str]]:
    """The chips that some judgements have, each with what it means, in the order of the verdicts."""
    used = {row["verdict"] for row in rows}
    return [(chip(word, "seen" if word in SCALED else "none"), MEANINGS[word]) for word in VERDICTS if word in used]
