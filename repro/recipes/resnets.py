"""Runs of CIFAR and ImageNet ResNets, as frankle2021 trains or counts them, at each of the three scales."""

import dataclasses
import math
from dataclasses import dataclass
from functools import cache, lru_cache

from repro.recipes.scales import check_scale
from repro.runs.datasets import DATASETS
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a scale fixes for every run."""

    dataset: str
    augmentation: str
    epochs: int
    batch_size: int
    drops: tuple[int, ...]  # epochs at which the learning rate is multiplied by 0.1


@cache
def schedule(scale: str) -> Schedule:
    """The schedule of a scale.

    ``paper`` is frankle2021's CIFAR-10 protocol: 160 epochs, batch 128, learning rate 0.1, times 0.1 at 80 and 120.
    ``pilot`` is a tenth of it: 16 epochs, dropped at the same fractions, on networks small enough for an evening on 16
    cores. Its sum, in core-hours of three seeds, at 400 training images a second and core for BatchNorm alone in
    ResNet-14 (the multiply-accumulates of ``repro.planning.work`` times 2 passes, 3 where weights are trained, and one
    pass over the test images an epoch):

    * BatchNorm alone: ResNet-8 0.9, ResNet-14 1.8, ResNet-20 2.8, ResNet-32 4.8, WRN-8-2 3.4, and the fourth seed that
      a trend of two widths needs (ResNet-8, WRN-8-2) 1.4
    * nothing trained, the same five networks: 0.5
    * 2 random weights a channel: ResNet-8 1.3, ResNet-14 2.7
    * all parameters: ResNet-14 2.7; with γ = 1, β = 0 in ResNet-8 1.3, all but γ, β there 1.3, no BatchNorm there 1.3
    * BatchNorm + shortcut + output in ResNet-14: 1.8; shortcut + output there, one seed: 0.6
    * binary weights in ResNet-8, BatchNorm 0.9 and 2 random 1.3; shuffled labels in ResNet-8 1.3

    In all 31.7 of the 32 that it may cost; no run takes two (the longest is ResNet-32, 1.6 core-hours). There is no
    room for the third arm of peerthum2023's better-initialization: ResNet-8 with weights set from the first batch, 1.3.
    ``smoke`` trains on 898 bundled scans of digits, dropped at the same fractions; 60 images a batch leave no small
    remainder, whose statistics would end up in BatchNorm's running mean.
    """
    match check_scale(scale):
        case "smoke":
            return Schedule(dataset="digits", augmentation="none", epochs=12, batch_size=60, drops=(6, 9))
        case "pilot":
            return Schedule(dataset="cifar10", augmentation="flip-crop4", epochs=16, batch_size=128, drops=(8, 12))
        case _:
            return Schedule(dataset="cifar10", augmentation="flip-crop4", epochs=160, batch_size=128, drops=(80, 120))


# The depths and widths at which the grids of frankle2021's Figures 2, 3 and 5 are drawn, by scale. "wide" networks have
# depth 14 in the paper; depth 8 keeps the widest one inside the two core-hours of a run at the pilot. All of smoke
# ends within four minutes on two cores: it trains what a direction is tested on there, and nothing to be only measured.
DEPTHS = {"smoke": (8, 14, 20), "pilot": (8, 14, 20, 32), "paper": (14, 32, 56, 110, 218, 434, 866)}
WIDTHS = {"smoke": (1, 2), "pilot": (1, 2), "paper": (1, 2, 4, 8, 16, 32)}
WIDE_DEPTH = {"smoke": 8, "pilot": 8, "paper": 14}
GAMMA_DEPTH = {"smoke": 20, "pilot": 32, "paper": 110}  # Figure 4's network

# An untrained network only settles its running statistics, which forget their start by a factor of 0.9 a step: after
# so many steps 1 % of it is left. That is one pass over CIFAR-10 and three over the digits; the other epochs of a
# schedule would move nothing.
SETTLING_STEPS = 44


@lru_cache(maxsize=None, typed=True)  # checks share runs: one object, validated once and hashed once
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
    learning_rate: float = 0.1,
    weight_decay: float = 1e-4,
    norm: str = "batchnorm",
    precision: str = "float32",
) -> ResNetSpec:
    """One replicate of a CIFAR network under frankle2021's protocol, its schedule as the scale has it.

    Raises:
        SpecError: unknown scale, or a value that no network has.
    """
    fixed = schedule(scale)
    if trained == "none":
        steps = math.ceil(DATASETS[fixed.dataset].train_size / fixed.batch_size)
        fixed = dataclasses.replace(fixed, epochs=math.ceil(SETTLING_STEPS / steps), drops=())
    return ResNetSpec(
        family="cifar-resnet",
        depth=depth,
        width=width,
        norm=norm,
        weight_init=weight_init,
        norm_init=norm_init,
        trained=trained,
        random_per_channel=k,
        dataset=fixed.dataset,
        augmentation=fixed.augmentation,
        labels=labels,
        epochs=fixed.epochs,
        batch_size=fixed.batch_size,
        learning_rate=learning_rate,
        learning_rate_drops=fixed.drops,
        momentum=0.9,
        weight_decay=weight_decay,
        precision=precision,
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
