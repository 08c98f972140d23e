"""Accuracies of all runs, those that differ in their seed alone together."""

import re
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from repro.reporting.trained import spelled

Json = dict[str, Any]


def accuracies(runs: Sequence[Json]) -> list[Json]:
    """A row for each condition: top-1 on the test set at the end, percent, and the standard deviation in points.

    A lottery ticket has one accuracy for each sparsity, and so no row. Of a single seed there is no deviation.
    """
    found: dict[str, dict[int, float]] = {}
    for run in runs:
        if run["outcome"] != "built" and run["top1_by_epoch"] and "retrains" not in run["spec"]:
            found.setdefault(_condition(run), {})[run["spec"]["seed"]] = run["top1_by_epoch"][-1]
    return [
        {
            "name": name,
            "mean": fmean(by_seed.values()),
            "deviation": stdev(by_seed.values()) if len(by_seed) > 1 else None,
            "values": [by_seed[seed] for seed in sorted(by_seed)],
            "seeds": sorted(by_seed),
        }
        for name, by_seed in found.items()
    ]


def _condition(run: Json) -> str:
    """The name of a run without its seed, and with its precision where that is not float32, as no name has it."""
    precision = run["spec"].get("precision", "float32")
    name = spelled(run["name"].replace(f" seed {run['spec']['seed']}", ""))
    if run["spec"].get("trained") == "none":
        name = re.sub(r" none \d+ epochs?(?= |$)", " untrained", name)
    return name if precision == "float32" else f"{name}, {precision}"
