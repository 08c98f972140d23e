"""A badge: the counts of a document's verdicts, as a small SVG."""

from collections import Counter
from typing import Any

from markupsafe import escape

from repro.judging.verdict import in_a_word

Json = dict[str, Any]

# In this order; a claim at another scale than the paper's is never counted as reproduced.
SHOWN = (
    ("REPRODUCED", "reproduced"), ("PAPER_ERROR", "source errors"), ("PARTIAL", "partial"), ("NOT_REPRODUCED", "not"),
    ("seen", "seen"), ("not seen", "not seen"), ("open", "open"), ("INCONCLUSIVE", "open"), ("MEASURED", "measured"),
    ("PENDING", "pending"), ("BLOCKED", "blocked"), ("INVALID", "invalid"),
)  # fmt: skip
LETTER, HEIGHT = 6.6, 20  # pixels: width of a letter at 11 px, and height


def badge(made: Json) -> str:
    """The badge of a document; controls and repeated claims are not counted."""
    words = f"{made['scale']} scale"
    said = ", ".join(f"{count} {name}" for name, count in counts(made).items()) or "nothing judged"
    left, right = LETTER * len(words) + 14, LETTER * len(said) + 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="{HEIGHT}" role="img" '
        f'font-family="Verdana, DejaVu Sans, sans-serif" font-size="11"><title>{escape(words)}: {escape(said)}</title>'
        f'<rect width="{left:.0f}" height="{HEIGHT}" fill="#444"/>'
        f'<rect x="{left:.0f}" width="{right:.0f}" height="{HEIGHT}" fill="{_colour(made)}"/>'
        f'<g fill="#fff"><text x="7" y="14">{escape(words)}</text>'
        f'<text x="{left + 7:.0f}" y="14">{escape(said)}</text></g></svg>\n'
    )


def counts(made: Json) -> dict[str, int]:
    """Number of claims by word."""
    own = [entry for entry in made["claims"] if entry["work"] != "control" and not entry["same_as"]]
    found = Counter(in_a_word(entry["verdict"], entry["answer"]) for entry in own)
    shown: Counter[str] = Counter()
    for word, name in SHOWN:
        shown[name] += found[word]
    return {name: count for name, count in shown.items() if count}


def _colour(made: Json) -> str:
    """Blue at the paper's scale, red where a claim fails there, grey elsewhere."""
    if made["scale"] != "paper":
        return "#595959"
    return "#a3330a" if counts(made).get("not") else "#00598a"
