"""The cost of a run in seconds: what a like run took, scaled by the limit of the device, else that limit itself."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from repro.planning.device import Device
from repro.planning.work import Work, work
from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec

BUILD_SECONDS = 0.5  # a run that trains nothing
BASES = {
    "measured": "measured on such runs",
    "scaled": "scaled from like runs",
    "estimated": "estimated from what repro bench measured here",
    "assumed": "assumed",
}
# How alike two networks load a device is told in half octaves of arithmetic and of launches per byte.
HALF_OCTAVES = 2 / math.log(2)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one device that one run is expected to take, and the basis of the estimate."""

    seconds: float
    basis: Literal["measured", "scaled", "estimated", "assumed"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """A measured run to scale from."""

    spec: RunSpec
    seconds: float
    device_type: str  # "cpu" or "cuda"


@dataclass(frozen=True, kw_only=True)
class _Point:
    """A training that was timed, by what it asks of the device."""

    kind: str
    shape: tuple[int, ...]  # of an example
    family: str
    load: tuple[float, float]  # logarithms of arithmetic and launches, per byte
    limit: float  # seconds at the limit of the device
    seconds: float  # those that it took


def estimator(known: Iterable[Known], device: Device) -> Callable[[RunSpec], Cost]:
    """The cost of a run on a device, from the most alike of the runs known there.

    A like run has the same kind of work and shape of examples. Among those, one of the same family; then the one that
    loads the device most alike in arithmetic and launches per byte; then the nearest in work; then the first.
    Where there is none, the short trainings of `repro bench` stand in, and where there are none, the limit itself.
    """
    runs = _distinct(_point(one.spec, one.seconds, device) for one in known if one.device_type == device.kind)
    trials = _distinct(_trial(one.spec, one.seconds, device) for one in device.trained)
    found: dict[RunSpec, Cost] = {}  # by the run without its seed, on which nothing depends

    def cost(spec: RunSpec) -> Cost:
        if not spec.rows:
            return Cost(seconds=BUILD_SECONDS, basis="assumed")
        alike = spec.seedless
        if alike not in found:
            found[alike] = estimate(spec)
        return found[alike]

    def estimate(spec: RunSpec) -> Cost:
        asked = _point(spec, 0.0, device)
        assert asked is not None
        like = [one for one in runs if (one.kind, one.shape) == (asked.kind, asked.shape)]
        if like:
            best = min(like, key=lambda one: _distance(one, asked))
            basis: Literal["measured", "scaled"] = "measured" if math.isclose(best.limit, asked.limit) else "scaled"
            return Cost(seconds=best.seconds * asked.limit / best.limit, basis=basis)
        near = [one for one in trials if one.kind == asked.kind]
        over = (one.seconds / one.limit for one in sorted(near, key=lambda one: _distance(one, asked)))
        return Cost(seconds=asked.limit * next(over, 1.0), basis="estimated" if device.measured else "assumed")

    return cost


def limit(spec: RunSpec, device: Device) -> float:
    """Seconds that a device needs at least for a run."""
    return sum(one.times * device.limit(one) for one in work(spec))


def _distance(one: _Point, asked: _Point) -> tuple[bool, int, float]:
    alike = sum(abs(mine - yours) for mine, yours in zip(one.load, asked.load, strict=True))
    work = round(abs(math.log(one.limit / asked.limit)), 9)
    return one.family != asked.family, round(HALF_OCTAVES * alike), work


def _point(spec: RunSpec, seconds: float, device: Device) -> _Point | None:
    """A run by what it asks of a device; None for one that was only built."""
    parts = work(spec)
    if not parts:
        return None
    return _of(spec, parts, sum(one.times * device.limit(one) for one in parts), seconds, device)


def _trial(spec: RunSpec, seconds: float, device: Device) -> _Point:
    """The same for one step of a short training."""
    step = work(spec)[0]
    return _of(spec, (step,), device.limit(step), seconds, device)


def _of(spec: RunSpec, parts: tuple[Work, ...], limit: float, seconds: float, device: Device) -> _Point:
    arithmetic, memory, launches = device.limits(parts[0])
    return _Point(
        kind=parts[0].kind,
        shape=DATASETS[spec.dataset].shape,
        family=spec.family,
        load=(math.log(arithmetic / memory), math.log(launches / memory)),
        limit=limit,
        seconds=seconds,
    )


def _distinct(points: Iterable[_Point | None]) -> list[_Point]:
    """The first of those that differ in nothing but their seconds, such as those of other seeds."""
    found: dict[_Point, _Point] = {}
    for one in points:
        if one is not None:
            found.setdefault(replace(one, seconds=0.0), one)
    return list(found.values())
