"""Names and shapes of the tensors that a finished run keeps, derived from its spec without torch."""

from collections.abc import Iterator

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.datasets import DATASETS
from repro.runs.imagenet_spec import BLOCKS, ImageNetSpec
from repro.runs.resnet_spec import BOTTLENECK, PLAIN, SMALL_STEM, ResNetSpec
from repro.runs.spec import RunSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

Shape = tuple[int, ...]


def expected(spec: RunSpec) -> dict[str, Shape]:
    """The trained parameters and running statistics of a run by name; none for a network that was only built.

    Of a ticket, those of every retrain that it keeps, and the masks.
    """
    if not spec.rows:
        return {}
    match spec:
        case StepSpec():
            return _of_steps(spec)
        case TicketSpec():
            labels = (*(f"mask of retrain {level}" for level in spec.kept), *spec.keeps)
            shapes = _of_steps(spec.sequence[0].training)
            return {f"{label}/{name}": shape for label in labels for name, shape in shapes.items()}
        case BoostingSpec():  # a split or a leaf is a number and the feature that it is compared with
            return dict.fromkeys(("features", "numbers"), (spec.rounds, 2 * spec.leaves - 1))
    assert isinstance(spec, ResNetSpec | ImageNetSpec)
    kept: dict[str, Shape] = {}
    for path, part, shape in _imagenet_layers(spec) if isinstance(spec, ImageNetSpec) else _layers(spec):
        if part == "batchnorm" and spec.norm in PLAIN:
            continue
        if part == "batchnorm":
            running = {f"{path}.running_mean": shape, f"{path}.running_var": shape}
            kept |= running if spec.norm == "batchnorm" else {}
            kept |= {f"{path}.weight": shape} if _moves(spec.trained, "gamma") else {}
            kept |= {f"{path}.bias": shape} if _moves(spec.trained, "beta") else {}
        elif isinstance(spec, ResNetSpec) and spec.trained == "random" and len(shape) == 4:
            inputs = shape[1] * shape[2] * shape[3]
            kept[f"{path}.values"] = (shape[0], min(spec.random_per_channel, inputs))
        elif _moves(spec.trained, part):
            kept[f"{path}.weight"] = shape
            kept |= {f"{path}.bias": shape[:1]} if part == "output" or spec.norm == "batchnorm-once" else {}
    return kept


def _moves(trained: str, part: str) -> bool:
    match trained:
        case "all":
            return True
        case "all-but-batchnorm":
            return part not in ("gamma", "beta")
        case "none" | "random":
            return False
        case _:
            words = trained.split("+")
            return part in words or ("batchnorm" in words and part in ("gamma", "beta"))


def _layers(spec: ResNetSpec) -> Iterator[tuple[str, str, Shape]]:
    """Path, part and weight shape of each layer; a layer in BatchNorm's place counts as BatchNorm."""
    dataset = DATASETS[spec.dataset]
    stem = 64 if spec.family == "imagenet-resnet-3x3" else 16 * spec.width
    yield "conv", "convolution", (stem, dataset.shape[2], 3, 3)
    yield "bn", "batchnorm", (stem,)
    channels = stem
    for number, (wide, stride) in enumerate(_blocks(spec, stem)):
        path = f"blocks.{number}"
        sides = _sides(spec, channels, wide)
        for place, (inputs, outputs, side) in enumerate(sides, start=1):
            yield f"{path}.conv{place}", "convolution", (outputs, inputs, side, side)
            yield f"{path}.bn{place}", "batchnorm", (outputs,)
        after = sides[-1][1]
        if channels != after or stride != 1:
            yield f"{path}.downsample.0", "shortcut", (after, channels, 1, 1)
            yield f"{path}.downsample.1", "batchnorm", (after,)
        channels = after
    yield "fc", "output", (dataset.classes, channels)


def _imagenet_layers(spec: ImageNetSpec) -> Iterator[tuple[str, str, Shape]]:
    """The same of an ImageNet ResNet, by torchvision's names."""
    dataset, channels, deep = DATASETS[spec.dataset], 64, spec.depth >= BOTTLENECK
    yield "conv1", "convolution", (64, dataset.shape[2], 7, 7)
    yield "bn1", "batchnorm", (64,)
    for group, count in enumerate(BLOCKS[spec.depth]):
        wide = 64 * 2**group
        after = 4 * wide if deep else wide
        for block in range(count):
            path = f"layer{group + 1}.{block}"
            sides = [(channels, wide, 1), (wide, wide, 3), (wide, after, 1)] if deep else []
            for place, (inputs, outputs, side) in enumerate(sides or [(channels, wide, 3), (wide, wide, 3)], start=1):
                yield f"{path}.conv{place}", "convolution", (outputs, inputs, side, side)
                yield f"{path}.bn{place}", "batchnorm", (outputs,)
            if channels != after or (group and block == 0):
                yield f"{path}.downsample.0", "shortcut", (after, channels, 1, 1)
                yield f"{path}.downsample.1", "batchnorm", (after,)
            channels = after
    yield "fc", "output", (dataset.classes, channels)


def _blocks(spec: ResNetSpec, stem: int) -> Iterator[tuple[int, int]]:
    """Channels and stride of each block."""
    counts = SMALL_STEM[spec.depth] if spec.family == "imagenet-resnet-3x3" else ((spec.depth - 2) // 6,) * 3
    for group, count in enumerate(counts):
        for block in range(count):
            yield stem * 2**group, 2 if group and block == 0 else 1


def _sides(spec: ResNetSpec, channels: int, wide: int) -> list[tuple[int, int, int]]:
    """Channels in and out and kernel of each convolution of a block."""
    if spec.family == "imagenet-resnet-3x3" and spec.depth >= BOTTLENECK:
        return [(channels, wide, 1), (wide, wide, 3), (wide, 4 * wide, 1)]
    return [(channels, wide, 3), (wide, wide, 3)]


def _of_steps(spec: StepSpec) -> dict[str, Shape]:
    """Weights and biases of a network on sequences, all of them trained."""
    dataset, size = DATASETS[spec.dataset], spec.hidden
    length, classes = dataset.shape[0], dataset.classes
    layers: dict[str, Shape]
    match spec.family:
        case "logistic":
            layers = {"output": (classes, length)}
        case "mlp" | "residual-mlp":
            layers = {"linear1": (size, length), "linear2": (size, size), "output": (classes, size)}
        case "cnn":
            after = length
            for kernel in (5, 3, 3):
                after = (after + 2 - kernel) // 2 + 1
            layers = {"conv1": (size, 1, 5), "conv2": (size, size, 3), "conv3": (size, size, 3)}
            layers["output"] = (classes, size * after)
        case "pooling-cnn":
            after = length if spec.pooling == "none" else length // 4
            layers = {"conv1": (size, 1, 3), "conv2": (size, size, 3), "output": (classes, size * after)}
        case _:
            ways = ("", "_reverse")
            gates: dict[str, Shape] = {f"gru.weight_ih_l0{way}": (3 * size, 1) for way in ways}
            gates |= {f"gru.weight_hh_l0{way}": (3 * size, size) for way in ways}
            gates |= {f"gru.bias_{kind}_l0{way}": (3 * size,) for kind in ("ih", "hh") for way in ways}
            return gates | {"output.weight": (classes, 2 * size * length), "output.bias": (classes,)}
    weights: dict[str, Shape] = {f"{name}.weight": shape for name, shape in layers.items()}
    return weights | {f"{name}.bias": shape[:1] for name, shape in layers.items()}
