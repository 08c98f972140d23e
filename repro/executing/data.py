"""Whether the data that runs need is there, seen without torch and before any worker starts."""

from pathlib import Path

from repro.errors import DataError
from repro.runs.datasets import DATASETS


def check_data_present(dataset: str, data_dir: Path) -> None:
    """Refuses a data set of which ``data_dir`` holds no file at all; whether it is whole shows when it is read.

    Raises:
        DataError: nothing of it is there.
    """
    if DATASETS[dataset].stands_for != "cifar10":
        return
    original = [] if dataset != "cifar10" else ["cifar-10-batches-py", "cifar-10-python.tar.gz"]
    if not any((data_dir / name).exists() for name in original) and not any(data_dir.glob("train*.parquet")):
        files = " or ".join([*original, "train*.parquet and test*.parquet"])
        raise DataError(f"{data_dir} holds no CIFAR-10 for {dataset}: put {files} there, or name another --data-dir.")
