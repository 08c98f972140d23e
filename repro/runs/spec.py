"""RunSpec: everything that decides what a training run computes, and its key."""

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from reprlib import repr as short
from typing import Any, get_type_hints

from repro.errors import SpecError
from repro.runs.canonical import canonical, parse
from repro.runs.datasets import DATASETS

# Raised by hand whenever the training code computes something else from the same spec: every key changes with it.
TRAINING_VERSION = 1

IMAGENET_DEPTHS = (18, 34, 50, 101, 200)
CHOICES = {
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
    "dataset": tuple(DATASETS),
    "augmentation": ("none", "flip-crop4"),
    "labels": ("true", "shuffled"),
    "precision": ("float32", "tf32", "bfloat16"),
}


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One training run. No field has a default: whatever is hashed is written out.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    family: str  # architecture, one of CHOICES
    depth: int  # as the paper counts layers: 6n + 2 (CIFAR), or one of IMAGENET_DEPTHS
    width: int  # multiple of the base number of channels, >= 1
    norm: str  # the layer in BatchNorm's place
    weight_init: str  # convolutions and output layer
    norm_init: str  # γ and β: "uniform" U(0,1), 0; "ones" 1, 0; "ones-ones" 1, 1; "uniform-symmetric" U(-1,1), 0
    trained: str  # which parameters move; everything else stays at its initial value
    random_per_channel: int  # k, trained weights per convolution output channel; 0 unless trained == "random"
    dataset: str  # a named copy of the data: another encoding is another data set
    augmentation: str  # of training images: "flip-crop4" is a horizontal flip and a 32x32 crop after zero-padding by 4
    labels: str  # of training images: "shuffled" permutes them once, a control
    epochs: int  # passes over the training set; 0 builds the network, counts it, trains nothing
    batch_size: int  # images a step; the last partial batch is kept
    learning_rate: float  # of SGD, before any drop
    learning_rate_drops: tuple[int, ...]  # epochs at whose start the learning rate is multiplied by 0.1
    momentum: float  # of SGD, not Nesterov, in [0, 1)
    weight_decay: float  # on every trained parameter, γ and β included
    precision: str  # of the forward and backward pass: float32 is IEEE's; parameters and statistics are float32
    seed: int  # replicate, >= 0: decides weights, γ, data order and augmentation

    def __post_init__(self) -> None:
        for name, wanted in _types().items():
            value = getattr(self, name)
            if type(value) is not wanted:
                raise SpecError(f"{name} is {short(value)}; it must be of type {wanted.__name__}.")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise SpecError(f"{name} is {short(getattr(self, name))}; allowed: {', '.join(allowed)}.")
        self._check_depth()
        for name, least in (("width", 1), ("batch_size", 2), ("epochs", 0), ("seed", 0), ("random_per_channel", 0)):
            if getattr(self, name) < least:
                raise SpecError(f"{name} is {getattr(self, name)}; it must be at least {least}.")
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
        if not (0 < self.learning_rate < math.inf and 0 <= self.momentum < 1 and 0 <= self.weight_decay < math.inf):
            raise SpecError(
                f"learning_rate {self.learning_rate}, momentum {self.momentum}, weight_decay {self.weight_decay}: "
                "allowed are > 0, [0, 1) and >= 0, all finite."
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

    @cached_property
    def key(self) -> str:
        """SHA-256 (64 hex digits) of the canonical JSON of every field and TRAINING_VERSION."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def name(self) -> str:
        """The run in a few words for a person, such as ``resnet-14 batchnorm seed 0 (digits)``."""
        wide = f"wrn-{self.depth}-{self.width}" if self.width > 1 else f"resnet-{self.depth}"
        words = [wide, self.trained + (f"-{self.random_per_channel}" if self.random_per_channel else "")]
        words += [self.weight_init] if self.weight_init != "he-normal" else []
        words += [f"norm-{self.norm_init}"] if self.norm_init != "uniform" else []
        words += ["shuffled labels"] if self.labels == "shuffled" else []
        words += [f"{self.epochs} epochs", f"seed {self.seed}"] if self.epochs else ["built only"]
        return f"{' '.join(words)} ({self.dataset})"

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, shortest floats."""
        return self._json

    @cached_property
    def _json(self) -> str:
        return canonical({"training_version": TRAINING_VERSION, **{name: getattr(self, name) for name in _types()}})

    @classmethod
    def from_json(cls, text: str | bytes, origin: Path | str) -> "RunSpec":
        """The spec that ``to_json`` wrote; ``origin`` names the text in errors.

        Raises:
            SpecError: the text is no JSON object, or a field is missing, unknown or out of range.
        """
        try:
            fields: dict[str, Any] = parse(text)
            version = fields.pop("training_version")
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise SpecError(f"{origin} holds no run spec ({error}); delete it and plan the run again.") from None
        if type(version) is not int or version != TRAINING_VERSION:
            raise SpecError(
                f"{origin} was made by training version {short(version)}; this is version {TRAINING_VERSION}. "
                "Its results stay readable with the code of that version; train it again for this one."
            )
        known = {field.name for field in dataclasses.fields(cls)}
        if known != set(fields):
            unknown, missing = sorted(set(fields) - known), sorted(known - set(fields))
            raise SpecError(
                f"{origin} has unknown fields {short(unknown)} and lacks {missing}; delete it and plan again."
            )
        if isinstance(fields["learning_rate_drops"], list):
            fields["learning_rate_drops"] = tuple(fields["learning_rate_drops"])
        try:
            return cls(**fields)
        except SpecError as error:
            raise SpecError(f"{origin} describes no run: {error}") from None


@cache  # a plan makes thousands of specs
def _types() -> dict[str, type]:
    """The exact type of every field."""
    return {
        name: tuple if name == "learning_rate_drops" else kind
        for name, kind in get_type_hints(RunSpec).items()
        if name in RunSpec.__dataclass_fields__
    }
