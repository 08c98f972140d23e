"""The order of a plan's runs: those of the nearest verdict first, so that verdicts come early and often."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.planning.plan import Planned


def verdicts_first(runs: Sequence["Planned"]) -> list["Planned"]:
    """Runs already begun, then repeatedly all runs of the check that needs the fewest further seconds.

    The runs of one check are ordered by seed, then cost; the result does not depend on the order of ``runs``.
    """
    begun = sorted((run for run in runs if run.condition == "paused"), key=_by_seed)
    needed: dict[str, list[Planned]] = {}
    for run in runs:
        for check in run.checks:
            needed.setdefault(check.id, []).append(run)
    seconds = {check: math.fsum(map(_remaining, some)) for check, some in needed.items()}
    ranks = {check: (round(left, 6), check) for check, left in seconds.items()}
    ordered: dict[str, Planned] = {}

    def append(some: Sequence["Planned"]) -> None:
        for run in some:
            if run.spec.key not in ordered:
                ordered[run.spec.key] = run
                for check in run.checks:
                    seconds[check.id] -= _remaining(run)
                    ranks[check.id] = round(seconds[check.id], 6), check.id

    append(begun)
    while needed:
        nearest = min(needed, key=ranks.__getitem__)
        append(sorted(needed.pop(nearest), key=_by_seed))
    return list(ordered.values())


def _remaining(run: "Planned") -> float:
    return 0.0 if run.condition == "complete" else run.cost.seconds


def _by_seed(run: "Planned") -> tuple[int, float, str]:
    return run.spec.seed, run.cost.seconds, run.spec.key
