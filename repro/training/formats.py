"""The examples of a data set, in whatever form it lies, decoded: inputs and labels of both splits."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataError
from repro.runs.datasets import ARCHIVE, DATASETS, UNPACKED, Dataset, Form

Pixels = NDArray[np.uint8]  # (N, H, W, C)
Sequences = NDArray[np.float32]  # (N, length)
Inputs = Pixels | Sequences
Labels = NDArray[np.int64]  # (N,)
Splits = tuple[tuple[Inputs, Labels], tuple[Inputs, Labels]]  # training and test examples


def decode(dataset: str, form: Form, data_dir: Path) -> Splits:
    """Both splits of a data set, generated, or as it lies in ``data_dir`` in a form; the folder is only read.

    Raises:
        DataError: it is truncated, incomplete or altered.
    """
    match form:
        case "generated":
            return mnist1d(DATASETS[dataset])
        case "bundled":
            return digits()
        case "unpacked":
            return _unpacked(data_dir)
        case "archive":
            return _archive(data_dir)
        case _:
            return _parquet_split(data_dir, "train"), _parquet_split(data_dir, "test")


def digits() -> Splits:
    """scikit-learn's bundled scans, split as its own classification example does: first half, second half."""
    from sklearn.datasets import load_digits  # slow to import, and only this data set needs it

    bunch = load_digits()
    pixels = bunch.images.astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    return (pixels[:898], labels[:898]), (pixels[898:], labels[898:])


def mnist1d(dataset: Dataset) -> Splits:
    """MNIST-1D from its authors' own generator, in the order that it gives; takes a millisecond an example."""
    from mnist1d.data import get_dataset_args, make_dataset  # imports pyplot, and only this data set needs it

    assert dataset.generated is not None
    asked = get_dataset_args()
    asked.num_samples, asked.seed, asked.train_split = dataset.generated.examples, dataset.generated.seed, 1.0
    state = np.random.get_state()  # the generator draws from numpy's global stream, which is put back
    try:
        made = make_dataset(asked)
    finally:
        np.random.set_state(state)
    inputs, labels = made["x"].astype(np.float32), made["y"].astype(np.int64)
    size = dataset.train_size
    return (inputs[:size], labels[:size]), (inputs[size:], labels[size:])


def _unpacked(data_dir: Path) -> Splits:
    from torchvision.datasets import CIFAR10

    try:
        splits = [CIFAR10(str(data_dir), train=train, download=False) for train in (True, False)]
    except RuntimeError:
        raise DataError(
            f"{data_dir / UNPACKED} is incomplete or altered; delete it and unpack {ARCHIVE} again."
        ) from None
    train, test = ((split.data, np.array(split.targets, dtype=np.int64)) for split in splits)
    return train, test


def _archive(data_dir: Path) -> Splits:
    """The original archive, read where it lies: two workers that unpacked it would meet."""
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity

    archive = data_dir / ARCHIVE
    if not check_integrity(str(archive), CIFAR10.tgz_md5):
        raise DataError(f"{archive} is truncated or altered (MD5 is not {CIFAR10.tgz_md5}); fetch it again.")
    names = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    batches = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            if name in names:
                content = tar.extractfile(member)
                assert content is not None
                batches[name] = pickle.loads(content.read(), encoding="latin1")  # its MD5 sum vouches for it

    def split(names: list[str]) -> tuple[Pixels, Labels]:
        rows = np.concatenate([batches[name]["data"] for name in names])
        labels = [label for name in names for label in batches[name]["labels"]]
        pixels = np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        return pixels, np.array(labels, dtype=np.int64)

    last = len(CIFAR10.test_list)
    return split(names[:-last]), split(names[-last:])


def _parquet_split(data_dir: Path, split: str) -> tuple[Pixels, Labels]:
    import pyarrow.parquet
    from PIL import Image

    from repro.training.halves import refusing_halves

    pixels: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for file in sorted(data_dir.glob(f"{split}*.parquet")):
        try:
            table = pyarrow.parquet.read_table(file, columns=["img", "label"])
            encoded = table["img"].combine_chunks().field("bytes").to_pylist()
        except Exception as error:  # pyarrow raises a dozen kinds
            found = str(error).splitlines()[0]
            raise DataError(
                f"{file} cannot be read ({found}); it needs columns img{{bytes,path}} and label. Copy it again."
            ) from None
        for row, (one, label) in enumerate(zip(encoded, table["label"].to_pylist(), strict=True)):
            try:
                with refusing_halves():
                    image = np.asarray(Image.open(io.BytesIO(one)).convert("RGB"))
            except Exception as error:  # and so does PIL
                found = " ".join(str(error).partition(" <")[0].split()) or type(error).__name__  # < an object in memory
                raise DataError(f"row {row} of {file} is not an image ({found}); copy it again.") from None
            if pixels and image.shape != pixels[0].shape:
                raise DataError(
                    f"row {row} of {file} is {image.shape}, and row 0 is {pixels[0].shape}; one shape, (32, 32, 3), is "
                    "allowed. Copy it again."
                )
            if type(label) is not int:
                raise DataError(f"row {row} of {file} has no label ({label!r}); copy it again.")
            pixels.append(image)
            labels.append(label)
    if not pixels:
        raise DataError(f"{data_dir} ({split}) holds no image; copy it again.")
    return np.stack(pixels), np.array(labels, dtype=np.int64)
