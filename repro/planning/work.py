"""The work of a run: arithmetic, memory traffic and launches of its steps and of its evaluations."""

import math
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.datasets import DATASETS
from repro.runs.imagenet_spec import BLOCKS, ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import BOTTLENECK, SMALL_STEM, ResNetSpec
from repro.runs.spec import RunSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

PIECE = 250  # test examples that pass the network at a time


class Work(NamedTuple):
    """What a device has to do so many times over: one step of training, or one forward pass of an evaluation."""

    kind: Literal["images", "sequences", "trees"]  # what learns on what: only of the same are times compared
    precision: str  # of the arithmetic
    times: int
    flops: float  # floating-point operations of convolutions and products, two a multiply-accumulate
    narrow: float  # the same, those of each layer divided by its channels: a narrow layer keeps a processor less busy
    bytes: float  # read and written, where no operation is fused with another
    launches: float  # operations that are started one after the other, and Python between them in units of one
    spared: float = 0.0  # of those, what a GPU does without that replays a recorded step


class Layer(NamedTuple):
    """A convolution or product, for one example."""

    macs: float  # multiply-accumulates
    channels: int  # the fewer of its inputs' and its outputs'
    values: float  # of its output


@cache  # priced for one device and for another
def work(spec: RunSpec) -> tuple[Work, ...]:
    """The work of a run, in parts that repeat; nothing for a network that is built and not trained."""
    if not spec.rows:
        return ()
    match spec:
        case ResNetSpec():
            batch, side = spec.batch_size, DATASETS[spec.dataset].shape[0]
            return _of_resnet(spec, batch, _convolutions(spec.family, spec.depth, spec.width, spec.dataset, side))
        case ImageNetSpec():  # each of its devices takes every step, on its share of the batch
            layers = _convolutions(spec.family, spec.depth, 1, spec.dataset, spec.image_size)
            step, evaluation = _of_resnet(spec, spec.share, layers)
            return step._replace(times=step.times * spec.devices), evaluation
        case StepSpec():
            return _of_sequences(spec)
        case TicketSpec():  # a weight that is pruned is multiplied like any other
            trainings = Counter(retrain.training for retrain in spec.sequence)
            return tuple(
                part._replace(times=part.times * count)
                for training, count in trainings.items()
                for part in _of_sequences(training)
            )
        case BoostingSpec():
            return (_of_trees(spec),)
    raise AssertionError(f"{spec.name} has no known cost")


def forward_macs(spec: RunSpec) -> float:
    """Multiply-accumulates of a network for one example; trees have none."""
    match spec:
        case ResNetSpec():
            side = DATASETS[spec.dataset].shape[0]
            return sum(one.macs for one in _convolutions(spec.family, spec.depth, spec.width, spec.dataset, side))
        case ImageNetSpec():
            return sum(one.macs for one in _convolutions(spec.family, spec.depth, 1, spec.dataset, spec.image_size))
        case StepSpec():
            return sum(layer.macs for layer in _sequence_layers(spec))
        case TicketSpec():
            return forward_macs(spec.sequence[0].training)
        case BoostingSpec():
            return 0.0
    raise AssertionError(f"{spec.name} has no known cost")


# Of the outputs of every convolution that BatchNorm and ReLU follow, how often a step that fuses nothing passes over
# them: BatchNorm reads twice and writes once, ReLU reads and writes, the convolution itself does; half an addition each
# way; and the same again with one more reading each backward. (32 passes a block of two, counted without the
# convolutions; 2 and 2 more for those.)
FORWARD, BACKWARD, WEIGHTS = 8.0, 12.0, 2.0
# Operations of one layer with BatchNorm and ReLU forward, backward, and for the gradient of its weights, and those of a
# step and of an evaluation outside the layers: counted in traces of depths 8, 14 and 26 on a CPU.
LAYER_FORWARD, LAYER_BACKWARD, LAYER_WEIGHTS = 3.5, 5.5, 1.0
STEP, EVALUATION = 44, 14
# Python between the operations of a step costs as much as so many of them: a step of an MLP, 48 operations, takes the
# time of 150 on the same CPU.
PYTHON = 100
# Bytes that pass while a tree sorts one number: a tenth of a microsecond on the processor that is assumed, a guess.
SORTED = 2300.0


def _of_resnet(spec: ResNetSpec | ImageNetSpec, batch: int, layers: tuple[Layer, ...]) -> tuple[Work, ...]:
    match spec.trained:
        case "none" | "output":  # no gradient enters the network
            back, weights = 0, 0
        case "all" | "all-but-batchnorm" | "random":
            back, weights = 1, 1
        case _:
            back, weights = 1, 0
    macs, narrow, values = _sums(layers)
    passes, size = 1 + back + weights, _value_bytes(spec)
    per_layer = LAYER_FORWARD + back * LAYER_BACKWARD + weights * LAYER_WEIGHTS
    step = Work(
        kind="images",
        precision=spec.precision,
        times=spec.rows * spec.row_steps,
        flops=2 * macs * passes * batch,
        narrow=2 * narrow * passes * batch,
        bytes=values * (FORWARD + back * BACKWARD + weights * WEIGHTS) * batch * size,
        launches=PYTHON + STEP + per_layer * len(layers),
        spared=PYTHON if isinstance(spec, ResNetSpec) else 0.0,  # steps on ImageNet are taken eagerly
    )
    return step, _evaluation(spec, layers, FORWARD, EVALUATION + LAYER_FORWARD * len(layers))


def _of_sequences(spec: StepSpec) -> tuple[Work, ...]:
    """Small networks, all of whose weights are trained; they spend their time on starting operations."""
    layers, dataset = _sequence_layers(spec), DATASETS[spec.dataset]
    macs, narrow, values = _sums(layers)
    recurrent = dataset.shape[0] if spec.family == "gru" else 0
    weights = 3 * macs / max(1.0, values) * 4  # a product reads its weights once a step, however large the batch
    step = Work(
        kind="sequences",
        precision=spec.precision,
        times=spec.steps,
        flops=6 * macs * spec.batch_size,
        narrow=6 * narrow * spec.batch_size,
        bytes=values * 10 * spec.batch_size * 4 + weights,
        launches=PYTHON + 30 + 6 * len(layers) + 62 * recurrent,  # traced, as above
    )
    return step, _evaluation(spec, layers, 4.0, 10 + 2 * len(layers) + 22 * recurrent)


def _of_trees(spec: BoostingSpec) -> Work:
    """A round sorts every number of every example at each level of its tree."""
    dataset = DATASETS[spec.dataset]
    numbers = dataset.shape[0] * dataset.train_size * math.log2(spec.leaves)
    return Work(
        kind="trees",
        precision="float64",
        times=spec.rounds,
        flops=numbers,
        narrow=0.0,
        bytes=numbers * SORTED,
        launches=PYTHON,
    )


def _evaluation(spec: NetworkSpec, layers: tuple[Layer, ...], passes: float, launches: float) -> Work:
    """Forward passes over all test examples, after every row of the history."""
    macs, narrow, values = _sums(layers)
    dataset = DATASETS[spec.dataset]
    tested = dataset.test_size
    pieces = math.ceil(tested / PIECE)
    return Work(
        kind="images" if dataset.pixels else "sequences",
        precision=spec.precision,
        times=spec.rows * pieces,
        flops=2 * macs * tested / pieces,
        narrow=2 * narrow * tested / pieces,
        bytes=values * passes * _value_bytes(spec) * tested / pieces,
        launches=launches,
    )


@cache
def _sums(layers: tuple[Layer, ...]) -> tuple[float, float, float]:
    """Multiply-accumulates, the same by channels, and values of all outputs."""
    return (
        sum(layer.macs for layer in layers),
        sum(layer.macs / layer.channels for layer in layers),
        sum(layer.values for layer in layers),
    )


def _value_bytes(spec: NetworkSpec) -> int:
    return 2 if spec.precision == "bfloat16" else 4


@cache  # a plan has thousands of runs of few networks
def _convolutions(family: str, depth: int, width: int, dataset: str, side: int) -> tuple[Layer, ...]:
    """The convolutions of a residual network on square images, with shortcuts, and of ImageNet's the output layer."""
    channels = DATASETS[dataset].shape[2]
    match family:
        case "imagenet-resnet-3x3":
            return tuple(_stages(side, channels, 64, SMALL_STEM[depth], bottleneck=depth >= BOTTLENECK))
        case "cifar-resnet":
            return tuple(_stages(side, channels, 16 * width, ((depth - 2) // 6,) * 3, bottleneck=False))
        case _:
            stem = _layer(7, channels, 64, side / 2)
            _, *blocks = _stages(side // 4, 64, 64, BLOCKS[depth], bottleneck=depth >= BOTTLENECK)
            ins, classes = 512 * (4 if depth >= BOTTLENECK else 1), DATASETS[dataset].classes
            return stem, *blocks, Layer(macs=ins * classes, channels=min(ins, classes), values=classes)


def _stages(side: float, ins: int, width: int, blocks: tuple[int, ...], *, bottleneck: bool) -> Iterator[Layer]:
    """A 3 × 3 stem, then stages that halve the side and double the channels."""
    yield _layer(3, ins, width, side)
    ins = width
    for stage, count in enumerate(blocks):
        inner = width * 2**stage
        outs, below = (4 * inner if bottleneck else inner), side / 2**stage
        for block in range(count):
            before = below * 2 if stage and not block else below
            if bottleneck:
                yield _layer(1, ins, inner, before)
                yield _layer(3, inner, inner, below)
                yield _layer(1, inner, outs, below)
            else:
                yield _layer(3, ins, outs, below)
                yield _layer(3, outs, outs, below)
            if ins != outs:
                yield _layer(1, ins, outs, below)
            ins = outs


def _layer(kernel: int, ins: int, outs: int, side: float) -> Layer:
    return Layer(macs=kernel**2 * ins * outs * side**2, channels=min(ins, outs), values=outs * side**2)


def _sequence_layers(spec: StepSpec) -> tuple[Layer, ...]:
    """The layers of a network on sequences."""
    length, classes, size = DATASETS[spec.dataset].shape[0], DATASETS[spec.dataset].classes, spec.hidden

    def layer(ins: int, outs: int, places: int = 1, kernel: int = 1) -> Layer:
        return Layer(macs=kernel * ins * outs * places, channels=min(ins, outs), values=outs * places)

    match spec.family:
        case "logistic":
            return (layer(length, classes),)
        case "mlp" | "residual-mlp":
            return layer(length, size), layer(size, size), layer(size, classes)
        case "cnn":
            first, second, third = length // 2 - 1, length // 4, length // 8
            three = layer(1, size, first, 5), layer(size, size, second, 3), layer(size, size, third, 3)
            return *three, layer(size * third, classes)
        case "pooling-cnn":
            first, second, last = {"none": (1, 1, 1), "stride": (2, 4, 4)}.get(spec.pooling, (1, 2, 4))
            two = layer(1, size, length // first, 3), layer(size, size, length // second, 3)
            return *two, layer(size * length // last, classes)
        case "gru":  # both ways; three gates, of the number and of the state before it
            return layer(1, 6 * size, length), layer(size, 6 * size, length), layer(2 * size * length, classes)
    raise AssertionError(f"a network of family {spec.family!r} has no known layers")
