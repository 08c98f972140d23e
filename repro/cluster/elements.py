"""Elements of job arrays: planned runs of like resources packed onto GPUs, with the time that each is to ask for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repro.planning.plan import Planned
from repro.runs.spec import RunSpec

SPARE = 1.5  # time asked for, over time expected
START_MINUTES = 5.0  # for a job to import torch and read its data
BUILT = 64  # runs of no epochs, which only build a network and count, go together into one job, one by one
LIMITS = (10, 20, 30, 60, 120, 240, 480, 960, 1440, 2880, 5760, 11520)  # minutes: a few kinds, so that arrays are few


@dataclass(frozen=True, kw_only=True)
class Element:
    """One job: runs that share a GPU."""

    runs: tuple[Planned, ...]
    workers: int  # at a time
    minutes: int  # time limit to ask for
    seconds: float  # expected


# How many runs of a kind share a GPU, and how many seconds one then takes for a second alone.
Sharing = Callable[[RunSpec], tuple[int, float]]


def arrays(
    runs: Sequence[Planned], sharing: Sharing, *, longest: int, largest: int, stop_before: float = 0.0
) -> list[tuple[Element, ...]]:
    """Arrays of elements with one limit and one number of workers each, in the order of the plan.

    ``longest`` is the most minutes that an element may ask for: a run that takes longer is requeued and goes on.
    ``stop_before`` is in seconds: so much of its time an element does not use.
    ``largest`` is the most elements of an array.
    """
    kinds: dict[tuple[int, int, bool], list[tuple[Planned, float]]] = {}
    for run in runs:
        spec = run.spec
        workers, slowdown = sharing(spec) if spec.epochs else (1, 1.0)
        seconds = run.cost.seconds * slowdown
        measured = run.cost.basis != "assumed" or not spec.epochs
        minutes = _limit((seconds * SPARE + stop_before) / 60 + START_MINUTES, longest) if measured else longest
        kinds.setdefault((minutes, workers, spec.epochs > 0), []).append((run, seconds))
    made: list[tuple[Element, ...]] = []
    for (minutes, workers, _), some in kinds.items():
        together = workers if some[0][0].spec.epochs else BUILT
        packed = [some[i : i + together] for i in range(0, len(some), together)]
        elements = [
            Element(
                runs=tuple(run for run, _ in pack),
                workers=workers,
                minutes=minutes,
                seconds=max(seconds for _, seconds in pack) * math.ceil(len(pack) / workers),
            )
            for pack in packed
        ]
        made += [tuple(elements[i : i + largest]) for i in range(0, len(elements), largest)]
    return made


def _limit(minutes: float, longest: int) -> int:
    return min(next((limit for limit in LIMITS if limit >= minutes), math.ceil(minutes)), longest)
