"""Examples of a data set on a device, and the batches of training."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from repro.runs.datasets import DATASETS, Dataset
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.step_spec import StepSpec
from repro.runs.streams import Purpose, stream
from repro.runs.ticket_spec import TicketSpec
from repro.training import machine
from repro.training.decoded import arrays as arrays
from repro.training.formats import Inputs, Labels
from repro.training.image_index import index_of
from repro.training.images import FileSplit


@dataclass(frozen=True, kw_only=True)
class Gather:
    """The batches of a row as a function of tensors alone: what a step that is recorded once and replayed reads."""

    index: Callable[[int], Tensor]  # step, from 0 -> which examples, (B,) int64
    tables: tuple[Tensor, ...]  # what the row drew for each example, on the device; of the same shapes in every row
    take: Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, Tensor]]  # index and tables -> inputs, labels


@dataclass(frozen=True, kw_only=True)
class Batches:
    """What one row of the history trains on."""

    count: int  # steps
    of: Callable[[int], tuple[Tensor, Tensor]]  # step, from 0 -> inputs of the network, and labels
    gather: Gather | None = None  # None where batches need the host


@dataclass(frozen=True, kw_only=True)
class Split:
    """Examples of one split on one device."""

    inputs: (
        Tensor  # images (N, H, W, C) uint8, a quarter of the bytes of float32 to move; sequences (N, length) float32
    )
    labels: Tensor  # (N,) int64

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and labels in order, a thousand at a time."""
        return zip(torch.split(self.inputs, 1000), torch.split(self.labels, 1000), strict=True)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """A data set on one device, or in files, with what makes floats of its inputs."""

    train: Split | FileSplit
    test: Split | FileSplit
    dataset: Dataset
    fingerprints: dict[str, str]  # by split, of other data with the name of their data set before it
    tests: "dict[str, Examples]" = field(default_factory=dict)  # what the tests of a ticket are trained on, by test

    def of(self, test: str) -> "Examples":
        """What a test of a ticket is trained on; these examples for "", the search itself."""
        return self.tests[test] if test else self

    def normalise(self, inputs: Tensor) -> Tensor:
        """(N, H, W, C) uint8 to (N, C, H, W) float32, channels last in memory; sequences stay as they are."""
        pixels = self.dataset.pixels
        if pixels is None:
            return inputs
        mean, deviation = self._moments
        return ((inputs.float() / pixels.divisor - mean) / deviation).permute(0, 3, 1, 2)

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each channel; made once, as a step that makes tensors on the host waits for it."""
        pixels, device = self.dataset.pixels, self.train.labels.device
        assert pixels is not None
        return torch.tensor(pixels.mean, device=device), torch.tensor(pixels.deviation, device=device)


def load(spec: NetworkSpec, data_dir: Path, device: torch.device) -> Examples:
    """The data set of a spec on a device, with features reordered and training labels changed as the spec says.

    Raises:
        DataError: it is not in ``data_dir``, is truncated, or is not the data set that the spec names.
    """
    if isinstance(spec, TicketSpec):
        return _for_tickets(spec, data_dir, device)
    if isinstance(spec, ImageNetSpec):
        return _in_files(spec, data_dir, device)
    train, test, prints = arrays(spec.dataset, data_dir)
    labels = train[1]
    if spec.labels == "shuffled":
        labels = stream(spec.seed, Purpose.LABELS).permutation(labels)
    columns: NDArray[np.int64] | None = None
    if isinstance(spec, StepSpec):
        labels = _with_noise(labels, spec)
        columns = _columns(spec)

    def split(inputs: Inputs, labels: Labels) -> Split:
        moved = inputs if columns is None else np.ascontiguousarray(inputs[:, columns])
        return Split(inputs=torch.from_numpy(moved).to(device), labels=torch.from_numpy(labels).to(device))

    return Examples(
        train=split(train[0], labels), test=split(*test), dataset=DATASETS[spec.dataset], fingerprints=prints
    )


def _for_tickets(spec: TicketSpec, data_dir: Path, device: torch.device) -> Examples:
    different = {retrain.test: retrain.training for retrain in spec.sequence}
    found = {test: load(training, data_dir, device) for test, training in different.items()}
    own = found.pop("")
    read = {spec.dataset: own.fingerprints} | {different[test].dataset: one.fingerprints for test, one in found.items()}
    prints = {name: read[of][split] for name, (of, split) in spec.fingerprinted.items()}
    return replace(own, fingerprints=prints, tests=found)


def _in_files(spec: ImageNetSpec, data_dir: Path, device: torch.device) -> Examples:
    """Images that are decoded while they are trained on, by processes of their own beside a GPU."""
    found = index_of(spec.dataset, data_dir)
    workers = max(1, machine.cores(spec.processes) - 1) if device.type == "cuda" else 0
    labels = {split: one.labels for split, one in found.items()}
    if spec.labels == "shuffled":
        labels["train"] = stream(spec.seed, Purpose.LABELS).permutation(labels["train"])

    def split(name: str) -> FileSplit:
        own = torch.from_numpy(labels[name]).to(device)
        return FileSplit(spec=spec, images=found[name], labels=own, workers=workers)

    return Examples(
        train=split("train"),
        test=split("test"),
        dataset=DATASETS[spec.dataset],
        fingerprints={name: one.fingerprint for name, one in found.items()},
    )


def batches(spec: NetworkSpec, examples: Examples, row: int) -> Batches:
    """The batches of one row of the history, counted from 0."""
    match spec:
        case ResNetSpec():
            return _of_epoch(spec, examples, row)
        case StepSpec():
            return _of_steps(spec, examples, row)
    raise AssertionError(f"{spec.name} has no batches")


def _of_epoch(spec: ResNetSpec, examples: Examples, epoch: int) -> Batches:
    """A new order and new augmentation in each epoch."""
    train = examples.train
    assert isinstance(train, Split)
    shuffled = stream(spec.seed, Purpose.ORDER, epoch).permutation(len(train.labels))
    order = torch.from_numpy(shuffled).to(train.labels.device)
    drawn = draws(train.inputs, spec.augmentation, spec.seed, epoch)

    def index(step: int) -> Tensor:
        return order[step * spec.batch_size : (step + 1) * spec.batch_size]

    def take(index: Tensor, drawn: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        return examples.normalise(augment(train.inputs, index, drawn)), train.labels[index]

    return Batches(
        count=math.ceil(len(order) / spec.batch_size),
        of=lambda step: take(index(step), drawn),
        gather=Gather(index=index, tables=drawn, take=take),
    )


def _of_steps(spec: StepSpec, examples: Examples, row: int) -> Batches:
    """Pass after pass over the examples, however many steps a row has."""
    train = examples.train
    assert isinstance(train, Split)
    steps = math.ceil(len(train.labels) / spec.batch_size)

    @lru_cache(maxsize=1)
    def order(number: int) -> Tensor:
        shuffled = stream(spec.seed, Purpose.ORDER, number).permutation(len(train.labels))
        return torch.from_numpy(shuffled).to(train.labels.device)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        number, place = divmod(row * spec.row_steps + step, steps)
        within = slice(place * spec.batch_size, (place + 1) * spec.batch_size)
        if spec.order == "stored":
            return train.inputs[within], train.labels[within]
        index = order(number)[within]
        return train.inputs[index], train.labels[index]

    return Batches(count=spec.row_steps, of=batch)


def _with_noise(labels: Labels, spec: StepSpec) -> Labels:
    """Labels of which each is, with the spec's probability, drawn again from all classes, its own among them."""
    if not spec.label_noise:
        return labels
    generator, classes = stream(spec.seed, Purpose.NOISE), DATASETS[spec.dataset].classes
    again = generator.random(len(labels)) < spec.label_noise
    return np.where(again, generator.integers(0, classes, len(labels)), labels)


def _columns(spec: StepSpec) -> NDArray[np.int64] | None:
    """The order of the numbers of every example, None for theirs; shuffled as in the notebooks of greydanus2024."""
    match spec.features:
        case "shuffled":
            return np.random.RandomState(42).permutation(DATASETS[spec.dataset].shape[0])
        case "reversed":
            return np.arange(DATASETS[spec.dataset].shape[0])[::-1]
        case _:
            return None


def draws(pixels: Tensor, kind: str, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """What an epoch does to each image, on the device that holds the pixels: () where nothing.

    "flip-crop4" flips half of the images and crops each at a random place after zero-padding by 4 pixels: the place's
    row and column, 0 to 8, and whether to flip, each (N,) int64. They depend on (seed, epoch) and the image alone.
    """
    if kind == "none":
        return ()
    count, generator = len(pixels), stream(seed, Purpose.AUGMENTATION, epoch)
    places = torch.from_numpy(np.stack([generator.integers(0, 9, count), generator.integers(0, 9, count)]))
    flips = torch.from_numpy(generator.integers(0, 2, count)).to(pixels.device)
    tops, lefts = places.to(pixels.device)
    return tops, lefts, flips


def augment(pixels: Tensor, index: Tensor, drawn: tuple[Tensor, ...]) -> Tensor:
    """Augmented uint8 images (B, H, W, C) for image indices (B,), from what ``draws`` drew."""
    if not drawn:
        return pixels[index]
    tops, lefts, flips = drawn
    _, height, width, _ = pixels.shape
    rows = tops[index, None] + torch.arange(height, device=pixels.device)
    columns = lefts[index, None] + torch.arange(width, device=pixels.device)
    columns = torch.where(flips[index, None] == 1, width + 7 - columns, columns)
    padded = functional.pad(pixels[index], (0, 0, 4, 4, 4, 4))  # a batch: all of them would be 240 MB a worker
    image = torch.arange(len(index), device=pixels.device)
    return padded[image[:, None, None], rows[:, :, None], columns[:, None, :]]
