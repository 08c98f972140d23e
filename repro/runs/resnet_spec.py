"""ResNetSpec: a run of a residual network on images, counted in epochs."""

import math
from dataclasses import dataclass, replace
from reprlib import repr as short
from typing import ClassVar, Self

from repro.errors import SpecError
from repro.runs.datasets import DATASETS, IMAGES
from repro.runs.network_spec import NetworkSpec

IMAGENET_DEPTHS = (18, 34, 50, 101, 200)
# ImageNet's networks in their form for CIFAR, a 3x3 stem and no max-pool: blocks in each of the four groups.
SMALL_STEM = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
BOTTLENECK = 50  # the least depth of these networks whose blocks are bottlenecks
PLAIN = ("none", "batchnorm-once")  # in BatchNorm's place without γ and β
AFFINE = ("all-but-batchnorm", "gamma", "beta")  # sets that name γ or β, besides those with the word batchnorm
USUAL_BATCH = {"digits": 60}  # left out of a run's name; of every other data set 128


@dataclass(frozen=True, kw_only=True)
class ResNetSpec(NetworkSpec):
    """One training run of a CIFAR ResNet, or of an ImageNet ResNet in its form for CIFAR.

    An ImageNet ResNet with its own stem is built and counted (an ImageNetSpec trains one).

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar = {
        "family": ("cifar-resnet", "imagenet-resnet", "imagenet-resnet-3x3"),
        "norm": (
            "batchnorm",
            "affine",
            "none",
            "batchnorm-once",
            "groupnorm",
            "layernorm",
            "instancenorm",
            "weightnorm",
        ),
        "weight_init": ("he-normal", "he-uniform", "orthogonal", "binary"),
        "norm_init": ("uniform", "ones", "ones-ones", "uniform-symmetric"),
        "trained": (
            "all",
            "all-but-batchnorm",
            "batchnorm",
            "random",
            "output",
            "shortcut",
            "batchnorm+output",
            "batchnorm+shortcut",
            "batchnorm+shortcut+output",
            "shortcut+output",
            "gamma",
            "beta",
            "none",
        ),
        "dataset": IMAGES,
        "augmentation": ("none", "flip-crop4"),
        "labels": ("true", "shuffled"),
        "precision": ("float32", "tf32", "bfloat16"),
    }
    LEAST: ClassVar = {"width": 1, "batch_size": 2, "epochs": 0, "seed": 0, "random_per_channel": 0}

    depth: int  # as the paper counts layers: 6n + 2 (CIFAR), or one of IMAGENET_DEPTHS or SMALL_STEM
    width: int  # multiple of the base number of channels, >= 1
    norm: str  # the layer in BatchNorm's place; "batchnorm-once": none, its first batch's statistics in the weights
    norm_init: str  # γ and β: "uniform" U(0,1), 0; "ones" 1, 0; "ones-ones" 1, 1; "uniform-symmetric" U(-1,1), 0
    random_per_channel: int  # k, trained weights per convolution output channel; 0 unless trained == "random"
    augmentation: str  # of training images: "flip-crop4" is a horizontal flip and a 32x32 crop after zero-padding by 4
    epochs: int  # passes over the training set; 0 builds the network, counts it, trains nothing
    learning_rate_drops: tuple[int, ...]  # epochs at whose start the learning rate is multiplied by 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_depth()
        self._check_norm()
        if (self.trained == "random") != (self.random_per_channel > 0):
            raise SpecError(
                f"random_per_channel is {self.random_per_channel} with trained={self.trained!r}; "
                "it is at least 1 for trained='random' and 0 otherwise."
            )
        drops = self.learning_rate_drops
        inside = all(type(epoch) is int and 0 < epoch < self.epochs for epoch in drops)
        if not inside or list(drops) != sorted({*drops}):
            raise SpecError(
                f"learning_rate_drops is {short(drops)}; it must be increasing epochs inside (0, {self.epochs})."
            )
        if DATASETS[self.dataset].in_files and self.epochs:
            raise SpecError("a ResNetSpec on ImageNet is built and counted (epochs 0); an ImageNetSpec trains one.")

    def _check_depth(self) -> None:
        if self.family == "cifar-resnet" and (self.depth < 8 or (self.depth - 2) % 6):
            below = max(8, 6 * ((self.depth - 2) // 6) + 2)
            raise SpecError(f"depth is {self.depth}; a CIFAR ResNet has depth 6n + 2, such as {below} or {below + 6}.")
        if self.family == "imagenet-resnet" and self.depth not in IMAGENET_DEPTHS:
            raise SpecError(f"depth is {self.depth}; an ImageNet ResNet has one of {IMAGENET_DEPTHS}.")
        if self.family == "imagenet-resnet-3x3" and self.depth not in SMALL_STEM:
            raise SpecError(f"depth is {self.depth}; an ImageNet ResNet with a 3x3 stem has one of {(*SMALL_STEM,)}.")
        if self.family != "cifar-resnet" and self.width != 1:
            raise SpecError(f"width is {self.width}; the papers' ImageNet ResNets have width 1.")

    def _check_norm(self) -> None:
        """Refuses sets that a layer in BatchNorm's place lacks, and second ways to describe one run."""
        if self.norm == "batchnorm":
            return
        if self.family == "imagenet-resnet":
            raise SpecError(f"norm is {self.norm!r}; an ImageNet ResNet has batchnorm, in its 3x3 form any layer.")
        if self.trained == "random":
            raise SpecError(f"trained is 'random' with norm={self.norm!r}; random weights are trained with batchnorm.")
        if self.norm in PLAIN and ("batchnorm" in self.trained or self.trained in AFFINE):
            raise SpecError(f"trained is {self.trained!r} with norm={self.norm!r}, which has no γ and β.")
        if self.norm in PLAIN and self.norm_init != "ones":
            raise SpecError(
                f"norm_init is {self.norm_init!r} with norm={self.norm!r}, which has no γ and β: say 'ones'."
            )
        if self.norm == "batchnorm-once" and self.trained != "all":
            raise SpecError(
                f"trained is {self.trained!r} with norm='batchnorm-once', whose weights depend on the images; frozen "
                "ones must follow from the seed alone, so say 'all'."
            )

    @property
    def rows(self) -> int:
        """The epochs."""
        return self.epochs

    @property
    def row_steps(self) -> int:
        """Steps of an epoch."""
        return math.ceil(DATASETS[self.dataset].train_size / self.batch_size)

    @property
    def examples(self) -> int:
        """Every image once an epoch."""
        return self.epochs * DATASETS[self.dataset].train_size

    @property
    def row_name(self) -> str:
        """Epoch."""
        return "epoch"

    def with_rows(self, rows: int) -> Self:
        """With so many epochs."""
        return replace(self, epochs=rows)

    @property
    def network(self) -> str:
        """Depth and, of a wide one, width; "3x3" for the stem of an ImageNet ResNet in its form for CIFAR."""
        stem = "-3x3" if self.family == "imagenet-resnet-3x3" else ""
        return f"wrn-{self.depth}-{self.width}" if self.width > 1 else f"resnet-{self.depth}{stem}"

    @property
    def name(self) -> str:
        """Network, what is trained, what else is unusual, epochs, seed and data set."""
        trained = self.trained if self.norm == "batchnorm" else self.trained.replace("batchnorm", "affine")
        words = [self.network, trained + (f"-{self.random_per_channel}" if self.random_per_channel else "")]
        words += [f"layer-{self.norm}"] if self.norm != "batchnorm" else []
        words += [self.weight_init] if self.weight_init != "he-normal" else []
        words += [f"norm-{self.norm_init}"] if self.norm_init != "uniform" and self.norm not in PLAIN else []
        words += [f"rate {self.learning_rate:g}"] if self.learning_rate != 0.1 else []
        words += [f"decay {self.weight_decay:g}"] if self.weight_decay != 1e-4 else []
        words += ["shuffled labels"] if self.labels == "shuffled" else []
        words += [f"batch {self.batch_size}"] if self.batch_size != USUAL_BATCH.get(self.dataset, 128) else []
        words += [f"{self.epochs} epochs", f"seed {self.seed}"] if self.epochs else ["built only"]
        return f"{' '.join(words)} ({self.dataset})"
