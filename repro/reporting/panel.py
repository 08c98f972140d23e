"""A panel: lines, seeds and published values over one pair of axes, as SVG and as CSV."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from repro.reporting import svg
from repro.reporting.axes import Axis, axis, drawable
from repro.reporting.tables import as_csv

Points = tuple[tuple[float, float], ...]
LEFT, RIGHT, PLOT = 52.0, 8.0, 168.0  # units of the drawing: margins at the sides, and the height of the plot
NUMBERS = 22.0  # what the left margin has beside the numbers of the vertical axis
BELOW, LEGEND = 40.0, 17.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """What one line of a panel shows."""

    name: str  # in the legend
    seeds: tuple[tuple[float, float, str], ...] = ()  # x, y, and the first digits of the key of its run
    mean: Points = ()  # joined by a line
    curves: tuple[Points, ...] = ()  # a line a seed, without marks
    band: tuple[tuple[float, float, float], ...] = ()  # x, lower and upper y
    published: Points = ()  # hollow
    reading_error: float = 0.0  # of the published values
    steps: bool = False  # whether the mean is drawn as a histogram's outline
    style: int = 0  # its colour, mark and dash


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One pair of axes and what it shows."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log: bool = False  # of the horizontal axis
    at: tuple[float, ...] = ()  # places of its ticks
    names: tuple[str, ...] = ()  # of those ticks, where they are no numbers
    span: tuple[float, ...] = ()  # further values of the vertical axis, so that panels beside each other compare
    reach: tuple[float, ...] = ()  # further values of the horizontal axis
    grey: bool = False  # not the data or the protocol of the source


def draw(panel: Drawn, alternative: str) -> str | None:
    """A panel as SVG; None where there is nothing to draw."""
    shown = tuple(one for one in panel.series if _everything(one))
    legend = _legend(shown, panel.grey, 30 if panel.title else 12)
    top = (22 if panel.title else 4) + LEGEND * (max((row for _, _, row in legend), default=-1) + 1) + 8
    beyond = (
        [panel.at[0] - 0.45, panel.at[-1] + 0.45] if panel.names and shown else []
    )  # room for the names at the ends
    levels = [y for one in shown for _, y in _everything(one)] + list(panel.span if shown else ())
    y = axis(levels, top + PLOT, top, most=5)
    # Its label is left of the longest number.
    left = max([LEFT, *(svg.width_of(words) + NUMBERS for _, words in (y.ticks if y else ()))])
    x = axis(
        [x for one in shown for x, _ in _everything(one)] + beyond + list(panel.reach),
        left,
        svg.WIDTH - RIGHT,
        log=panel.log,
        at=panel.at,
    )
    if x is None or y is None:
        return None
    if panel.names:
        x = replace(x, ticks=tuple(zip(panel.at, panel.names, strict=True)))
    parts = [svg.text(0, 13, svg.cut(panel.title, svg.WIDTH)), *(part for part, _, _ in legend)]
    parts += frame(x, y, top, panel.x_label, panel.y_label)
    for one in shown:
        parts += _series(one, x, y, panel.grey)
    return svg.drawing(top + PLOT + BELOW, parts, alternative)


def frame(x: Axis, y: Axis, top: float, x_label: str, y_label: str) -> list[str]:
    """Grid, ticks and labels; a tick's label is left out where it would run into the one before."""
    left, bottom, right, free = x.start, y.start, svg.WIDTH - RIGHT, -1e9
    heights, places = [y.place(value) for value, _ in y.ticks], [x.place(value) for value, _ in x.ticks]
    grid = [(left, at, right, at) for at in heights]
    edge = [(left, bottom, right, bottom), *((at, bottom, at, bottom + 4) for at in places)]
    parts = [
        svg.lines(grid, colour=svg.GRID, name="g", width=0.6),
        svg.lines(edge, colour=svg.QUIET, name="a", width=0.8),
    ]
    for at, (_, words) in zip(heights, y.ticks, strict=True):
        parts.append(svg.text(left - 5, at + 4, words, anchor="end", quiet=True))
    for at, (_, words) in zip(places, x.ticks, strict=True):
        half = svg.width_of(words) / 2
        if at - half > free and at + half < svg.WIDTH + 2:
            parts.append(svg.text(at, bottom + 17, words, anchor="middle", quiet=True))
            free = at + half + 3
    middle = (left + svg.WIDTH - RIGHT) / 2
    parts.append(svg.text(middle, bottom + 34, svg.cut(x_label, svg.WIDTH - 30), anchor="middle", quiet=True))
    parts.append(
        svg.text(12, (top + bottom) / 2, svg.cut(y_label, PLOT + 16), anchor="middle", quiet=True, turned=True)
    )
    return parts


def table(panels: Sequence[Drawn]) -> str:
    """What some panels show, as CSV: one row a number."""
    rows = []
    for panel in panels:
        for one in panel.series:
            points = [("seed", x, y, run) for x, y, run in one.seeds]
            points += [("mean", x, y, "") for x, y in one.mean]
            points += [("curve", x, y, str(i)) for i, curve in enumerate(one.curves) for x, y in curve]
            points += [(what, x, y, "") for x, low, high in one.band for what, y in (("low", low), ("high", high))]
            points += [("published", x, y, "") for x, y in one.published]
            rows += [[panel.title, one.name, what, f"{x:.6g}", f"{y:.6g}", run] for what, x, y, run in points]
    return as_csv(("panel", "line", "what", "x", "y", "run"), rows)


def look(style: int, grey: bool) -> tuple[str, str, str, str]:
    """Colour, class, mark and dash of a line."""
    at = style % len(svg.COLOURS)
    return (svg.GREYS if grey else svg.COLOURS)[at], f"{'s' if grey else 'c'}{at}", svg.MARKS[at], svg.DASHES[at]


def _series(one: Series, x: Axis, y: Axis, grey: bool) -> list[str]:
    colour, name, shape, dash = look(one.style, grey)

    def places(points: Points) -> list[tuple[float, float]]:
        return [(x.place(a), y.place(b)) for a, b in points]

    parts = []
    if one.band:
        edge = places(tuple((a, high) for a, _, high in one.band))
        back = places(tuple((a, low) for a, low, _ in reversed(one.band)))
        parts.append(svg.area([*edge, *back], colour=colour, name=name, opacity=0.18))
    for curve in one.curves:
        parts.append(svg.line(places(curve), colour=colour, name=name, width=1.1, dash=dash))
    if one.mean:
        parts.append(svg.line(_outline(places(one.mean)) if one.steps else places(one.mean),
                              colour=colour, name=name, width=1.6, dash=dash))  # fmt: skip
    for a, b in one.published:
        if one.reading_error:
            ends = [(x.place(a), y.place(b + sign * one.reading_error)) for sign in (-1, 1)]
            parts.append(svg.line(ends, colour=colour, name=name, width=1))
    parts.append(svg.marks(shape, places(one.published), colour=colour, name=name, filled=False, size=4.6))
    seeds = places(tuple((a, b) for a, b, _ in one.seeds))
    parts.append(svg.marks(shape, seeds, colour=colour, name=name, size=2.6, opacity=0.75))
    if one.mean and not one.steps and not one.seeds:
        parts.append(svg.marks(shape, places(one.mean), colour=colour, name=name, size=2.8))
    return parts


def _outline(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A histogram's outline: level over each bin."""
    return [corner for (a, b), (c, _) in pairwise(points) for corner in ((a, b), (c, b))]


def _legend(shown: Sequence[Series], grey: bool, above: float) -> list[tuple[str, float, int]]:
    """The parts of a legend, wrapped into rows, each with its end and its row; none for a single line of runs."""
    published = any(one.published for one in shown)
    if len(shown) < 2 and not published:
        return []
    made: list[tuple[str, float, int]] = []
    at, row = 4.0, 0
    entries = [(one.name, one.style, True) for one in shown]
    for words, style, filled in [*entries, *([("published: hollow", shown[0].style, False)] if published else [])]:
        colour, name, shape, dash = look(style, grey)
        room = svg.width_of(words) + 30
        if at + room > svg.WIDTH and at > 4:
            at, row = 4.0, row + 1
        y = above + LEGEND * row
        swatch = svg.line([(at, y), (at + 16, y)], colour=colour, name=name, width=1.6, dash=dash) if filled else ""
        swatch += svg.marks(shape, [(at + 8, y)], colour=colour, name=name, filled=filled, size=3.2 if filled else 4.6)
        made.append((swatch + svg.text(at + 20, y + 4, svg.cut(words, svg.WIDTH - at - 20)), at + room, row))
        at += room
    return made


def heights(panel: Drawn) -> list[float]:
    """Every value on a panel's vertical axis."""
    return [y for one in panel.series for _, y in _everything(one)]


def _everything(one: Series) -> list[tuple[float, float]]:
    points = [(a, b) for a, b, _ in one.seeds]
    points += [*one.mean, *(point for curve in one.curves for point in curve)]
    points += [(a, b) for a, low, high in one.band for b in (low, high)]
    for a, b in one.published:
        points += [(a, b - one.reading_error), (a, b + one.reading_error)]
    return [(a, b) for a, b in points if drawable(a) and drawable(b)]
