"""The cost of a run in seconds, scaled from measured runs by multiply-accumulates."""

import math
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.datasets import DATASETS
from repro.runs.imagenet_spec import BLOCKS, ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import BOTTLENECK, SMALL_STEM, ResNetSpec
from repro.runs.spec import RunSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

# Multiply-accumulates per second while no similar run has been measured: a guess, and marked as one.
ASSUMED = {"cpu": 2e10, "cuda": 2e12}
BUILD_SECONDS = 0.5  # a run that trains nothing
# Multiply-accumulates that pass while a processor starts the operations of one step of a small network, half a
# millisecond at the speed assumed above.
OVERHEAD = 1e7
# Multiply-accumulates that pass while a tree sorts one number of one example at one of its levels.
SORTED = 2e3


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one device that one run is expected to take, and the basis of the estimate."""

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
        if one.device_type == device_type and one.spec.rows:
            of_work = measured.setdefault(one.spec.dataset, {}).setdefault(_work(one.spec), {})
            of_work.setdefault(_moves(one.spec), one.seconds)
    works = {dataset: sorted(of_dataset) for dataset, of_dataset in measured.items()}

    def cost(spec: RunSpec) -> Cost:
        if not spec.rows:
            return Cost(seconds=BUILD_SECONDS, basis="assumed")
        work = _work(spec)
        if spec.dataset not in works:
            return Cost(seconds=work / ASSUMED[device_type], basis="assumed")
        index = bisect(works[spec.dataset], work)
        nearest = min(works[spec.dataset][max(0, index - 1) : index + 1], key=lambda one: abs(math.log(one / work)))
        of_work = measured[spec.dataset][nearest]
        seconds = of_work.get(_moves(spec), next(iter(of_work.values())))
        return Cost(seconds=seconds * work / nearest, basis="measured" if work == nearest else "scaled")

    return cost


def forward_macs(spec: RunSpec) -> float:
    """Multiply-accumulates of a network for one example; of trees, what one costs in growing them."""
    match spec:
        case ResNetSpec(family="imagenet-resnet-3x3"):
            return _small_stem_macs(spec)
        case ResNetSpec():
            return _resnet_macs(spec)
        case ImageNetSpec():
            return _imagenet_macs(spec)
        case StepSpec():
            return _sequence_macs(spec)
        case TicketSpec():
            return _sequence_macs(spec.sequence[0].training)  # a weight that is pruned is multiplied like any other
        case BoostingSpec():
            return spec.rounds * math.log2(spec.leaves) * DATASETS[spec.dataset].shape[0] * SORTED
    raise AssertionError(f"{spec.name} has no known cost")


def _moves(spec: RunSpec) -> str:
    """What is trained, in a word."""
    return spec.trained if isinstance(spec, NetworkSpec) else spec.family


def _resnet_macs(spec: ResNetSpec) -> float:
    """Of the convolutions of a CIFAR ResNet."""
    side, channels_in = float(DATASETS[spec.dataset].shape[0]), DATASETS[spec.dataset].shape[2]
    blocks, width = (spec.depth - 2) // 6, 16 * spec.width
    total = 9.0 * side**2 * width * channels_in
    channels_in = width
    for group in range(3):
        channels, pixels = width * 2**group, (side / 2**group) ** 2
        total += 9 * pixels * channels * (channels_in + (2 * blocks - 1) * channels)
        total += pixels * channels * channels_in if group else 0
        channels_in = channels
    return total


def _small_stem_macs(spec: ResNetSpec) -> float:
    """Of the convolutions of an ImageNet ResNet in its form for CIFAR."""
    side, channels_in = float(DATASETS[spec.dataset].shape[0]), DATASETS[spec.dataset].shape[2]
    return 9.0 * side**2 * 64 * channels_in + _groups_macs(SMALL_STEM[spec.depth], spec.depth, side**2)


def _imagenet_macs(spec: ImageNetSpec) -> float:
    """Of the convolutions and the output layer of an ImageNet ResNet: a 7x7 stem of stride 2, and a pool of 2."""
    dataset, side = DATASETS[spec.dataset], spec.image_size / 2
    output = 512 * (4 if spec.depth >= BOTTLENECK else 1) * dataset.classes
    return 49 * side**2 * 64 * dataset.shape[2] + _groups_macs(BLOCKS[spec.depth], spec.depth, side**2 / 4) + output


def _groups_macs(counts: Sequence[int], depth: int, pixels: float) -> float:
    """Of the four groups of blocks behind a stem that leaves 64 channels of so many pixels."""
    total, channels_in = 0.0, 64
    for group, count in enumerate(counts):
        wide = 64 * 2**group
        after = 4 * wide if depth >= BOTTLENECK else wide
        for block in range(count):
            before, pixels = pixels, pixels / 4 if group and block == 0 else pixels
            if depth >= BOTTLENECK:  # 1x1 before the stride, 3x3 and 1x1 after it
                total += before * channels_in * wide + pixels * (9 * wide**2 + wide * after)
            else:
                total += pixels * 9 * (channels_in * wide + wide**2)
            total += pixels * channels_in * after if channels_in != after or pixels != before else 0
            channels_in = after
    return total


def _sequence_macs(spec: StepSpec) -> float:
    """Of all layers of a network on sequences."""
    length, classes, size = DATASETS[spec.dataset].shape[0], DATASETS[spec.dataset].classes, spec.hidden
    match spec.family:
        case "logistic":
            return length * classes
        case "mlp" | "residual-mlp":
            return size * (length + size + classes)
        case "cnn":
            return size * (5 + 3 * size) * length / 2 + size * size * 3 * length / 8 + size * classes * length / 8
        case "pooling-cnn":
            return size * 3 * length * (1 + size) + size * classes * length
        case _:
            return length * (2 * 3 * size * (1 + size) + 2 * size * classes)


def _work(spec: RunSpec) -> float:
    """Multiply-accumulates of a whole run; a frozen weight needs no gradient of its own."""
    if isinstance(spec, BoostingSpec):
        return forward_macs(spec) * DATASETS[spec.dataset].train_size
    if isinstance(spec, TicketSpec):
        return sum(_work(retrain.training) for retrain in spec.sequence)
    match _moves(spec):
        case "all" | "all-but-batchnorm" | "random":
            passes = 3
        case "none":
            passes = 1
        case _:
            passes = 2
    if isinstance(spec, StepSpec):  # small networks spend their time on starting operations, and not on arithmetic
        started = DATASETS[spec.dataset].shape[0] if spec.family == "gru" else 1
        return spec.steps * (forward_macs(spec) * passes * spec.batch_size + started * OVERHEAD)
    return forward_macs(spec) * passes * spec.examples
