"""The cost of a run in seconds, scaled from measured runs by multiply-accumulates."""

import math
from bisect import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec

# Multiply-accumulates per second while no similar run has been measured: a guess, and marked as one.
ASSUMED = {"cpu": 2e10, "cuda": 2e12}
BUILD_SECONDS = 0.5  # a run without epochs


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds that one run is expected to take, and the basis of the estimate."""

    seconds: float
    basis: Literal["measured", "scaled", "assumed"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """A measured run to scale from."""

    spec: RunSpec
    seconds: float
    device_type: str  # "cpu" or "cuda"


def estimator(known: Iterable[Known], device_type: str) -> Callable[[RunSpec], Cost]:
    """The cost of a run on a type of device, from the most similar run measured there.

    That is the nearest in work; among those, the first that trains the same parameters, else the first.
    """
    measured: dict[str, dict[float, dict[str, float]]] = {}  # seconds by data set, work and what is trained
    for one in known:
        if one.device_type == device_type and one.spec.epochs:
            of_work = measured.setdefault(one.spec.dataset, {}).setdefault(_work(one.spec), {})
            of_work.setdefault(one.spec.trained, one.seconds)
    works = {dataset: sorted(of_dataset) for dataset, of_dataset in measured.items()}

    def cost(spec: RunSpec) -> Cost:
        if not spec.epochs:
            return Cost(seconds=BUILD_SECONDS, basis="assumed")
        work = _work(spec)
        if spec.dataset not in works:
            return Cost(seconds=work / ASSUMED[device_type], basis="assumed")
        index = bisect(works[spec.dataset], work)
        nearest = min(works[spec.dataset][max(0, index - 1) : index + 1], key=lambda one: abs(math.log(one / work)))
        of_work = measured[spec.dataset][nearest]
        seconds = of_work.get(spec.trained, next(iter(of_work.values())))
        return Cost(seconds=seconds * work / nearest, basis="measured" if work == nearest else "scaled")

    return cost


def forward_macs(spec: RunSpec) -> float:
    """Multiply-accumulates of the convolutions for one image of a CIFAR ResNet."""
    side, _, channels_in = DATASETS[spec.dataset].shape
    blocks, width = (spec.depth - 2) // 6, 16 * spec.width
    total = 9.0 * side**2 * width * channels_in
    channels_in = width
    for group in range(3):
        channels, pixels = width * 2**group, (side / 2**group) ** 2
        total += 9 * pixels * channels * (channels_in + (2 * blocks - 1) * channels)
        total += pixels * channels * channels_in if group else 0
        channels_in = channels
    return total


def _work(spec: RunSpec) -> float:
    """Multiply-accumulates of a whole run; a frozen weight needs no gradient of its own."""
    match spec.trained:
        case "all" | "all-but-batchnorm" | "random":
            passes = 3
        case "none":
            passes = 1
        case _:
            passes = 2
    return forward_macs(spec) * passes * spec.epochs * DATASETS[spec.dataset].train_images
