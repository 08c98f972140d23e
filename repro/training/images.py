"""Images in files as batches: decoded and augmented in worker processes, the same ones whoever decodes them."""

import hashlib
import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from repro.errors import DataError
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.streams import Purpose, stream
from repro.training.image_index import Indexed, row_groups

Pixels = NDArray[np.uint8]  # (side, side, 3)
Batch = tuple[Tensor, Tensor]  # images (N, side, side, 3) uint8, and labels (N,) int64, on the device


@dataclass(frozen=True, kw_only=True)
class FileSplit:
    """One split whose images are decoded whenever they are needed."""

    spec: ImageNetSpec
    images: Indexed
    labels: Tensor  # (N,) int64, on the device; of training images as the spec has them
    workers: int  # processes that decode, besides this one; with none, this one does

    def epoch(self, epoch: int, shards: Sequence[NDArray[np.int64]]) -> Iterator[Batch | str]:
        """The batches of an epoch, one for each list of images; or the fault of an image in a batch, as a sentence.

        What becomes of an image depends on (seed, epoch, image) alone.
        """
        kind = self.spec.augmentation
        chosen = _Decoded(self.spec, self.images, epoch if kind == "flip-resized-crop" else None)
        return self._load(chosen, [shard.tolist() for shard in shards])

    def blocks(self, first: int = 0, step: int = 1) -> Iterator[Batch]:
        """Images in order, as many at a time as a process trains on: every block, or every ``step``-th from ``first``.

        Whoever evaluates a block computes the same.

        Raises:
            DataError: an image is not what was fingerprinted.
        """
        size = self.spec.share
        starts = range(first * size, len(self.labels), step * size)
        some = [list(range(start, min(start + size, len(self.labels)))) for start in starts]
        for batch in self._load(_Decoded(self.spec, self.images, None), some):
            if isinstance(batch, str):
                raise DataError(batch)
            yield batch

    def _load(self, decoded: "_Decoded", lists: list[list[int]]) -> Iterator[Batch | str]:
        device = self.labels.device
        loader: Any = DataLoader(
            decoded,
            batch_sampler=lists,
            num_workers=self.workers,
            collate_fn=_together,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # else it would draw from the global one
        )
        for found, indices in zip(loader, lists, strict=True):
            if isinstance(found, str):
                yield found
            else:
                index = torch.tensor(indices, dtype=torch.int64).to(device)
                yield found.to(device, non_blocking=True), self.labels[index]


def permuted(spec: ImageNetSpec, epoch: int, count: int) -> list[NDArray[np.int64]]:
    """The images of each batch of an epoch, over all processes; the last partial batch is kept."""
    order = stream(spec.seed, Purpose.ORDER, epoch).permutation(count)
    return [order[start : start + spec.batch_size] for start in range(0, count, spec.batch_size)]


def shared(batch: NDArray[np.int64], rank: int, size: int) -> NDArray[np.int64]:
    """The images of a batch that one process takes: an even, contiguous share, of which the first are the larger."""
    return np.array_split(batch, size)[rank]


class _Decoded(Dataset[Pixels | str]):
    """The images of a split by number, each ready for the network, or what is wrong with it."""

    def __init__(self, spec: ImageNetSpec, images: Indexed, epoch: int | None) -> None:
        from torchvision.transforms import v2  # as slow to import as torch

        self._spec, self._images, self._epoch = spec, images, epoch  # None: as test images are
        if epoch is None:
            self._transform = v2.Compose([v2.Resize(spec.test_resize), v2.CenterCrop(spec.image_size)])
        else:
            crop = v2.RandomResizedCrop(spec.image_size, scale=(0.1, 1.0), ratio=(0.8, 1.25))
            self._transform = v2.Compose([crop, v2.RandomHorizontalFlip()])

    def __getitem__(self, index: int) -> Pixels | str:
        content = _read(self._images, index)
        if content is None or hashlib.sha256(content).digest() != self._images.digests[index].tobytes():
            wrong = "is not there" if content is None else "has changed"
            return (
                f"{self._images.name(index)} {wrong} since its data set was read through; copy it again, then: "
                f"repro data check {self._spec.dataset} --data-dir {self._images.root.parent}."
            )
        try:
            with Image.open(io.BytesIO(content)) as image:
                whole = image.convert("RGB")
        except Exception as error:  # PIL raises a dozen kinds
            return f"{self._images.name(index)} cannot be decoded ({error}); copy it again."
        if self._epoch is None:
            return np.array(self._transform(whole))
        # torchvision draws from torch's global generator, which is seeded for this image and then put back.
        seed = int(stream(self._spec.seed, Purpose.AUGMENTATION, self._epoch, index).integers(2**63))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would also queue a call to every GPU
            return np.array(self._transform(whole))


def _together(found: list[Pixels | str]) -> Tensor | str:
    for one in found:
        if isinstance(one, str):
            return one
    return torch.from_numpy(np.stack(found)) if found else torch.empty(0, dtype=torch.uint8)


def _read(images: Indexed, index: int) -> bytes | None:
    """An image as it is encoded; None where it cannot be read."""
    name: str = images.names[index].decode()
    try:
        if images.form == "folders":
            return (images.root / name).read_bytes()
        file, _, row = name.rpartition(":")
        return _row(images.root / file, int(row))
    except (OSError, ValueError, IndexError, KeyError):  # pyarrow's are among these
        return None


def _row(path: Path, row: int) -> bytes:
    starts, _ = _opened(path)
    group = bisect_right(starts, row) - 1
    encoded: bytes = _group(path, group)[row - starts[group]].as_py()
    return encoded


@lru_cache(maxsize=512)
def _opened(path: Path) -> tuple[list[int], Any]:
    import pyarrow.parquet

    return row_groups(path), pyarrow.parquet.ParquetFile(path, memory_map=True)


@lru_cache(maxsize=4)
def _group(path: Path, group: int) -> Any:
    """The images of one row group, read whole: a copy with large groups is slow to draw single images from."""
    return _opened(path)[1].read_row_group(group, columns=["image.bytes"])["image"].combine_chunks().field("bytes")
