"""A work's own figures, drawn again from the runs of a document."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from repro.reporting.panel import Drawn, Points, Series, heights

Json = dict[str, Any]
Spec = Mapping[str, Any]
MOST_CURVES = 12  # that an eye can follow
OTHER_DATA = ("smoke", "pilot")  # scales whose data or schedules are not those of any source


def panels(figure: Json, runs: Sequence[Json], scale: str) -> list[Drawn]:
    """The panels of a figure, from the runs behind its claims and from what was published."""
    names = set(figure["claims"])
    own = [run for run in runs if names & set(run["claims"])]
    found: list[Drawn] = []
    for plan in figure["panels"]:
        panel = _panel(figure, plan, own, scale)
        if not any(_repeats(panel, other) for other in found):
            found.append(panel)
    spans: dict[str, list[float]] = {}
    zero = [0.0] if any(line["minus"] for line in figure["lines"]) else []  # a difference is seen from there
    for one in found:
        spans.setdefault(one.y_label, list(zero)).extend(heights(one))
    ends = {label: (min(values), max(values)) for label, values in spans.items() if values}
    return [replace(one, span=ends.get(one.y_label, ())) for one in found]


def _repeats(panel: Drawn, other: Drawn) -> bool:
    """Whether all that a panel shows is a few runs at one place, which another one shows as well."""
    own, others = ({run for one in some.series for _, _, run in one.seeds} for some in (panel, other))
    places = {x for one in panel.series for x, _, _ in one.seeds}
    more = any(one.published or one.curves or (one.mean and not one.seeds) for one in panel.series)
    return len(places) == 1 and own <= others and not more


def used(figure: Json, runs: Sequence[Json], scale: str) -> tuple[list[str], list[str]]:
    """The names of the runs that a figure shows, and their data sets."""
    names = set(figure["claims"])
    own = [run for run in runs if names & set(run["claims"])]
    shown = [run for plan in figure["panels"] for line in figure["lines"] for run in own
             if matches(run["spec"], plan["where"], scale) and matches(run["spec"], line["where"], scale)
             and _shows(run, plan)]  # fmt: skip
    minus = [run["spec"] | line["minus"] for line in figure["lines"] if line["minus"] for run in shown]
    shown += [run for run in own if run["spec"] in minus]
    return sorted({run["name"] for run in shown}), sorted({run["spec"]["dataset"] for run in shown})


def _shows(run: Json, plan: Json) -> bool:
    """Whether a run has what a panel draws."""
    match plan["kind"]:
        case "points":
            return _value(run, plan["x"], plan) is not None and _value(run, plan["y"], plan) is not None
        case "thresholds":
            return bool(run["measures"][plan["y"]])
        case "curve" | "retrains":
            return bool(run["top1_by_epoch"])
        case _:
            return bool(run["measures"]["gamma_histogram"])


def _panel(figure: Json, plan: Json, runs: Sequence[Json], scale: str) -> Drawn:
    chosen = [run for run in runs if matches(run["spec"], plan["where"], scale)]
    series = []
    for style, line in enumerate(figure["lines"]):
        own = [run for run in chosen if matches(run["spec"], line["where"], scale)]
        points = tuple((float(x), y) for x, y in sorted(plan["published"].get(line["name"], {}).items(), key=_first))
        common: Json = {
            "name": line["name"],
            "style": style,
            "published": points,
            "reading_error": plan["reading_error"],
        }
        series.append(_series(plan, line, own, chosen if line["minus"] else (), common))
    xs = {x for one in series for x, _, _ in one.seeds} | {x for one in series for x, _ in one.published}
    listed = plan["kind"] == "points" and "." not in plan["x"]
    thresholds = tuple(x for one in series for x, _ in one.mean) if plan["kind"] == "thresholds" else ()
    return Drawn(
        title=plan["title"],
        x_label=plan["x_label"],
        y_label=plan["y_label"],
        series=tuple(series),
        log=plan["kind"] == "thresholds" or (plan["kind"] == "points" and len(xs) > 1 and max(xs) >= 2 * min(xs)),
        at=tuple(sorted(xs)) if listed else thresholds,
        reach=(0.0, 100.0) if plan["kind"] in ("curve", "retrains") else (),
        grey=scale in OTHER_DATA,
    )


def _series(plan: Json, line: Json, own: Sequence[Json], others: Sequence[Json], common: Json) -> Series:
    match plan["kind"]:
        case "points":
            return _points(plan, line, own, others, common)
        case "thresholds":
            return _thresholds(plan, own, common)
        case "curve":
            return _curves([_by_share(run["top1_by_epoch"]) for run in own if run["top1_by_epoch"]], common)
        case "retrains":
            return _curves([_by_sparsity(run) for run in own if run["top1_by_epoch"]], common)
        case _:
            return _histogram(own, common)


def _points(plan: Json, line: Json, own: Sequence[Json], others: Sequence[Json], common: Json) -> Series:
    seeds = []
    for run in own:
        x, y = _value(run, plan["x"], plan), _value(run, plan["y"], plan)
        if line["minus"]:
            wanted = run["spec"] | line["minus"]
            y0 = next((_value(other, plan["y"], plan) for other in others if other["spec"] == wanted), None)
            y = None if y is None or y0 is None else y - y0
        if x is not None and y is not None:
            seeds.append((x, y, run["key"][:12]))
    seeds.sort()
    means = tuple((x, _mean([y for at, y, _ in seeds if at == x])) for x in dict.fromkeys(x for x, _, _ in seeds))
    return Series(**common, seeds=tuple(seeds), mean=means)


def _thresholds(plan: Json, own: Sequence[Json], common: Json) -> Series:
    """Mean of the seeds by threshold, and the range from the lowest seed to the highest."""
    found = [run for run in own if run["measures"][plan["y"]]]
    thresholds = {tuple(run["measures"]["thresholds"]) for run in found}
    if len(thresholds) != 1:
        return Series(**common)
    factor = 100 if plan["percent"] else 1
    start = {run["key"]: (run["measures"]["top1"] or 0.0) if plan["change"] else 0.0 for run in found}
    by_threshold = [
        (x, [factor * (run["measures"][plan["y"]][i] - start[run["key"]]) for run in found])
        for i, x in enumerate(thresholds.pop())
    ]
    return Series(
        **common,
        mean=tuple((x, _mean(ys)) for x, ys in by_threshold),
        band=tuple((x, min(ys), max(ys)) for x, ys in by_threshold),
    )


def _mean(values: Sequence[float]) -> float:
    """Their mean; infinite, and so not drawn, where their sum is no float."""
    try:
        return fmean(values)
    except OverflowError:
        return math.inf


def _by_share(values: Sequence[float]) -> Points:
    """Test accuracy by share of the training, percent."""
    return tuple((100 * (i + 1) / len(values), y) for i, y in enumerate(values))


def _by_sparsity(run: Json) -> Points:
    """Test accuracy of the retrains of a ticket by sparsity, percent, without its tests."""
    spec, values = run["spec"], run["top1_by_epoch"]
    levels = zip(spec["retrains"], values, strict=False)  # a run that diverged has fewer values
    return tuple((100 * (level - 1) / (spec["levels"] - 1), y) for level, y in levels)


def _curves(curves: Sequence[Points], common: Json) -> Series:
    """A line a seed; of many, the mean and the range instead."""
    places = {tuple(x for x, _ in curve) for curve in curves}
    if len(curves) <= MOST_CURVES or len(places) > 1:
        return Series(**common, curves=tuple(curves[:MOST_CURVES]))
    by_place = [(points[0][0], [y for _, y in points]) for points in zip(*curves, strict=True)]
    band = tuple((x, min(ys), max(ys)) for x, ys in by_place)
    return Series(**common, curves=(tuple((x, _mean(ys)) for x, ys in by_place),), band=band)


def _histogram(own: Sequence[Json], common: Json) -> Series:
    """The share of all γ that is in each bin, over all runs; those beyond the bins are in none."""
    counts: dict[float, int] = {}
    width, total = 0.0, 0
    for run in own:
        measured = run["measures"]
        if not (measured["gamma_histogram"] and measured["gammas"]):
            continue
        total += measured["gammas"]
        width = measured["gamma_bin"] or width
        for i, count in enumerate(measured["gamma_histogram"]):
            at = round(measured["gamma_from"] + i * width, 6)
            counts[at] = counts.get(at, 0) + count
    if not counts:
        return Series(**common)
    bins = round((max(counts) - min(counts)) / width) + 1
    edges = [round(min(counts) + i * width, 6) for i in range(bins)]
    outline = [(edge, 100 * counts.get(edge, 0) / total) for edge in edges]
    return Series(
        **common, mean=((edges[0], 0.0), *outline, (edges[-1] + width, 0.0), (edges[-1] + width, 0.0)), steps=True
    )


def _value(run: Json, name: str, plan: Json) -> float | None:
    """A field of the spec, a number of parameters or a measurement of a run."""
    if name in run["spec"]:
        return float(run["spec"][name])
    if name.startswith("parameters."):
        return _maybe(run["measures"]["parameters"].get(name.removeprefix("parameters.")))
    found = run["measures"].get(name)
    if isinstance(found, list):
        thresholds = run["measures"]["thresholds"]
        found = found[thresholds.index(plan["threshold"])] if found and plan["threshold"] in thresholds else None
    return None if found is None else float(found) * (100 if plan["percent"] else 1)


def _maybe(value: float | None) -> float | None:
    return None if value is None else float(value)


def matches(spec: Spec, where: Mapping[str, Any], scale: str) -> bool:
    """Whether a run's spec has these values: one of several where several are given, or the one of its scale."""
    for name, value in where.items():
        wanted = value.get(scale) if isinstance(value, dict) else value
        if spec.get(name) not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def _first(item: tuple[str, float]) -> float:
    return float(item[0])
