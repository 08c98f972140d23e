"""Decoded data sets: fingerprinted, written once, mapped by every worker."""

import hashlib
import json
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from repro.errors import DataError, StoreError
from repro.runs.datasets import ARCHIVE, COPIES, DATASETS, UNPACKED, Form, check_data_present
from repro.runs.drawn import fingerprint_of_numbers
from repro.runs.file_lock import alone
from repro.training.formats import Inputs, Labels, decode

Found = tuple[tuple[Inputs, Labels], tuple[Inputs, Labels], dict[str, str]]
BLOCK = 1 << 20  # bytes hashed at a time
# Seconds for another process to decode, which takes a quarter of that; one in the background may get no time at all.
PATIENCE = 120.0


@cache  # a worker trains many runs on one data set
def arrays(dataset: str, data_dir: Path) -> Found:
    """Training and test examples of a named data set, and their fingerprints by split, checked.

    Decoding CIFAR-10 takes half a minute and a gigabyte, and generating sequences as long; so the first process leaves
    what it has decoded in a file beside the data, or where nobody may write there, in the user's cache folder, for
    later ones to map.

    Raises:
        DataError: it is not in ``data_dir``, is truncated, or is not the data set that its name stands for.
    """
    form = check_data_present(dataset, data_dir)
    if form == "bundled":
        return _decoded(dataset, form, data_dir)
    source, made = _identity(data_dir, form), None
    for path in _places(dataset, form, data_dir):
        found = _mapped(path, source)
        if found is None and may_write(path.parent):
            with suppress(OSError, StoreError), _decoding(path):
                found = _mapped(path, source)
                if found is None:
                    made = made or _decoded(dataset, form, data_dir)
                    _write(path, source, made)
                    found = _mapped(path, source)
        if found is not None:
            _check_prints(dataset, data_dir, form, found[2])
            return found
    return made or _decoded(dataset, form, data_dir)  # in memory, where nothing can be written


def fingerprint(inputs: Inputs, labels: Labels) -> str:
    """SHA-256 (64 hex digits) of a split.

    Of images, over their shape and every (label, pixel bytes), sorted: order is free. Of sequences, whose stored order
    is part of the protocol, over the float32 values and then the int64 labels, both little-endian, as they lie.
    """
    if inputs.dtype == np.float32:
        return fingerprint_of_numbers(inputs.astype(np.float32), labels)
    rows = sorted(bytes([label]) + image.tobytes() for image, label in zip(inputs, labels.tolist(), strict=True))
    digest = hashlib.sha256(repr(inputs.shape).encode())
    for row in rows:
        digest.update(row)
    return digest.hexdigest()


def _decoded(dataset: str, form: Form, data_dir: Path) -> Found:
    train, test = decode(dataset, form, data_dir)
    _check_shape(dataset, data_dir, train, test)
    prints = {"train": fingerprint(*train), "test": fingerprint(*test)}
    _check_prints(dataset, data_dir, form, prints)
    return train, test, prints


def _places(dataset: str, form: Form, data_dir: Path) -> Iterator[Path]:
    """Where decoded examples may lie, best first: generated ones have no folder of their own."""
    if form != "generated":
        yield data_dir / f"{dataset}.decoded"
    with suppress(OSError, RuntimeError):  # there may be no home
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "batchnorm-repro"
        cache.mkdir(parents=True, exist_ok=True)
        of = "" if form == "generated" else str(data_dir.resolve())
        which = hashlib.sha256(of.encode()).hexdigest()[:16]
        yield cache / f"{dataset}-{which}.decoded"


def may_write(folder: Path) -> bool:
    """Whether anybody may: root could write into a read-only folder as well, and should not."""
    return bool(folder.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """One process of a machine at a time: the others wait and then map what the first has decoded."""
    lock = path.with_name(f".{path.name}.lock")
    with alone(lock, lambda _: None, "", PATIENCE):
        try:
            yield
        except DataError:
            lock.unlink(missing_ok=True)  # data that are refused leave no trace beside them
            raise


def _identity(data_dir: Path, form: Form) -> str:
    """What the decoded examples are of: other files, newer ones, or another generator are decoded again."""
    if form == "generated":
        return f"mnist1d {version('mnist1d')}, numpy {np.__version__}"
    pattern = {"archive": ARCHIVE, "unpacked": f"{UNPACKED}/*"}.get(form, "*.parquet")
    files = [(path, path.stat()) for path in sorted(data_dir.glob(pattern))]
    return json.dumps([[path.name, one.st_size, one.st_mtime_ns] for path, one in files])


def _write(path: Path, source: str, found: Found) -> None:
    """Writes decoded images by rename, with the hash of every byte of them."""
    (train, train_labels), (test, test_labels), prints = found
    tensors: dict[str, NDArray[Any]] = {
        "train": train,
        "train_labels": train_labels,
        "test": test,
        "test_labels": test_labels,
    }
    content = save(tensors, metadata={"source": source, "fingerprints": json.dumps(prints)})
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _mapped(path: Path, source: str) -> Found | None:
    """The decoded images in a file; None where it is missing, damaged or of another source."""
    with suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
        expected, digest = file.read(32), hashlib.sha256()
        while block := file.read(BLOCK):
            digest.update(block)
        if digest.digest() != expected:
            return None
        file.seek(32)
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        if header["__metadata__"]["source"] != source:
            return None
        whole = np.memmap(path, np.uint8, "c", offset=40 + length)  # "c": torch takes no read-only array

        def part(name: str) -> NDArray[np.uint8]:
            begin, end = header[name]["data_offsets"]
            return whole[begin:end]

        def split(name: str) -> tuple[Inputs, Labels]:
            labels, shape = part(f"{name}_labels").view(np.int64), header[name]["shape"]
            if header[name]["dtype"] == "F32":
                return np.array(part(name).view(np.float32)).reshape(shape), np.array(labels)
            return np.asarray(part(name).reshape(shape)), np.array(labels)

        return split("train"), split("test"), json.loads(header["__metadata__"]["fingerprints"])
    return None


def _check_shape(name: str, data_dir: Path, train: tuple[Inputs, Labels], test: tuple[Inputs, Labels]) -> None:
    dataset = DATASETS[name]
    for split, (inputs, labels), count in (("train", train, dataset.train_size), ("test", test, dataset.test_size)):
        fits = inputs.shape == (count, *dataset.shape) and len(labels) == count
        if not fits or not set(labels.tolist()) <= set(range(dataset.classes)):
            raise DataError(
                f"{data_dir} ({split}) holds {len(inputs)} {dataset.unit} of {inputs.shape[1:]} with {len(labels)} "
                f"labels; {name} has {count} of {dataset.shape}, labels 0 to {dataset.classes - 1}. Copy it again."
            )
        lacking = sorted(set(range(dataset.classes)) - set(labels.tolist()))
        if lacking:
            raise DataError(
                f"{data_dir} ({split}) has no {dataset.unit[:-1]} of class {lacking[0]}; {name} has {dataset.classes} "
                "classes, each in both splits. Copy it again."
            )


def _check_prints(name: str, data_dir: Path, form: Form, prints: dict[str, str]) -> None:
    if DATASETS[name].fingerprints is None and form in ("archive", "unpacked"):
        return  # compared with torchvision's MD5 sums
    if prints == DATASETS[name].fingerprints:
        return
    if form == "generated":
        raise DataError(
            f"{name} as generated here has fingerprint {prints['train'][:12]}… (train), {prints['test'][:12]}… (test), "
            f"which is not {name}'s: install the versions of mnist1d, numpy and scipy that requirements.lock names."
        )
    matches = [copy for copy in COPIES if DATASETS[copy].fingerprints == prints]
    advice = f"It is {matches[0]}: say --data {matches[0]}." if matches else "It is not a copy that is known here."
    raise DataError(
        f"{data_dir} has fingerprint {prints['train'][:12]}… (train), {prints['test'][:12]}… (test), which is not "
        f"{name}'s. {advice} Allowed: torchvision's archive for cifar10, or a copy whose fingerprint is in datasets.py."
    )
