"""RunSpecs of the papers' protocols at each of the three scales."""

import dataclasses
from dataclasses import dataclass

from repro.errors import SpecError
from repro.runs.spec import RunSpec

SCALES = ("smoke", "pilot", "paper")


def check_scale(scale: str) -> str:
    """The scale itself.

    Raises:
        SpecError: there is no such scale.
    """
    if scale not in SCALES:
        raise SpecError(f"scale is {scale!r}; allowed: {', '.join(SCALES)}.")
    return scale


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a scale fixes for every run."""

    dataset: str
    augmentation: str
    epochs: int
    batch_size: int
    drops: tuple[int, ...]  # epochs at which the learning rate is multiplied by 0.1


def schedule(scale: str) -> Schedule:
    """The schedule of a scale.

    ``paper`` is frankle2021's CIFAR-10 protocol: 160 epochs, batch 128, learning rate 0.1, times 0.1 at 80 and 120.
    ``pilot`` keeps all but its length: a quarter of the epochs, dropped at the same fractions.
    ``smoke`` trains on 898 bundled scans of digits, dropped at the same fractions; 60 images a batch leave no small
    remainder, whose statistics would end up in BatchNorm's running mean.
    """
    match check_scale(scale):
        case "smoke":
            return Schedule(dataset="digits", augmentation="none", epochs=12, batch_size=60, drops=(6, 9))
        case "pilot":
            return Schedule(dataset="cifar10", augmentation="flip-crop4", epochs=40, batch_size=128, drops=(20, 30))
        case _:
            return Schedule(dataset="cifar10", augmentation="flip-crop4", epochs=160, batch_size=128, drops=(80, 120))


# The depths and widths at which the grids of frankle2021's Figures 2, 3 and 5 are drawn, by scale. "wide" networks have
# depth 14 in the paper; at smoke, depth 8 keeps the widest one inside the four minutes that a laptop is asked for.
DEPTHS = {"smoke": (8, 14, 32), "pilot": (14, 32, 56), "paper": (14, 32, 56, 110, 218, 434, 866)}
WIDTHS = {"smoke": (1, 2, 3), "pilot": (1, 2, 4), "paper": (1, 2, 4, 8, 16, 32)}
WIDE_DEPTH = {"smoke": 8, "pilot": 14, "paper": 14}
GAMMA_DEPTH = {"smoke": 32, "pilot": 56, "paper": 110}  # Figure 4's network


def cifar(
    scale: str,
    seed: int,
    *,
    depth: int,
    width: int = 1,
    trained: str = "batchnorm",
    k: int = 0,
    weight_init: str = "he-normal",
    norm_init: str = "uniform",
    labels: str = "true",
) -> RunSpec:
    """One replicate of a CIFAR network under frankle2021's protocol, its schedule as the scale has it.

    Raises:
        SpecError: unknown scale, or a value that no network has.
    """
    fixed = schedule(scale)
    return RunSpec(
        family="cifar-resnet",
        depth=depth,
        width=width,
        norm="batchnorm",
        weight_init=weight_init,
        norm_init=norm_init,
        trained=trained,
        random_per_channel=k,
        dataset=fixed.dataset,
        augmentation=fixed.augmentation,
        labels=labels,
        epochs=fixed.epochs,
        batch_size=fixed.batch_size,
        learning_rate=0.1,
        learning_rate_drops=fixed.drops,
        momentum=0.9,
        weight_decay=1e-4,
        precision="float32",
        seed=seed,
    )


def built(*, depth: int, width: int = 1, family: str = "cifar-resnet") -> RunSpec:
    """A network that is built and counted, never trained; the same run at every scale."""
    plain = cifar("paper", 0, depth=14)
    return dataclasses.replace(
        plain,
        family=family,
        depth=depth,
        width=width,
        dataset="cifar10" if family == "cifar-resnet" else "imagenet",
        epochs=0,
        learning_rate_drops=(),
    )
