"""The data sets by name: shape, size and fingerprint. Another encoding of the same images is another data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What is known of a data set before it is read."""

    train_images: int
    test_images: int
    shape: tuple[int, int, int]  # height, width, channels of an image
    classes: int
    divisor: float  # of a pixel, before normalising
    mean: tuple[float, ...]  # by channel, of divided pixels
    deviation: tuple[float, ...]
    fingerprints: dict[str, str] | None  # by split; None where nobody here has read the data set
    stands_for: str  # the data set that it is a copy of, itself for an original
    deviation_text: str  # how it differs from that, "" for an original


# ImageNet's constants, also for CIFAR-10, as the authors' framework has them.
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

DATASETS = {
    "digits": Dataset(
        train_images=898,  # scikit-learn's own classification example splits so: first half, second half
        test_images=899,
        shape=(8, 8, 1),
        classes=10,
        divisor=16.0,
        mean=(0.3074,),  # of the training half
        deviation=(0.3772,),
        fingerprints={
            "train": "202a132857a1a6fee98e5d73ec9333b6032c4724b229f3ed7cd0c90a3506a212",
            "test": "c4477026ca727db3bee5ba7df38993552dd461f9add57d2cd91e6baa20722f15",
        },
        stands_for="digits",
        deviation_text="",
    ),
    "cifar10": Dataset(
        train_images=50_000,
        test_images=10_000,
        shape=(32, 32, 3),
        classes=10,
        divisor=255.0,
        mean=_IMAGENET_MEAN,
        deviation=_IMAGENET_DEVIATION,
        # Nobody here has read the original. torchvision's MD5 sums vouch for its archive; a lossless Parquet copy is
        # refused until the archive's fingerprint (`repro data`) stands here.
        fingerprints=None,
        stands_for="cifar10",
        deviation_text="",
    ),
    "cifar10-jpeg": Dataset(
        train_images=50_000,
        test_images=10_000,
        shape=(32, 32, 3),
        classes=10,
        divisor=255.0,
        mean=_IMAGENET_MEAN,
        deviation=_IMAGENET_DEVIATION,
        fingerprints={
            "train": "f88ce8f833db2fbc4879cd4468000ebcf50f951439e344c6dcfcd3acbd695ec2",
            "test": "a6b708031ac8a8acb9a90aa789199d32252e0ca1dbb17df2ba3bb046a09fb5ed",
        },
        stands_for="cifar10",
        deviation_text="data: CIFAR-10 re-encoded as JPEG (quality about 75), not the original images",
    ),
    "imagenet": Dataset(  # for building and counting networks only
        train_images=1_281_167,
        test_images=50_000,
        shape=(224, 224, 3),
        classes=1000,
        divisor=255.0,
        mean=_IMAGENET_MEAN,
        deviation=_IMAGENET_DEVIATION,
        fingerprints=None,
        stands_for="imagenet",
        deviation_text="",
    ),
}
COPIES = tuple(name for name, dataset in DATASETS.items() if dataset.stands_for == "cifar10")  # what --data may name

ARCHIVE, UNPACKED = "cifar-10-python.tar.gz", "cifar-10-batches-py"  # the original's names
Form = Literal["bundled", "unpacked", "archive", "parquet"]


def check_data_present(dataset: str, data_dir: Path) -> Form:
    """In which form a data set that can be trained on lies in a folder; its content is for the reader to check.

    Raises:
        DataError: it is not there.
    """
    if dataset == "digits":
        return "bundled"  # with scikit-learn
    if dataset == "cifar10" and (data_dir / UNPACKED).exists():
        return "unpacked"
    if dataset == "cifar10" and (data_dir / ARCHIVE).exists():
        return "archive"
    lacking = [split for split in ("train", "test") if not any(data_dir.glob(f"{split}*.parquet"))]
    if not lacking:
        return "parquet"
    if lacking == ["test"] or lacking == ["train"]:
        raise DataError(f"{data_dir} holds no {lacking[0]}*.parquet; it needs both splits. Copy it again.")
    archive = f"torchvision's {ARCHIVE} or " if dataset == "cifar10" else ""
    raise DataError(
        f"{data_dir} holds no CIFAR-10; put {archive}train*.parquet and test*.parquet "
        "(columns img{bytes,path}, label) there, or name another folder with --data-dir."
    )
