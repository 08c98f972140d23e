"""Image data sets, decoded in memory as uint8 and fingerprinted; never from the network."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from repro.errors import DataError
from repro.runs.datasets import COPIES, DATASETS, Dataset
from repro.runs.spec import RunSpec
from repro.training.streams import Purpose, stream

Pixels = NDArray[np.uint8]  # (N, H, W, C)
Labels = NDArray[np.int64]  # (N,)


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


@cache  # a worker trains many runs on one data set
def arrays(dataset: str, data_dir: Path) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels], dict[str, str]]:
    """Training and test images of a named data set, and their fingerprints, checked.

    Raises:
        DataError: as ``load``.
    """
    match dataset:
        case "digits":
            train, test = _digits()
        case "cifar10":
            train, test = _first_that_exists(data_dir, ((_is_torchvision, _torchvision), (_is_parquet, _parquet)))
        case _:
            train, test = _first_that_exists(data_dir, ((_is_parquet, _parquet),))
    _check_shape(dataset, data_dir, train, test)
    prints = {"train": fingerprint(*train), "test": fingerprint(*test)}
    _check_prints(dataset, data_dir, prints)
    return train, test, prints


def fingerprint(pixels: Pixels, labels: Labels) -> str:
    """SHA-256 (64 hex digits) over the image shape and every (label, pixel bytes), sorted: order is free."""
    rows = sorted(bytes([label]) + image.tobytes() for image, label in zip(pixels, labels.tolist(), strict=True))
    digest = hashlib.sha256(repr(pixels.shape).encode())
    for row in rows:
        digest.update(row)
    return digest.hexdigest()


def augment(pixels: Tensor, kind: str, seed: int, epoch: int) -> Callable[[Tensor], Tensor]:
    """A function from image indices (B,) to augmented uint8 images (B, H, W, C) of one epoch.

    "flip-crop4" flips half of the images and crops each at a random place after zero-padding by 4 pixels, in one
    gather on the device that holds the pixels. What happens to image i depends on (seed, epoch, i) alone.
    """
    if kind == "none":
        return lambda index: pixels[index]
    count, height, width, _ = pixels.shape
    generator = stream(seed, Purpose.AUGMENTATION, epoch)
    draws = torch.from_numpy(np.stack([generator.integers(0, 9, count), generator.integers(0, 9, count)]))
    flips = torch.from_numpy(generator.integers(0, 2, count)).to(pixels.device)
    tops, lefts = draws.to(pixels.device)
    padded = functional.pad(pixels, (0, 0, 4, 4, 4, 4))
    span_y, span_x = torch.arange(height, device=pixels.device), torch.arange(width, device=pixels.device)

    def crop(index: Tensor) -> Tensor:
        rows = tops[index, None] + span_y
        columns = lefts[index, None] + span_x
        columns = torch.where(flips[index, None] == 1, width + 7 - columns, columns)
        return padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]

    return crop


def _digits() -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    """scikit-learn's bundled scans, split as its own classification example does: first half, second half."""
    from sklearn.datasets import load_digits  # slow to import, and only this data set needs it

    bunch = load_digits()
    pixels = bunch.images.astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    return (pixels[:898], labels[:898]), (pixels[898:], labels[898:])


def _is_torchvision(data_dir: Path) -> bool:
    return any((data_dir / name).exists() for name in ("cifar-10-batches-py", "cifar-10-python.tar.gz"))


def _torchvision(data_dir: Path) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity, extract_archive

    archive = data_dir / CIFAR10.filename
    if not (data_dir / CIFAR10.base_folder).exists():
        if not check_integrity(str(archive), CIFAR10.tgz_md5):
            raise DataError(f"{archive} is truncated or altered (MD5 is not {CIFAR10.tgz_md5}); fetch it again.")
        extract_archive(str(archive), str(data_dir))
    try:
        splits = [CIFAR10(str(data_dir), train=train, download=False) for train in (True, False)]
    except RuntimeError:
        raise DataError(
            f"{data_dir / CIFAR10.base_folder} is incomplete or altered; delete it and unpack {archive.name} again."
        ) from None
    train, test = ((split.data, np.array(split.targets, dtype=np.int64)) for split in splits)
    return train, test


def _is_parquet(data_dir: Path) -> bool:
    return any(data_dir.glob("train*.parquet"))


def _parquet(data_dir: Path) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    return _parquet_split(data_dir, "train"), _parquet_split(data_dir, "test")


def _parquet_split(data_dir: Path, split: str) -> tuple[Pixels, Labels]:
    import pyarrow.parquet
    from PIL import Image

    pixels, labels = [], []
    files = sorted(data_dir.glob(f"{split}*.parquet"))
    if not files:
        raise DataError(f"{data_dir} holds no {split}*.parquet; it needs both splits.")
    for file in files:
        try:
            table = pyarrow.parquet.read_table(file, columns=["img", "label"])
            encoded = table["img"].combine_chunks().field("bytes").to_pylist()
            images = [np.asarray(Image.open(io.BytesIO(one)).convert("RGB")) for one in encoded]
        except Exception as error:  # pyarrow and PIL raise a dozen kinds
            found = str(error).splitlines()[0]
            raise DataError(
                f"{file} cannot be read ({found}); it needs columns img{{bytes,path}} and label. Copy it again."
            ) from None
        pixels += images
        labels += table["label"].to_pylist()
    shapes = {image.shape for image in pixels}
    if len(shapes) != 1:
        raise DataError(f"{data_dir} holds images of shapes {sorted(shapes)}; one shape, (32, 32, 3), is allowed.")
    return np.stack(pixels), np.array(labels, dtype=np.int64)


Loader = tuple[Callable[[Path], bool], Callable[[Path], tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]]]


def _first_that_exists(
    data_dir: Path, loaders: tuple[Loader, ...]
) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    for exists, read in loaders:
        if exists(data_dir):
            return read(data_dir)
    raise DataError(
        f"{data_dir} holds no CIFAR-10; put torchvision's cifar-10-python.tar.gz or train*.parquet and test*.parquet "
        "(columns img{bytes,path}, label) there, or name another folder with --data-dir."
    )


def _check_shape(name: str, data_dir: Path, train: tuple[Pixels, Labels], test: tuple[Pixels, Labels]) -> None:
    dataset = DATASETS[name]
    for split, (pixels, labels), count in (("train", train, dataset.train_images), ("test", test, dataset.test_images)):
        fits = pixels.shape == (count, *dataset.shape) and len(labels) == count
        if not fits or not set(labels.tolist()) <= set(range(dataset.classes)):
            raise DataError(
                f"{data_dir} ({split}) holds {len(pixels)} images of {pixels.shape[1:]} with {len(labels)} labels; "
                f"{name} has {count} of shape {dataset.shape}, labels 0 to {dataset.classes - 1}. Copy it again."
            )


def _check_prints(name: str, data_dir: Path, prints: dict[str, str]) -> None:
    if DATASETS[name].fingerprints is None and _is_torchvision(data_dir):
        return  # torchvision compared the archive with its own MD5 sums
    if prints == DATASETS[name].fingerprints:
        return
    matches = [copy for copy in COPIES if DATASETS[copy].fingerprints == prints]
    advice = f"It is {matches[0]}: say --data {matches[0]}." if matches else "It is no copy that is known here."
    raise DataError(
        f"{data_dir} has fingerprint {prints['train'][:12]}… (train), {prints['test'][:12]}… (test), which is not "
        f"{name}'s. {advice} Allowed: torchvision's archive for cifar10, or a copy whose fingerprint is in datasets.py."
    )
