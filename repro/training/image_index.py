"""The index of images in files: their names, labels and the SHA-256 of each, from one reading of all of them.

A fingerprint over decoded pixels, as the small data sets have, would take hours of ImageNet, and depend on the JPEG
library: here it is over the files' own bytes. All of them are read and decoded once (`repro data check imagenet`), and
from then on each image is compared with its digest whenever it is read: what is trained on is what was fingerprinted.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from repro.errors import DataError, StoreError
from repro.runs.datasets import DATASETS
from repro.runs.files import write
from repro.runs.image_files import SPLITS, form_of_files, index_places
from repro.training.halves import refusing_halves

COLUMNS = "columns image{bytes,path} and label"
TOGETHER = 512  # images read between two signs of life, of 0.1 MB each
EACH = 256  # rows of a Parquet file decoded at a time


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """One split: where its images are, and what they are."""

    root: Path
    form: str  # "folders" or "parquet"
    names: NDArray[np.bytes_]  # (N,) below the root, in order; of a row FILE:NUMBER
    labels: NDArray[np.int64]  # (N,)
    digests: NDArray[np.uint8]  # (N, 32) SHA-256 of each image as it is encoded
    fingerprint: str  # SHA-256 over every (label, digest), sorted: order is free

    def name(self, index: int) -> str:
        """The file of an image, or its Parquet file and row, counted from 0, for a person."""
        return _spoken(self.root, self.names[index].decode())


def index_of(dataset: str, data_dir: Path) -> dict[str, Indexed]:
    """The index of a data set, by split, as it was made; see `make_index`.

    Raises:
        DataError: there is none, or it is damaged.
    """
    return _index_of(dataset, data_dir.absolute())


@cache  # a worker trains many runs on one data set
def _index_of(dataset: str, data_dir: Path) -> dict[str, Indexed]:
    form = form_of_files(dataset, data_dir)
    place = next((place for place in index_places(dataset, data_dir) if place.exists()), data_dir / f"{dataset}.index")
    try:
        with safe_open(place, framework="numpy") as file:
            prints = json.loads(file.metadata()["fingerprints"])
            if file.metadata()["form"] != form:
                raise ValueError(f"it is of {file.metadata()['form']}, and {data_dir / dataset} holds {form}")
            found = {
                split: Indexed(
                    root=data_dir / dataset,
                    form=form,
                    names=np.array(file.get_tensor(f"{split}.names").tobytes().split(b"\n")),
                    labels=file.get_tensor(f"{split}.labels"),
                    digests=file.get_tensor(f"{split}.digests"),
                    fingerprint=prints[split],
                )
                for split in SPLITS
            }
        for one in found.values():
            if _fingerprint(one.labels, one.digests) != one.fingerprint or len(one.names) != len(one.labels):
                raise ValueError("its digests are not those of its fingerprint")
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DataError(f"{place} cannot be used ({error}); make it again: {_command(dataset, data_dir)}.") from None
    return found


def make_index(dataset: str, data_dir: Path, sign: Callable[[int, int], object]) -> dict[str, str]:
    """Reads and decodes every image once, writes their index, and returns the fingerprint of each split.

    ``sign`` is told how many images of how many have been read, every few seconds.

    Raises:
        DataError: a split, a class or an image is missing or broken; which is named, and nothing is written.
    """
    form, root = form_of_files(dataset, data_dir), data_dir / dataset
    listed = _folders(dataset, root) if form == "folders" else _rows(root)
    with refusing_halves():
        found = {split: _read_through(root, *one, sign) for split, one in listed.items()}
    tensors: dict[str, NDArray[Any]] = {}
    prints = {}
    for split, (names, labels, digests) in found.items():
        _check(dataset, root, split, labels)
        tensors[f"{split}.names"] = np.frombuffer("\n".join(names).encode(), np.uint8)
        tensors[f"{split}.labels"], tensors[f"{split}.digests"] = labels, digests
        prints[split] = _fingerprint(labels, digests)
    known = DATASETS[dataset].fingerprints
    if known not in (None, prints):
        raise DataError(
            f"{root} has fingerprint {prints['train'][:12]}… (train), {prints['test'][:12]}… (test), which is not "
            f"{dataset}'s; another encoding of the same images is another data set. Copy the original files."
        )
    _write(dataset, data_dir, save(tensors, metadata={"form": form, "fingerprints": json.dumps(prints)}))
    _index_of.cache_clear()
    return prints


def row_groups(path: Path) -> list[int]:
    """The number of rows before each row group of a Parquet file, and after the last."""
    import pyarrow.parquet

    meta = pyarrow.parquet.read_metadata(path)
    return [0, *np.cumsum([meta.row_group(number).num_rows for number in range(meta.num_row_groups)]).tolist()]


Listed = dict[str, tuple[list[str], list[int], Iterator[list[bytes]]]]


def _folders(dataset: str, root: Path) -> Listed:
    """Names, labels and contents by split of torchvision's layout: labels are the folders in alphabetical order."""
    from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset

    classes = {name: sorted(one.name for one in (root / name).iterdir() if one.is_dir()) for name in SPLITS.values()}
    train, val = classes["train"], classes["val"]
    for name, own, other in (("val", val, train), ("train", train, val)):
        lacking = [one for one in other if one not in own]
        if lacking:
            raise DataError(
                f"{root / name} lacks class {lacking[0]} ({len(lacking)} in all), which the other split has: the same "
                "label would be another class there. Copy it again."
            )
    if all(map(str.isdecimal, train)) and (turned := [two for two in pairwise(map(int, train)) if two[0] > two[1]]):
        first, then = turned[0]
        raise DataError(
            f"{root} numbers its classes, and labels follow the alphabetical order of their folders, in which {first} "
            f"comes before {then}: name them as the original does (n01440764, …), or pad the numbers with zeros."
        )
    if len(train) != DATASETS[dataset].classes:
        raise DataError(f"{root} has {len(train)} classes; {dataset} has {DATASETS[dataset].classes}. Copy it again.")
    found: Listed = {}
    for split, name in SPLITS.items():
        number = {one: label for label, one in enumerate(classes[name])}
        pairs = make_dataset(str(root / name), number, IMG_EXTENSIONS, allow_empty=True)
        paths = [Path(path) for path, _ in pairs]
        names = [path.relative_to(root).as_posix() for path in paths]
        found[split] = names, [label for _, label in pairs], _contents(paths)
    return found


def _contents(paths: list[Path]) -> Iterator[list[bytes]]:
    with ThreadPoolExecutor(_threads()) as pool:
        for start in range(0, len(paths), TOGETHER):
            yield list(pool.map(_content, paths[start : start + TOGETHER]))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); copy it again.") from None


def _rows(root: Path) -> Listed:
    """The same of a Parquet copy, whose files are taken in alphabetical order."""
    import pyarrow.parquet

    found: Listed = {}
    for split, begin in SPLITS.items():
        files = sorted(root.glob(f"{begin}*.parquet"))
        names, labels = list[str](), list[int]()
        for path in files:
            try:
                schema = pyarrow.parquet.read_schema(path)
                if "label" not in schema.names or "image" not in schema.names:
                    raise ValueError(f"its columns are {', '.join(schema.names)}")
                schema.field("image").type.field("bytes")
                own = [int(label) for label in pyarrow.parquet.read_table(path, columns=["label"])["label"].to_pylist()]
            except Exception as error:  # pyarrow raises a dozen kinds
                wrong = (str(error) or type(error).__name__).splitlines()[0]
                raise DataError(f"{path} cannot be read ({wrong}); it needs {COLUMNS}. Copy it again.") from None
            names += [f"{path.name}:{row}" for row in range(len(own))]
            labels += own
        found[split] = names, labels, _encoded(files)
    return found


def _encoded(files: list[Path]) -> Iterator[list[bytes]]:
    import pyarrow.parquet

    for path in files:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(EACH, columns=["image.bytes"]):
            yield [one or b"" for one in batch["image"].field("bytes").to_pylist()]


def _read_through(
    root: Path, names: list[str], labels: list[int], chunks: Iterator[list[bytes]], sign: Callable[[int, int], object]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.uint8]]:
    """Names, labels and digests of a split, each image of which was decoded at an eighth of its size."""
    digests = np.empty((len(names), 32), np.uint8)
    done = 0
    with ThreadPoolExecutor(_threads()) as pool:
        for chunk in chunks:
            spoken = [_spoken(root, name) for name in names[done : done + len(chunk)]]
            for digest in pool.map(_digest, chunk, spoken):
                digests[done] = np.frombuffer(digest, np.uint8)
                done += 1
            sign(done, len(names))
    return names, np.array(labels, np.int64), digests


def _digest(content: bytes, name: str) -> bytes:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (1, 1))  # a JPEG's coefficients are all read, and an eighth of its pixels made
            image.load()
    except Exception as error:  # PIL raises a dozen kinds
        found = str(error).partition(" <")[0]  # of an object in memory
        raise DataError(f"{name} is not an image that can be decoded ({found}); copy it again.") from None
    return hashlib.sha256(content).digest()


def _check(dataset: str, root: Path, split: str, labels: NDArray[np.int64]) -> None:
    known = DATASETS[dataset]
    count = known.train_size if split == "train" else known.test_size
    lacking = sorted(set(range(known.classes)) - set(labels.tolist()))
    strange = sorted(set(labels.tolist()) - set(range(known.classes)))
    if lacking or strange:
        what = f"no image of class {lacking[0]}" if lacking else f"an image of class {strange[0]}"
        raise DataError(f"{root} ({split}) has {what}; {dataset} has classes 0 to {known.classes - 1}. Copy it again.")
    if len(labels) != count:
        raise DataError(f"{root} ({split}) has {len(labels)} images; {dataset} has {count}. Copy it again.")


def _fingerprint(labels: NDArray[np.int64], digests: NDArray[np.uint8]) -> str:
    rows = np.concatenate([labels.astype(">u2").view(np.uint8).reshape(-1, 2), digests], axis=1)
    return hashlib.sha256(rows[np.lexsort(rows.T[::-1])].tobytes()).hexdigest()


def _write(dataset: str, data_dir: Path, content: bytes) -> None:
    from repro.training.decoded import may_write

    for place in index_places(dataset, data_dir):
        with suppress(OSError, StoreError):
            place.parent.mkdir(parents=True, exist_ok=True)
            if may_write(place.parent):
                write(place, content)
                return
    raise DataError(f"neither {data_dir} nor the cache folder can be written; the index needs one of them.")


def _spoken(root: Path, name: str) -> str:
    file, colon, row = name.rpartition(":")
    return f"{root / file}, row {row}," if colon else str(root / name)


def _command(dataset: str, data_dir: Path) -> str:
    return f"repro data check {dataset} --data-dir {data_dir}"


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
