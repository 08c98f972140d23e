"""ResNetSpec: a run of a residual network on images, counted in epochs, as frankle2021 trains them."""

import math
from dataclasses import dataclass, replace
from reprlib import repr as short
from typing import ClassVar, Self

from repro.errors import SpecError
from repro.runs.datasets import DATASETS, IMAGES
from repro.runs.network_spec import NetworkSpec

IMAGENET_DEPTHS = (18, 34, 50, 101, 200)


@dataclass(frozen=True, kw_only=True)
class ResNetSpec(NetworkSpec):
    """One training run of a CIFAR ResNet; an ImageNet ResNet is built and counted, not trained.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar = {
        "family": ("cifar-resnet", "imagenet-resnet"),
        "norm": ("batchnorm",),
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

    depth: int  # as the paper counts layers: 6n + 2 (CIFAR), or one of IMAGENET_DEPTHS
    width: int  # multiple of the base number of channels, >= 1
    norm: str  # the layer in BatchNorm's place
    norm_init: str  # γ and β: "uniform" U(0,1), 0; "ones" 1, 0; "ones-ones" 1, 1; "uniform-symmetric" U(-1,1), 0
    random_per_channel: int  # k, trained weights per convolution output channel; 0 unless trained == "random"
    augmentation: str  # of training images: "flip-crop4" is a horizontal flip and a 32x32 crop after zero-padding by 4
    epochs: int  # passes over the training set; 0 builds the network, counts it, trains nothing
    learning_rate_drops: tuple[int, ...]  # epochs at whose start the learning rate is multiplied by 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_depth()
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
        if self.dataset == "imagenet" and self.epochs:
            raise SpecError("ImageNet networks can be built and counted here (epochs 0), not trained.")

    def _check_depth(self) -> None:
        if self.family == "cifar-resnet" and (self.depth < 8 or (self.depth - 2) % 6):
            below = max(8, 6 * ((self.depth - 2) // 6) + 2)
            raise SpecError(f"depth is {self.depth}; a CIFAR ResNet has depth 6n + 2, such as {below} or {below + 6}.")
        if self.family == "imagenet-resnet" and self.depth not in IMAGENET_DEPTHS:
            raise SpecError(f"depth is {self.depth}; an ImageNet ResNet has one of {IMAGENET_DEPTHS}.")
        if self.family == "imagenet-resnet" and self.width != 1:
            raise SpecError(f"width is {self.width}; the papers' ImageNet ResNets have width 1.")

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
        """Depth and, of a wide one, width."""
        return f"wrn-{self.depth}-{self.width}" if self.width > 1 else f"resnet-{self.depth}"

    @property
    def name(self) -> str:
        """Network, what is trained, what else is unusual, epochs, seed and data set."""
        words = [self.network, self.trained + (f"-{self.random_per_channel}" if self.random_per_channel else "")]
        words += [self.weight_init] if self.weight_init != "he-normal" else []
        words += [f"norm-{self.norm_init}"] if self.norm_init != "uniform" else []
        words += [f"rate {self.learning_rate:g}"] if self.learning_rate != 0.1 else []
        words += [f"decay {self.weight_decay:g}"] if self.weight_decay != 1e-4 else []
        words += ["shuffled labels"] if self.labels == "shuffled" else []
        words += [f"{self.epochs} epochs", f"seed {self.seed}"] if self.epochs else ["built only"]
        return f"{' '.join(words)} ({self.dataset})"
