"""Figures of a claim: its findings in drawings to set beside each other, and the sweeps beside them."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from markupsafe import Markup

from repro.reporting import svg
from repro.reporting.axes import finite
from repro.reporting.lanes import Row, arm_names, lanes, tails
from repro.reporting.panel import Drawn, Series, draw, table
from repro.reporting.saving import numbers, save
from repro.reporting.text import point, short

Json = dict[str, Any]
MOST_ROWS = 18  # in one drawing: it must fit on a page
MOST_DRAWINGS = 6  # of one claim
NAMED = ("first named", "second named")  # arms of rows that differ in them


def of_claim(name: str, kind: str, rows: Sequence[Json]) -> Json:
    """The drawings of a claim of a kind from its judgements: of its findings, and of the sweeps beside them."""
    several = sum(len(row["findings"]) for row in rows) > len(rows)
    found = [(row, finding) for row in rows for finding in row["findings"]]
    labels = {short(finding["label"]) for _, finding in found}
    telling = len(labels) == len(found) and all(svg.width_of(label) <= svg.WIDTH for label in labels)
    drawn = [(short(finding["label"]) if telling and not several else _beside(row, finding, len(rows) > 1, several),
              finding) for row, finding in found]  # fmt: skip
    words = f"{name}: " + "; ".join(f"{label}: {f['measured']}, {f['outcome']}" for label, f in drawn[:12]) + "."
    drawing = {"P": means, "F": means, "M": means, "O": differences, "N": changes, "T": trends}.get(kind)
    some = [row for row in drawn if row[1]["samples"] or row[1]["estimate"] is not None]
    swept = [(f"{point(row)}: {sweep['label']}" if len(rows) > 1 else sweep["label"], sweep)
             for row in rows for sweep in row["sweeps"]]  # fmt: skip
    title = f"{name}, drawn beside the verdict: " + "; ".join(label for label, _ in swept[:6]) + "."
    panels, beside = sweeps(swept, title)
    own = drawing(some, short(words)) if drawing and some else []
    return {
        "figures": [Markup(one) for one in own[:MOST_DRAWINGS]],
        "figures_more": len(own[MOST_DRAWINGS:]),
        "undrawn": bool(drawing and drawn) and not some,
        "save": save(name, numbers(some)),
        "sweeps": [Markup(one) for one in beside[:MOST_DRAWINGS]],
        "sweeps_more": len(beside[MOST_DRAWINGS:]),
        "save_sweeps": save(f"{name}-beside", table(panels)),
    }


def means(rows: Sequence[Row], alternative: str) -> list[str]:
    """Findings about one mean each: seeds, interval, criterion and reference on one axis."""
    name = _quantity(sample for _, finding in rows for sample in finding["samples"])
    label = f"{name}{_in(_unit(rows))}; bar: {_level(rows)} interval".removeprefix(", ").removeprefix("; ")
    return _made(lanes(some, "", label, alternative, seeds=True, decision=True) for some in _chunks(rows))


def changes(rows: Sequence[Row], alternative: str) -> list[str]:
    """Findings about a change each, after minus before: the samples of such a finding stand the other way round."""
    turned = [(label, {**finding, "samples": finding["samples"][::-1]}) for label, finding in rows]
    return differences(turned, alternative)


def differences(rows: Sequence[Row], alternative: str) -> list[str]:
    """Findings about a difference each: the seeds of both arms, and the difference."""
    found = []
    for some in _chunks(rows):
        each = _each_seed(sample for _, finding in some for sample in finding["samples"])
        arms = tails(arm_names(some))
        words = f"{arms[0]} minus {arms[1]}" if len(arms) == 2 else "Difference"
        words = words if svg.width_of(words) <= svg.WIDTH else "Difference"
        label = f"difference{_in(_unit(some))}; bar: {_level(some)} interval"
        found.append(lanes(some, "Every seed", each, alternative, seeds=True, decision=False, named=NAMED))
        found.append(lanes(some, words, label, alternative, seeds=False, decision=True, zero=True))
    return _made(found)


def trends(rows: Sequence[Row], alternative: str) -> list[str]:
    """Findings about a trend each: every seed and the mean, level by level."""
    found = []
    for label, finding in rows:
        names, shared = _level_names([sample["label"] for sample in finding["samples"]])
        levels = [finite(sample["values"]) for sample in finding["samples"]]
        series = Series(
            name=shared or "mean",
            seeds=tuple((float(x), y, "") for x, values in enumerate(levels) for y in values),
            mean=tuple((float(x), fmean(values)) for x, values in enumerate(levels) if values),
        )
        panel = Drawn(
            title=" · ".join(filter(None, ("" if " → " in label else label, shared))),
            x_label="levels in their order, equally spaced",
            y_label=_each_seed(finding["samples"]),
            series=(series,),
            at=tuple(float(x) for x in range(len(names))),
            names=tuple(names),
        )
        found.append(draw(panel, alternative) if series.mean else None)
    return _made(found)


def sweeps(drawn: Sequence[Row], alternative: str) -> tuple[list[Drawn], list[str]]:
    """One panel per sweep, of those that can be drawn, and their drawings."""
    found = []
    for label, sweep in drawn:
        points = {
            name: tuple((float(x), float(y)) for x, y in zip(sweep["x"], ys, strict=False) if None not in (x, y))
            for name, ys in sorted(sweep["lines"].items())
        }
        xs = finite(sweep["x"])
        panel = Drawn(
            title=label,
            x_label=sweep["x_label"],
            y_label=sweep["y_label"],
            series=tuple(Series(name=name, mean=some, style=i) for i, (name, some) in enumerate(points.items())),
            log=len(xs) > 2 and min(xs) > 1e-9 and max(xs) >= 8 * min(xs),
            at=tuple(xs) if len(xs) <= 6 else (),
        )
        found.append(panel)
    drawings = [draw(panel, alternative) for panel in found]
    return [panel for panel, drawing in zip(found, drawings, strict=True) if drawing], _made(drawings)


def _beside(row: Json, finding: Json, grid: bool, several: bool) -> str:
    parts = [point(row) if grid else "", short(finding["label"]) if several or not grid else ""]
    return " · ".join(part for part in parts if part)


def _made(found: Any) -> list[str]:
    return [one for one in found if one]


def _chunks(rows: Sequence[Row]) -> list[Sequence[Row]]:
    """Rows in drawings of about equal height, beside each other as soon as there are many."""
    count = max(math.ceil(len(rows) / MOST_ROWS), 2 if len(rows) > MOST_ROWS // 2 else 1)
    size = math.ceil(len(rows) / count)
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def _level_names(labels: Sequence[str]) -> tuple[list[str], str]:
    """Labels of a trend's levels without the tail after ", " that all share, and that tail.

    Of more than two, the second and later ones without a head before "-" that all share: ResNet-8, 14, 20 must fit.
    """
    tails = {label.rpartition(", ")[2] if ", " in label else "" for label in labels}
    tail = tails.pop() if len(tails) == 1 else ""
    names = [label.removesuffix(f", {tail}") for label in labels] if tail else list(labels)
    heads = {name.rpartition("-")[0] for name in names}
    if len(names) > 2 and len(heads) == 1 and (head := heads.pop()):
        names = [names[0], *(name.removeprefix(f"{head}-") for name in names[1:])]
    return names, tail


def _unit(rows: Sequence[Row]) -> str:
    units = {str(finding["unit"]) for _, finding in rows}
    return units.pop() if len(units) == 1 else ""


def _each_seed(samples: Iterable[Json]) -> str:
    """What the seeds of some samples are, with their unit where they have one in common."""
    samples = list(samples)
    units = {str(sample["unit"]) for sample in samples}
    return (_quantity(samples) or "each seed") + (_in(units.pop()) if len(units) == 1 else "")


def _quantity(samples: Iterable[Json]) -> str:
    found = {str(sample["quantity"]) for sample in samples}
    return found.pop() if len(found) == 1 else ""


def _in(unit: str) -> str:
    return f", {unit}" if unit else ""


def _level(rows: Sequence[Row]) -> str:
    levels = sorted({f"{100 * finding['interval_level']:.4g} %" for _, finding in rows if finding["interval_level"]})
    return " or ".join(levels) or "no"
