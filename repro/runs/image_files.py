"""Images in files: the form in which a data set of them lies in a folder, and where their index is kept."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from repro.errors import DataError

SPLITS = {"train": "train", "test": "val"}  # our names, and how folders and Parquet files begin


def form_of_files(dataset: str, data_dir: Path) -> Literal["folders", "parquet"]:
    """How the images of a data set lie in ``data_dir/dataset``: torchvision's class folders, or a Parquet copy.

    Raises:
        DataError: neither is there, or one split is missing.
    """
    root = data_dir / dataset
    folders = [name for name in SPLITS.values() if (root / name).is_dir()]
    tables = [name for name in SPLITS.values() if any(root.glob(f"{name}*.parquet"))]
    if len(folders) == 2:
        return "folders"
    if len(tables) == 2:
        return "parquet"
    if folders or tables:
        there = (folders or tables)[0]
        lacking = "val" if there == "train" else "train"
        what = f"{lacking}/" if folders else f"{lacking}*.parquet"
        raise DataError(f"{root} holds no {what}; it needs both splits. Copy it again.")
    raise DataError(
        f"{root} does not hold {dataset}; put torchvision's train/CLASS/*.JPEG and val/CLASS/*.JPEG there, or "
        "train*.parquet and val*.parquet (columns image{bytes,path}, label), or name another folder with --data-dir."
    )


def index_places(dataset: str, data_dir: Path) -> Iterator[Path]:
    """Where the index of a data set may lie, best first: beside it, or where nobody may write there, in the cache."""
    yield data_dir / f"{dataset}.index"
    with suppress(OSError, RuntimeError):  # there may be no home
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "batchnorm-repro"
        which = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
        yield cache / f"{dataset}-{which}.index"
