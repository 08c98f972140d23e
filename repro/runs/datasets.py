"""The data sets by name: shape, size and fingerprint. Another encoding of the same images is another data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.errors import DataError
from repro.runs.image_files import form_of_files, index_places


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """What makes floats of the bytes of an image."""

    divisor: float  # of a byte, before normalising
    mean: tuple[float, ...]  # by channel, of divided bytes
    deviation: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What the generator of a data set is asked for."""

    examples: int  # training and test examples together
    seed: int | None  # of the generator; None: that of the run, so that each seed has examples of its own


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What is known of a data set before it is read."""

    train_size: int  # examples
    test_size: int
    shape: tuple[int, ...]  # height, width, channels of an image; length of a sequence
    classes: int
    pixels: Pixels | None  # None for sequences, whose numbers enter the network as they are
    fingerprints: dict[str, str] | None  # by split; None where nobody here has read it, or each seed has its own
    stands_for: str  # the data set that it is a copy of, itself for an original
    deviation_text: str  # how it differs from that, "" for an original
    generated: Generated | None = None  # how it is made, for what no file holds
    in_files: bool = False  # images of any size, each in a file or a row, that are decoded while a network trains

    @property
    def unit(self) -> str:
        """What it holds many of."""
        return "images" if self.pixels else "examples"

    @property
    def vouched(self) -> bool:
        """Whether a copy can be told from another: only of files without fingerprints, nothing here can tell."""
        return bool(self.fingerprints) or not self.in_files


# ImageNet's constants, also for CIFAR-10, as the authors' framework has them.
_IMAGENET = Pixels(divisor=255.0, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))


def _mnist1d(train: int, test: int, fingerprints: dict[str, str], seed: int = 42) -> Dataset:
    """MNIST-1D with the generator's defaults (greydanus2024, Table 2) but for the number of examples, or the seed."""
    return Dataset(
        train_size=train,
        test_size=test,
        shape=(40,),
        classes=10,
        pixels=None,
        fingerprints=fingerprints,
        stands_for="mnist1d",
        deviation_text="",
        generated=Generated(examples=train + test, seed=seed),
    )


DATASETS = {
    "digits": Dataset(
        train_size=898,  # scikit-learn's own classification example splits so: first half, second half
        test_size=899,
        shape=(8, 8, 1),
        classes=10,
        pixels=Pixels(divisor=16.0, mean=(0.3074,), deviation=(0.3772,)),  # of the training half
        fingerprints={
            "train": "202a132857a1a6fee98e5d73ec9333b6032c4724b229f3ed7cd0c90a3506a212",
            "test": "c4477026ca727db3bee5ba7df38993552dd461f9add57d2cd91e6baa20722f15",
        },
        stands_for="digits",
        deviation_text="",
    ),
    "cifar10": Dataset(
        train_size=50_000,
        test_size=10_000,
        shape=(32, 32, 3),
        classes=10,
        pixels=_IMAGENET,
        # Nobody here has read the original. torchvision's MD5 sums vouch for its archive; a lossless Parquet copy is
        # refused until the archive's fingerprint (`repro data`) stands here.
        fingerprints=None,
        stands_for="cifar10",
        deviation_text="",
    ),
    "cifar10-jpeg": Dataset(
        train_size=50_000,
        test_size=10_000,
        shape=(32, 32, 3),
        classes=10,
        pixels=_IMAGENET,
        fingerprints={
            "train": "f88ce8f833db2fbc4879cd4468000ebcf50f951439e344c6dcfcd3acbd695ec2",
            "test": "a6b708031ac8a8acb9a90aa789199d32252e0ca1dbb17df2ba3bb046a09fb5ed",
        },
        stands_for="cifar10",
        deviation_text="data: CIFAR-10 re-encoded as JPEG (quality about 75), not the original images",
    ),
    "imagenet": Dataset(  # ILSVRC 2012; its test images are those that it calls validation
        train_size=1_281_167,
        test_size=50_000,
        shape=(224, 224, 3),
        classes=1000,
        pixels=_IMAGENET,
        fingerprints=None,
        stands_for="imagenet",
        deviation_text="",
        in_files=True,
    ),
    "imagenet-drawn": Dataset(  # few images that the tests draw: what is trained on files, tested on any machine
        train_size=45,
        test_size=20,
        shape=(224, 224, 3),
        classes=6,
        pixels=_IMAGENET,
        fingerprints=None,
        stands_for="imagenet",
        deviation_text="data: 65 drawn images, not ImageNet's",
        in_files=True,
    ),
    "mnist1d": _mnist1d(  # equal bit for bit to the file that greydanus2024's authors froze
        4_000,
        1_000,
        {
            "train": "c8c9620bc674ad9c92b660d587aed10bc8c04f250bc509ee8367f1d85b7fa536",
            "test": "9ae88dc1b0a618748cf5c06c588bc097f5a63f6121293575dd91e840501efd5f",
        },
    ),
    "mnist1d-seed-43": _mnist1d(  # other examples of the same kind
        4_000,
        1_000,
        {
            "train": "a8ff9fb33d212600552f73713521c6a25637afa6485805ff80fa7fef06b09aed",
            "test": "4e77ee2a32b3b806a6bc1443bca8280ab58b9d348d239bcd4edf2e859d0406b6",
        },
        seed=43,
    ),
    "mnist1d-4000-12000": _mnist1d(
        4_000,
        12_000,
        {
            "train": "a775b1dacf3d190db4ea5f793c2abba265e4981f4abce2a4a3324263e9b78125",
            "test": "11f07fd161788018262917d4717882ef1f84b54348855ccdbc9858a7eb54590b",
        },
    ),
    "mnist1d-1000-1000": _mnist1d(
        1_000,
        1_000,
        {
            "train": "97117c211c22a5c6c39881a02a2143db6d67e3e0926e12360c79f3d001acc651",
            "test": "78215bd0efeeb2b227f7cd00da0ba5d4d912d4acba7246ae6094d05b606c4154",
        },
    ),
    "mnist1d-50000-1000": _mnist1d(
        50_000,
        1_000,
        {
            "train": "877e472cc1da10309c4cb865818dca4c55eed5d12704e7f5713dc2eb6a73f9be",
            "test": "f2f7ab083c529765e80a17bab71335ef92ae37164660b0b3a86ba213bd0a6047",
        },
    ),
    "hastie-10-2": Dataset(  # equation 10.2 of hastie2009, and scikit-learn's name for it
        train_size=2_000,
        test_size=10_000,
        shape=(10,),
        classes=2,
        pixels=None,
        fingerprints=None,
        stands_for="hastie-10-2",
        deviation_text="data: each seed draws a new set, and the source has one",
        generated=Generated(examples=12_000, seed=None),
    ),
}
IMAGES = tuple(name for name, dataset in DATASETS.items() if dataset.pixels)
IN_FILES = tuple(name for name, dataset in DATASETS.items() if dataset.in_files)
DRAWN = tuple(name for name, dataset in DATASETS.items() if dataset.generated and dataset.generated.seed is None)
SEQUENCES = tuple(name for name, dataset in DATASETS.items() if not dataset.pixels and name not in DRAWN)
COPIES = tuple(name for name, dataset in DATASETS.items() if dataset.stands_for == "cifar10")  # what --data may name

ARCHIVE, UNPACKED = "cifar-10-python.tar.gz", "cifar-10-batches-py"  # the original's names
Form = Literal["generated", "bundled", "unpacked", "archive", "parquet", "folders"]


def check_data_present(dataset: str, data_dir: Path) -> Form:
    """In which form a data set that can be trained on lies in a folder; its content is for the reader to check.

    Raises:
        DataError: it is not there.
    """
    if DATASETS[dataset].generated:
        return "generated"
    if dataset == "digits":
        return "bundled"  # with scikit-learn
    if DATASETS[dataset].in_files:
        found = form_of_files(dataset, data_dir)
        if not any(place.exists() for place in index_places(dataset, data_dir)):
            raise DataError(
                f"{data_dir / dataset} has not been read through yet; do that once, before training: "
                f"repro data check {dataset} --data-dir {data_dir}."
            )
        return found
    if dataset == "cifar10" and (data_dir / UNPACKED).exists():
        return "unpacked"
    if dataset == "cifar10" and (data_dir / ARCHIVE).exists():
        return "archive"
    lacking = [split for split in ("train", "test") if not any(data_dir.glob(f"{split}*.parquet"))]
    if not lacking:
        return "parquet"
    if lacking == ["test"] or lacking == ["train"]:
        raise DataError(f"{data_dir} holds no {lacking[0]}*.parquet; it needs both splits. Copy it again.")
    parquet = "train*.parquet and test*.parquet (columns img{bytes,path}, label)"
    wanted = {
        "cifar10": f"fetch it (repro data fetch cifar10), or put torchvision's {ARCHIVE} there, or, to be read with "
        f"--data cifar10-jpeg, {parquet}"
    }.get(dataset, f"put {parquet} there")
    raise DataError(f"{data_dir} holds no CIFAR-10; {wanted}, or name another folder with --data-dir.")
