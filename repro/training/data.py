"""Images of a data set on a device, and their augmentation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from repro.runs.datasets import DATASETS, Dataset
from repro.runs.spec import RunSpec
from repro.training.decoded import arrays as arrays
from repro.training.formats import Labels, Pixels
from repro.training.streams import Purpose, stream


@dataclass(frozen=True, kw_only=True)
class Split:
    """Images of one split on one device."""

    pixels: Tensor  # (N, H, W, C) uint8: a quarter of the bytes of float32 to move
    labels: Tensor  # (N,) int64


@dataclass(frozen=True, kw_only=True)
class Images:
    """A data set on one device, with what makes floats of its pixels."""

    train: Split
    test: Split
    dataset: Dataset
    fingerprints: dict[str, str]  # by split

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, H, W, C) uint8 to (N, C, H, W) float32, channels last in memory."""
        mean = torch.tensor(self.dataset.mean, device=pixels.device)
        deviation = torch.tensor(self.dataset.deviation, device=pixels.device)
        return ((pixels.float() / self.dataset.divisor - mean) / deviation).permute(0, 3, 1, 2)


def load(spec: RunSpec, data_dir: Path, device: torch.device) -> Images:
    """The data set of a spec on a device, its training labels permuted where the spec says so.

    Raises:
        DataError: it is not in ``data_dir``, is truncated, or is not the data set that the spec names.
    """
    train, test, prints = arrays(spec.dataset, data_dir)
    labels = train[1]
    if spec.labels == "shuffled":
        labels = stream(spec.seed, Purpose.LABELS).permutation(labels)

    def split(pixels: Pixels, labels: Labels) -> Split:
        return Split(pixels=torch.from_numpy(pixels).to(device), labels=torch.from_numpy(labels).to(device))

    return Images(train=split(train[0], labels), test=split(*test), dataset=DATASETS[spec.dataset], fingerprints=prints)


def augment(pixels: Tensor, kind: str, seed: int, epoch: int) -> Callable[[Tensor], Tensor]:
    """A function from image indices (B,) to augmented uint8 images (B, H, W, C) of one epoch.

    "flip-crop4" flips half of the images and crops each at a random place after zero-padding by 4 pixels, on
    the device that holds the pixels. What happens to image i depends on (seed, epoch, i) alone.
    """
    if kind == "none":
        return lambda index: pixels[index]
    count, height, width, _ = pixels.shape
    generator = stream(seed, Purpose.AUGMENTATION, epoch)
    draws = torch.from_numpy(np.stack([generator.integers(0, 9, count), generator.integers(0, 9, count)]))
    flips = torch.from_numpy(generator.integers(0, 2, count)).to(pixels.device)
    tops, lefts = draws.to(pixels.device)
    span_y, span_x = torch.arange(height, device=pixels.device), torch.arange(width, device=pixels.device)

    def crop(index: Tensor) -> Tensor:
        rows = tops[index, None] + span_y
        columns = lefts[index, None] + span_x
        columns = torch.where(flips[index, None] == 1, width + 7 - columns, columns)
        padded = functional.pad(pixels[index], (0, 0, 4, 4, 4, 4))  # a batch: all of them would be 240 MB a worker
        image = torch.arange(len(index), device=pixels.device)
        return padded[image[:, None, None], rows[:, :, None], columns[:, None, :]]

    return crop
