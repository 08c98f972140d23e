"""Figures of judgements, as SVG text: equal documents give equal bytes."""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from repro.reporting.svg import svg

Finding = Mapping[str, Any]  # as in verdicts.json
Row = tuple[str, Finding]  # its label, and the finding

LARGEST = 1e9  # |value| above which nothing is drawn: an axis would show one point and a line
MOST_ROWS = 40  # a figure must fit on a page
MOST_PANELS = 12
WIDTH = 7.2  # inches: the text width of an A4 page with 14 mm margins
ROW = 0.25  # inches
INK, BAND, FIRST, SECOND = "#222222", "#dfe8ef", "#00598a", "#b3400a"
LINES = (("#00598a", "o", "-"), ("#b3400a", "s", "--"), ("#5b5b5b", "^", "-."), ("#7a4b94", "D", ":"))
# An estimate's marker shows the outcome by its shape, also in a grey print: (marker, filled).
MARKERS = {
    "established": ("D", True),
    "direction only": ("D", False),
    "ruled out": ("X", True),
    "measured": ("o", True),
}
SIZES = {"X": 7.0}  # a cross looks smaller than it is
STYLE: Any = {
    "svg.hashsalt": "repro", "svg.fonttype": "none", "text.parse_math": False, "font.family": "DejaVu Sans",
    "font.size": 8, "axes.linewidth": 0.6, "axes.edgecolor": "#777777", "axes.spines.top": False,
    "axes.spines.right": False, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "axes.labelsize": 8,
    "axes.titlesize": 8, "axes.formatter.useoffset": False, "axes.unicode_minus": True, "figure.facecolor": "none",
    "axes.facecolor": "none", "legend.frameon": False, "legend.fontsize": 7.5,
}  # fmt: skip


def means(rows: Sequence[Row], *, name: str, title: str) -> str | None:
    """One row per finding about one mean: seeds, interval, criterion and reference on one axis; None if undrawable."""
    rows = rows[:MOST_ROWS]
    limits = _limits([value for _, finding in rows for value in (*_seeds(finding), *_decision(finding))])
    if limits is None:
        return None
    with _drawing() as figure:
        axes = _row_axes(figure, rows, 0.27, 0.71, above=0.05)
        for y, (_, finding) in enumerate(rows):
            _draw_seeds(axes, y - 0.2, finding, 0)
            _draw_decision(axes, y, finding, limits, 0.14)
        _finish_rows(axes, limits, f"{_unit(rows)}; bar: {_level(rows)} interval")
        return svg(figure, name, title)


def differences(rows: Sequence[Row], *, name: str, title: str) -> str | None:
    """One row per finding about a difference: the seeds of both arms at left, the difference at right."""
    rows = rows[:MOST_ROWS]
    left = _limits([value for _, finding in rows for value in _seeds(finding)])
    right = _limits([0.0, *(value for _, finding in rows for value in _decision(finding))])
    if left is None or right is None:
        return None
    with _drawing() as figure:
        seeds = _row_axes(figure, rows, 0.27, 0.33)
        axes = _row_axes(figure, rows, 0.65, 0.33, named=False)
        axes.axvline(0, color="#999999", lw=0.6, zorder=1)
        for y, (_, finding) in enumerate(rows):
            _draw_seeds(seeds, y, finding, 0.3)
            _draw_decision(axes, y, finding, right, 0.0)
        arms = _arm_names(rows)
        for index, arm in enumerate(arms):
            seeds.plot([], [], linestyle="none", label=_short(arm, 24), **_dot(index))
        if arms:
            seeds.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderpad=0, handletextpad=0.1)
        _finish_rows(seeds, left, "each seed" + _in(_sample_unit(rows)))
        _finish_rows(axes, right, f"difference{_in(_unit(rows))}; bar: {_level(rows)} interval")
        return svg(figure, name, title)


def trends(rows: Sequence[Row], *, name: str, title: str) -> str | None:
    """One panel per finding about a trend: every seed and the mean, level by level."""
    drawable = [row for row in rows if (limits := _limits(list(_seeds(row[1])))) is not None and limits[1] > limits[0]][
        :MOST_PANELS
    ]
    if not drawable:
        return None
    with _drawing() as figure:
        for axes, (label, finding) in zip(_panels(figure, len(drawable)), drawable, strict=True):
            names, shared = _level_names([sample["label"] for sample in finding["samples"]])
            levels = [_finite(sample["values"]) for sample in finding["samples"]]
            for x, values in enumerate(levels):
                axes.plot([x] * len(values), values, linestyle="none", **_dot(0))
            inhabited = [(x, sum(values) / len(values)) for x, values in enumerate(levels) if values]
            axes.plot(*zip(*inhabited, strict=True), color=INK, lw=1.1, zorder=2)
            axes.set_xlim(-0.4, len(levels) - 0.6)
            axes.set_xticks(range(len(levels)), [_short(text, 12) for text in names])
            if len(levels) > 4 or max(map(len, names)) > 10:
                axes.tick_params(axis="x", labelrotation=30)
            axes.set_ylim(*_limits(list(_seeds(finding))) or (0, 1))
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.set_ylabel(_sample_unit([(label, finding)]))
            axes.set_title(_short(" · ".join(filter(None, (label, shared))), 44), loc="left")
        return svg(figure, name, title)


def sweeps(drawn: Sequence[Row], *, name: str, title: str) -> str | None:
    """One panel per sweep, its lines distinguished by colour, marker and dash."""
    drawable = [(label, sweep) for label, sweep in drawn if _limits(_points(sweep)) is not None][:MOST_PANELS]
    if not drawable:
        return None
    shared: dict[tuple[str, str], list[float]] = {}  # panels with equal labels get equal axes, so that they compare
    for _, sweep in drawable:
        shared.setdefault(("x", sweep["x_label"]), []).extend(_finite(sweep["x"]))
        shared.setdefault(("y", sweep["y_label"]), []).extend(_points(sweep))
    with _drawing() as figure:
        for axes, (label, sweep) in zip(_panels(figure, len(drawable)), drawable, strict=True):
            for index, (line, ys) in enumerate(sorted(sweep["lines"].items())):
                colour, marker, dash = LINES[index % len(LINES)]
                pairs = [(x, y) for x, y in zip(sweep["x"], ys, strict=False) if _drawable(x) and _drawable(y)]
                if pairs:
                    axes.plot(*zip(*pairs, strict=True), color=colour, marker=marker, ls=dash, ms=3.5, lw=1.1,
                              label=_short(line, 22))  # fmt: skip
            xs = sorted({x for x in sweep["x"] if _drawable(x)})
            axes.set_ylim(*_limits(shared["y", sweep["y_label"]]) or (0, 1))
            if len(xs) > 2 and xs[0] > 1e-9 and xs[-1] >= 8 * xs[0]:
                axes.set_xscale("log")
                axes.xaxis.set_minor_locator(NullLocator())
                axes.xaxis.set_minor_formatter(NullFormatter())
            else:
                axes.set_xlim(*_limits(shared["x", sweep["x_label"]]) or (0, 1))
            if len(xs) <= 6:
                axes.set_xticks(xs, [f"{x:g}" for x in xs])
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.set_xlabel(_short(sweep["x_label"], 40))
            axes.set_ylabel(_short(sweep["y_label"], 26))
            axes.set_title(_short(label, 44), loc="left")
            if len(sweep["lines"]) > 1:
                axes.legend(loc="best", handlelength=2.2)
        return svg(figure, name, title)


@contextmanager
def _drawing() -> Iterator[Figure]:
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the reader's fonts decide, not ours
        figure = Figure(figsize=(WIDTH, 1.0))
        FigureCanvasSVG(figure)
        yield figure


def _row_axes(
    figure: Figure, rows: Sequence[Row], left: float, width: float, named: bool = True, above: float = 0.24
) -> Axes:
    height = ROW * len(rows) + 0.08
    total = height + 0.42 + above
    figure.set_size_inches(WIDTH, total)
    axes = figure.add_axes((left, 0.42 / total, width, height / total))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [_short(label, 30) for label, _ in rows] if named else [""] * len(rows))
    axes.tick_params(axis="y", length=0)
    for y in range(len(rows) - 1):
        axes.axhline(y + 0.5, color="#e6e6e6", lw=0.5, zorder=0)
    return axes


def _finish_rows(axes: Axes, limits: tuple[float, float], label: str) -> None:
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(label)


def _panels(figure: Figure, count: int) -> list[Axes]:
    across = min(count, 3) if count != 4 else 2
    down = math.ceil(count / across)
    total = 2.0 * down
    figure.set_size_inches(WIDTH if across > 1 else 4.2, total)
    share = 1 / across
    gap = 0.62 / (WIDTH if across > 1 else 4.2)
    return [
        figure.add_axes((
            (index % across) * share + gap,
            1 - (index // across) / down - 1.5 / total,
            share - gap - 0.012,
            1.2 / total,
        ))
        for index in range(count)
    ]  # fmt: skip


def _dot(arm: int) -> dict[str, Any]:
    colour, marker = ((FIRST, "o"), (SECOND, "s"))[min(arm, 1)]
    return {"marker": marker, "ms": 4, "mfc": "none" if arm else colour + "55", "mec": colour, "mew": 0.9, "zorder": 3}


def _draw_seeds(axes: Axes, y: float, finding: Finding, apart: float) -> None:
    arms = finding["samples"]
    for arm, sample in enumerate(arms):
        values = _finite(sample["values"])
        offset = (arm - (len(arms) - 1) / 2) * apart
        axes.plot(values, [y + offset] * len(values), linestyle="none", **_dot(arm))


def _draw_decision(axes: Axes, y: int, finding: Finding, limits: tuple[float, float], lower: float) -> None:
    if finding["criterion"]:
        low, high = (limits[i] if end is None else end for i, end in enumerate(finding["criterion"]))
        axes.fill_between([low, high], y - 0.4, y + 0.4, color=BAND, lw=0, zorder=0)
        for end in finding["criterion"]:
            if end is not None:
                axes.plot([end, end], [y - 0.4, y + 0.4], color="#7d97aa", lw=0.7, zorder=1)
    if finding["reference"] is not None:
        axes.plot([finding["reference"]] * 2, [y - 0.4, y + 0.4], color=INK, lw=0.9, ls=(0, (2, 1.5)), zorder=1)
    if finding["interval"] and all(_drawable(end) for end in finding["interval"]):
        axes.plot(finding["interval"], [y + lower] * 2, color=INK, lw=1.2, marker="|", ms=6, zorder=2)
    if finding["estimate"] is not None:
        marker, filled = MARKERS.get(finding["outcome"], ("o", False))
        style: dict[str, Any] = {
            "ms": SIZES.get(marker, 5.5),
            "mfc": INK if filled else "white",
            "mec": INK,
            "mew": 0.9,
        }
        axes.plot([finding["estimate"]], [y + lower], marker=marker, zorder=4, **style)


def _seeds(finding: Finding) -> list[float]:
    return [value for sample in finding["samples"] for value in _present(sample["values"])]


def _decision(finding: Finding) -> list[float]:
    values = (finding["estimate"], finding["reference"], *(finding["interval"] or ()), *(finding["criterion"] or ()))
    return _present(values)


def _points(sweep: Mapping[str, Any]) -> list[float]:
    pairs = [(x, y) for ys in sweep["lines"].values() for x, y in zip(sweep["x"], ys, strict=False)]
    return [y for x, y in pairs if _drawable(x) and _drawable(y)]


def _present(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _drawable(value: float | None) -> bool:
    return value is not None and abs(value) <= LARGEST


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and abs(value) <= LARGEST]


def _limits(values: Sequence[float]) -> tuple[float, float] | None:
    """Ends of an axis with 6 % room at each; None when there is nothing to draw or a value is beyond drawing."""
    if not values or not all(_drawable(value) for value in values):
        return None
    low, high = min(values), max(values)
    room = max(0.06 * (high - low), 1e-6, 1e-6 * max(abs(low), abs(high)))
    return low - room, high + room


def _level_names(labels: Sequence[str]) -> tuple[list[str], str]:
    """Labels of a trend's levels without the tail after ", " that all share, and that tail."""
    tails = {label.rpartition(", ")[2] if ", " in label else "" for label in labels}
    if len(tails) == 1 and (tail := tails.pop()):
        return [label.rpartition(", ")[0] for label in labels], tail
    return list(labels), ""


def _arm_names(rows: Sequence[Row]) -> list[str]:
    """Names of the arms when all rows have the same ones."""
    named = {tuple(sample["label"] for sample in finding["samples"]) for _, finding in rows}
    return list(named.pop()) if len(named) == 1 else []


def _sample_unit(rows: Sequence[Row]) -> str:
    units = {sample["unit"] for _, finding in rows for sample in finding["samples"]}
    return str(units.pop()) if len(units) == 1 else ""


def _unit(rows: Sequence[Row]) -> str:
    units = {finding["unit"] for _, finding in rows}
    return str(units.pop()) if len(units) == 1 else ""


def _in(unit: str) -> str:
    return f", {unit}" if unit else ""


def _level(rows: Sequence[Row]) -> str:
    levels = sorted({f"{100 * finding['interval_level']:.4g} %" for _, finding in rows if finding["interval_level"]})
    return " or ".join(levels) or "no"


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
