"""What a run will cost: seconds, scaled from measured runs by their multiply-accumulates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec

# Multiply-accumulates a second taken for granted while nothing like the run has been measured; a guess, and said so.
ASSUMED = {"cpu": 2e10, "cuda": 2e12}
BUILD_SECONDS = 0.5  # a run of no epochs


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds that one run is expected to take, and how that is known."""

    seconds: float
    basis: Literal["measured", "scaled", "assumed"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """A measured run to scale from."""

    spec: RunSpec
    seconds: float
    device_type: str  # "cpu" or "cuda"


def estimate(spec: RunSpec, known: Sequence[Known], device_type: str) -> Cost:
    """The cost of a run on a kind of device, from the most similar measured run there."""
    if not spec.epochs:
        return Cost(seconds=BUILD_SECONDS, basis="assumed")
    work = _work(spec)
    like = [
        one for one in known if one.device_type == device_type and one.spec.dataset == spec.dataset and one.spec.epochs
    ]
    if not like:
        return Cost(seconds=work / ASSUMED[device_type], basis="assumed")
    nearest = min(like, key=lambda one: (abs(math.log(_work(one.spec) / work)), one.spec.trained != spec.trained))
    ratio = work / _work(nearest.spec)
    return Cost(seconds=nearest.seconds * ratio, basis="measured" if ratio == 1 else "scaled")


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
