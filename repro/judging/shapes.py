"""Names and shapes of the tensors that a finished run keeps, derived from its spec without torch."""

from collections.abc import Iterator

from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec

Shape = tuple[int, ...]


def expected(spec: RunSpec) -> dict[str, Shape]:
    """The trained parameters and running statistics of a run by name; none for a network that was only built."""
    if not spec.epochs:
        return {}
    kept: dict[str, Shape] = {}
    for path, part, shape in _layers(spec):
        if part == "batchnorm":
            kept |= {f"{path}.running_mean": shape, f"{path}.running_var": shape}
            kept |= {f"{path}.weight": shape} if _moves(spec.trained, "gamma") else {}
            kept |= {f"{path}.bias": shape} if _moves(spec.trained, "beta") else {}
        elif spec.trained == "random" and len(shape) == 4:
            inputs = shape[1] * shape[2] * shape[3]
            kept[f"{path}.values"] = (shape[0], min(spec.random_per_channel, inputs))
        elif _moves(spec.trained, part):
            kept[f"{path}.weight"] = shape
            kept |= {f"{path}.bias": shape[:1]} if part == "output" else {}
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


def _layers(spec: RunSpec) -> Iterator[tuple[str, str, Shape]]:
    """Path, part and weight shape of each layer of a CIFAR ResNet, the only family that is trained here."""
    dataset = DATASETS[spec.dataset]
    channels = 16 * spec.width
    yield "conv", "convolution", (channels, dataset.shape[2], 3, 3)
    yield "bn", "batchnorm", (channels,)
    number = 0
    for group in range(3):
        wide = 16 * spec.width * 2**group
        for block in range((spec.depth - 2) // 6):
            path = f"blocks.{number}"
            yield f"{path}.conv1", "convolution", (wide, channels, 3, 3)
            yield f"{path}.bn1", "batchnorm", (wide,)
            yield f"{path}.conv2", "convolution", (wide, wide, 3, 3)
            yield f"{path}.bn2", "batchnorm", (wide,)
            if channels != wide or (group and block == 0):
                yield f"{path}.downsample.0", "shortcut", (wide, channels, 1, 1)
                yield f"{path}.downsample.1", "batchnorm", (wide,)
            channels, number = wide, number + 1
    yield "fc", "output", (dataset.classes, channels)
