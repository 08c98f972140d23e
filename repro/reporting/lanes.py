"""Findings below each other, each a lane: its seeds, its interval, the criterion and the reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from repro.reporting import svg
from repro.reporting.axes import Axis, axis, drawable, finite
from repro.reporting.panel import look

Finding = Mapping[str, Any]  # as in verdicts.json
Row = tuple[str, Finding]  # its label, and the finding

LANE, SEEDS = 38.0, 17.0  # units: height of a row, and its label's share of it
ROW, BETWEEN = 18.0, 26.0  # of a legend: height of a row, and from the words of an arm to those of the next
MOST_ARMS = 3  # of a legend
# An estimate's mark shows the outcome by its shape, also in a grey print: (shape, filled).
MARKS = {
    "established": ("diamond", True),
    "direction only": ("diamond", False),
    "ruled out": ("cross", True),
    "measured": ("circle", True),
}


def lanes(
    rows: Sequence[Row],
    title: str,
    label: str,
    alternative: str,
    *,
    seeds: bool,
    decision: bool,
    zero: bool = False,
    grey: bool = False,
    named: Sequence[str] = (),
) -> str | None:
    """One drawing with a lane for each finding: its ``seeds``, its ``decision``, or both; None if undrawable.

    ``zero`` draws a line there; ``grey`` says that the data are not the source's; ``named`` are the arms of a legend
    where those of the rows differ.
    """
    values = [0.0] if zero else []
    for _, finding in rows:
        values += _seeds(finding) if seeds else []
        values += decided(finding) if decision else []
    arms = (arm_names(rows) or list(named)) if seeds else []
    legend = _legend(tails(arms)[:MOST_ARMS]) if len(arms) > 1 else []
    top = (22.0 if title else 4.0) + ROW * len(legend)
    bottom = top + LANE * len(rows)
    x = axis(values, 6.0, svg.WIDTH - 8.0)
    if x is None:
        return None
    parts = [svg.text(0, 13, svg.cut(title, svg.WIDTH)), *_draw_legend(legend, top)]
    parts.append(_beside_labels([x.place(value) for value, _ in x.ticks], top, len(rows), svg.GRID, "g"))
    for at, words in ((x.place(value), words) for value, words in x.ticks):
        if svg.width_of(words) / 2 < at < svg.WIDTH - svg.width_of(words) / 2 + 4:
            parts.append(svg.text(at, bottom + 16, words, anchor="middle", quiet=True))
    if zero:
        parts.append(_beside_labels([x.place(0)], top, len(rows), svg.QUIET, "a"))
    for index, (words, finding) in enumerate(rows):
        y = top + LANE * index
        parts += _decision(x, y, finding, grey) if decision else []
        parts += _draw_seeds(x, y, finding) if seeds else []
        if len(rows) > 1 or not title:
            parts.append(svg.text(0, y + 12, svg.cut(words, svg.WIDTH)))
    parts.append(svg.line([(0, bottom), (svg.WIDTH, bottom)], colour=svg.QUIET, name="a", width=0.8))
    parts.append(svg.text(svg.WIDTH / 2, bottom + 33, svg.cut(label, svg.WIDTH), anchor="middle", quiet=True))
    return svg.drawing(bottom + 40, parts, alternative)


def decided(finding: Finding) -> list[float]:
    """Every number of a finding's decision that is drawn."""
    ranges = (finding.get(name) or () for name in ("interval", "criterion", "prediction"))
    values = (finding["estimate"], finding["reference"], *(end for ends in ranges for end in ends))
    return [value for value in values if value is not None]


def arm_names(rows: Sequence[Row]) -> list[str]:
    """Names of the arms, if all rows have the same ones."""
    named = {tuple(sample["label"] for sample in finding["samples"]) for _, finding in rows}
    return list(named.pop()) if len(named) == 1 else []


def _beside_labels(places: Sequence[float], top: float, rows: int, colour: str, name: str) -> str:
    """Vertical lines through the lanes, broken where labels stand."""
    ends = [(at, top + SEEDS - 1, at, top + LANE * rows) for at in places]
    return svg.lines(ends, colour=colour, name=name, width=0.7, dash=f"{LANE - SEEDS + 1:g} {SEEDS - 1:g}")


def _seeds(finding: Finding) -> list[float]:
    return [value for sample in finding["samples"] for value in sample["values"] if value is not None]


def _draw_seeds(x: Axis, y: float, finding: Finding) -> list[str]:
    parts = []
    for arm, sample in enumerate(finding["samples"]):
        colour, name, shape, _ = look(min(arm, 1), False)
        places = [(x.place(value), y + SEEDS + 9) for value in finite(sample["values"])]
        parts.append(svg.marks(shape, places, colour=colour, name=name, filled=False, size=3.6))
    return parts


def _decision(x: Axis, y: float, finding: Finding, grey: bool) -> list[str]:
    """The criterion as a band, the reference dashed, the prediction as a thin line, the interval as a bar, its mark."""
    parts, low, high = [], y + SEEDS, y + LANE - 3
    ink, name = (svg.GREYS[1], "s1") if grey else (svg.INK, "i")
    middle = (low + high) / 2
    if finding["criterion"]:
        ends = [x.place(fall if end is None else end)
                for end, fall in zip(finding["criterion"], (x.low, x.high), strict=True)]  # fmt: skip
        corners = [(ends[0], low), (ends[1], low), (ends[1], high), (ends[0], high)]
        parts.append(svg.area(corners, colour=svg.BAND, name="b"))
    if drawable(finding["reference"]):
        at = x.place(finding["reference"])
        parts.append(svg.line([(at, low), (at, high)], colour=svg.INK, name="i", width=1.2, dash="3 2"))
    if finding.get("prediction") and all(drawable(end) for end in finding["prediction"]):
        places = [(x.place(end), high - 1) for end in finding["prediction"]]
        parts.append(svg.line(places, colour=ink, name=name, width=0.8, dash="1.5 1.5"))
    if finding["interval"] and all(drawable(end) for end in finding["interval"]):
        a, b = map(x.place, finding["interval"])
        bar = [(a, middle - 4), (a, middle + 4), (a, middle), (b, middle), (b, middle - 4), (b, middle + 4)]
        parts.append(svg.line(bar, colour=ink, name=name, width=1.6))
    if drawable(finding["estimate"]):
        shape, filled = MARKS.get(finding["outcome"], ("circle", False))
        place = [(x.place(finding["estimate"]), middle)]
        parts.append(svg.marks(shape, place, colour=ink, name=name, filled=filled, size=4))
    return parts


def tails(arms: Sequence[str]) -> list[str]:
    """Names of arms without what they all begin with, up to a comma."""
    heads = {name.rpartition(", ")[0] for name in arms}
    return [name.rpartition(", ")[2] for name in arms] if len(heads) == 1 else list(arms)


def _legend(arms: Sequence[str]) -> list[list[str]]:
    """The arms of each row of the legend: all in one where they fit, else each in its own."""
    together = 6.0 + sum(svg.width_of(words) + BETWEEN for words in arms)
    return [list(arms)] if together <= svg.WIDTH + BETWEEN - 13 else [[words] for words in arms]


def _draw_legend(rows: Sequence[Sequence[str]], bottom: float) -> list[str]:
    parts, arm = [], 0
    for row, some in enumerate(rows):
        at, y = 6.0, bottom - ROW * (len(rows) - row) + 9
        for words in some:
            colour, name, shape, _ = look(min(arm, 1), False)
            parts.append(svg.marks(shape, [(at + 4, y - 4)], colour=colour, name=name, filled=False, size=3.6))
            parts.append(svg.text(at + 13, y, svg.cut(words, svg.WIDTH - at - 13)))
            at += svg.width_of(words) + BETWEEN
            arm += 1
    return parts
