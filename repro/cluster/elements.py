"""Elements of job arrays: planned runs of similar resources packed onto GPUs, each with its time limit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from repro.planning.plan import Planned
from repro.runs.spec import RunSpec

SPARE = 1.5  # time limit, over expected time
START_MINUTES = 5.0  # for a job to import torch and read its data
BUILT = 64  # runs without epochs, which only build a network and count, that share one job
LIMITS = (
    10,
    20,
    30,
    60,
    120,
    240,
    480,
    960,
    1440,
    2880,
    5760,
    11520,
)  # minutes: few values, so few arrays


@dataclass(frozen=True, kw_only=True)
class Element:
    """One job: runs that share a GPU."""

    runs: tuple[Planned, ...]
    workers: int  # at a time
    devices: int  # of each run: its tasks, where one run takes several
    minutes: int  # time limit to ask for
    seconds: float  # expected


_Timed = tuple[Planned, float]  # a run and its seconds when it shares a GPU
_Item = TypeVar("_Item")

# How many runs of a network share a GPU, and how much slower each then is than alone.
Packing = Callable[[RunSpec], tuple[int, float]]


def arrays(
    runs: Sequence[Planned],
    packing: Packing,
    *,
    longest: int,
    largest: int,
    stop_before: float = 0.0,
    shortest: float = 0.0,
) -> list[tuple[Element, ...]]:
    """Arrays of elements with one limit and one number of workers each, in the order of the plan.

    ``longest`` is the longest time limit of an element in minutes: a run that takes longer is requeued and resumes.
    ``stop_before`` is in seconds: an element leaves this much of its time unused.
    ``largest`` is the most elements of an array.
    ``shortest`` is in seconds: runs share an element, one after the other, until they fill it.
    """
    sharers: dict[tuple[int, int, bool, bool, int], list[tuple[Planned, float]]] = {}
    for run in runs:
        spec = run.spec
        workers, slowdown = packing(spec) if spec.rows and spec.devices == 1 else (1, 1.0)
        measured = run.cost.basis in ("measured", "scaled") or not spec.rows
        seconds = run.cost.seconds / spec.devices * slowdown
        alone = _limit(seconds / 60, longest)  # runs of similar length share an element, so that none waits for another
        sharers.setdefault((workers, spec.devices, spec.rows > 0, measured, alone), []).append((run, seconds))
    kinds: dict[tuple[int, int, int], list[Element]] = {}
    for (workers, devices, trained, measured, _), some in sharers.items():
        least = shortest if devices == 1 else 0.0  # the tasks of a job train one run
        for pack in _packs(some, workers, least) if trained else _slices(some, BUILT):
            seconds = _seconds([seconds for _, seconds in pack], workers)
            minutes = _limit((seconds * SPARE + stop_before) / 60 + START_MINUTES, longest) if measured else longest
            runs_of = tuple(run for run, _ in pack)
            made = Element(runs=runs_of, workers=workers, devices=devices, minutes=minutes, seconds=seconds)
            kinds.setdefault((minutes, workers, devices), []).append(made)
    return [tuple(some) for elements in kinds.values() for some in _slices(elements, largest)]


def _packs(some: Sequence[_Timed], workers: int, shortest: float) -> list[Sequence[_Timed]]:
    """Runs in order, packed until all workers are busy for ``shortest`` seconds."""
    packs: list[list[_Timed]] = []
    for run in some:
        if packs and (len(packs[-1]) < workers or _seconds([s for _, s in packs[-1]], workers) < shortest):
            packs[-1].append(run)
        else:
            packs.append([run])
    return list(packs)


def _seconds(each: Sequence[float], workers: int) -> float:
    """How long runs of similar length take when each worker starts the next one as soon as it is free."""
    return max(each) * math.ceil(len(each) / workers) if len(each) < 2 * workers else sum(each) / workers


def _slices(some: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    return [some[i : i + size] for i in range(0, len(some), size)]


def _limit(minutes: float, longest: int) -> int:
    return min(next((limit for limit in LIMITS if limit >= minutes), math.ceil(minutes)), longest)
