"""ImageNetSpec: a run of an ImageNet ResNet on images in files, each batch shared by several processes."""

import math
from dataclasses import dataclass, replace
from reprlib import repr as short
from typing import ClassVar, Self

from repro.errors import SpecError
from repro.runs.datasets import DATASETS, IN_FILES
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import IMAGENET_DEPTHS, ResNetSpec

# Blocks of each of the four groups (He et al. 2016, Table 1; 200: frankle2021), by depth.
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 200: (3, 24, 36, 3)}


@dataclass(frozen=True, kw_only=True)
class ImageNetSpec(NetworkSpec):
    """One training run of an ImageNet ResNet; one that is built and counted alone is a ResNetSpec.

    Nothing but gradients is shared: BatchNorm in each process sees the images of that process alone, and the running
    statistics are those of the first process. So the number of processes decides what is computed, and is a field.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar = {
        "family": ("imagenet-resnet-trained",),
        "norm": ("batchnorm",),
        "weight_init": ResNetSpec.CHOICES["weight_init"],
        "norm_init": ResNetSpec.CHOICES["norm_init"],
        "trained": tuple(kind for kind in ResNetSpec.CHOICES["trained"] if kind != "random"),
        "dataset": IN_FILES,
        "augmentation": ("none", "flip-resized-crop"),
        "labels": ("true", "shuffled"),
        "precision": ResNetSpec.CHOICES["precision"],
    }
    # From 64 pixels on, BatchNorm's last layers see four values of a channel even where a process has a single image.
    LEAST: ClassVar = {
        "processes": 1, "batch_size": 2, "image_size": 64, "test_resize": 64, "epochs": 1, "warm_up_epochs": 0,
        "seed": 0,
    }  # fmt: skip

    depth: int  # one of IMAGENET_DEPTHS
    norm: str  # the layer in BatchNorm's place
    norm_init: str  # γ and β, as in ResNetSpec
    augmentation: str  # "flip-resized-crop": a crop of 0.1 to 1 of the area, its ratio 0.8 to 1.25, resized; and a flip
    image_size: int  # pixels of a side that the network sees
    test_resize: int  # pixels of the shorter side to which a test image is resized, before its centre is cropped
    processes: int  # that share each batch, in order of rank; where the last of an epoch does not divide, the first
    # ones take an image more
    epochs: int  # passes over the training set
    warm_up_epochs: int  # over whose steps the learning rate rises evenly from 0; 0 for none
    learning_rate_drops: tuple[int, ...]  # epochs at whose start the learning rate is multiplied by 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth not in IMAGENET_DEPTHS:
            raise SpecError(f"depth is {self.depth}; an ImageNet ResNet has one of {IMAGENET_DEPTHS}.")
        if self.batch_size % self.processes or self.batch_size < 2 * self.processes:
            raise SpecError(
                f"batch_size is {self.batch_size} with {self.processes} processes; they must share it evenly, at "
                "least 2 images each."
            )
        if self.test_resize < self.image_size:
            raise SpecError(
                f"test_resize is {self.test_resize} with images of {self.image_size} pixels; it must be at least that."
            )
        if self.warm_up_epochs > self.epochs:
            raise SpecError(f"warm_up_epochs is {self.warm_up_epochs}; it must be at most the {self.epochs} epochs.")
        drops = self.learning_rate_drops
        inside = all(type(epoch) is int and self.warm_up_epochs <= epoch < self.epochs and epoch for epoch in drops)
        if not inside or list(drops) != sorted({*drops}):
            raise SpecError(
                f"learning_rate_drops is {short(drops)}; it must be increasing epochs inside (0, {self.epochs}), "
                f"after the warm-up of {self.warm_up_epochs}."
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

    @property
    def devices(self) -> int:
        """One a process."""
        return self.processes

    @property
    def share(self) -> int:
        """Images of a whole batch that one process, and so its BatchNorm, sees."""
        return self.batch_size // self.processes

    def with_rows(self, rows: int) -> Self:
        """With so many epochs."""
        return replace(self, epochs=rows)

    @property
    def network(self) -> str:
        """Family and depth: a CIFAR ResNet of the same depth is another network."""
        return f"imagenet-resnet-{self.depth}"

    @property
    def name(self) -> str:
        """Network, what is trained, what else is unusual, epochs, processes, seed and data set."""
        words = [self.network, self.trained]
        words += [self.weight_init] if self.weight_init != "he-normal" else []
        words += [f"norm-{self.norm_init}"] if self.norm_init != "uniform" else []
        words += [f"rate {self.learning_rate:g}"] if self.learning_rate != 0.4 else []
        words += [f"decay {self.weight_decay:g}"] if self.weight_decay != 1e-4 else []
        words += ["shuffled labels"] if self.labels == "shuffled" else []
        words += [f"{self.epochs} epochs", f"{self.processes} × {self.share} images", f"seed {self.seed}"]
        return f"{' '.join(words)} ({self.dataset})"
