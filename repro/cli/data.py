"""``repro data fetch`` and ``check``: data sets that arrive, and the fingerprints of those that are there."""

import argparse
from pathlib import Path
from typing import Any

from repro.cli.output import show
from repro.errors import SpecError


def fetch(arguments: argparse.Namespace) -> int:
    """Fetches a data set's archive from the first mirror that has it, resuming what was cut."""
    from repro.executing.fetch import MIRRORS, archives, fetch

    known = archives(arguments.mirrors or MIRRORS)
    if arguments.archive not in known:
        raise SpecError(f"{arguments.archive!r} cannot be fetched; allowed: {', '.join(known) or 'none'}.")
    one = known[arguments.archive]
    fetched = fetch(one, arguments.data_dir, show)
    file = arguments.data_dir / one.file
    where = "" if arguments.data_dir == Path("data") else f" --data-dir {arguments.data_dir}"
    arguments.tell(
        lambda: {"file": str(file), "fetched": fetched, "sha256": one.sha256},
        [f"{file} {'fetched' if fetched else 'is there'}, its SHA-256 right. Next: repro data check{where}"],
    )
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Reads data sets and prints their fingerprints: the named ones, else all; exit 3 without CIFAR-10."""
    from repro.runs.datasets import COPIES, DATASETS, DRAWN

    known = sorted(set(DATASETS) - {*DRAWN})
    for name in arguments.names:
        if name not in known:
            raise SpecError(f"data set is {name!r}; allowed: {', '.join(known)}.")
    names = list(dict.fromkeys(arguments.names)) or ["digits", *_there(arguments.data_dir)]
    found = {name: _read(name, arguments) for name in names}
    lacking = not arguments.names and not {*COPIES} & {*names}
    advice = f"no CIFAR-10 in {arguments.data_dir}; fetch it: repro data fetch cifar10"
    arguments.tell(lambda: found, [advice] if lacking else [])
    return 3 if lacking else 0


def _there(data_dir: Path) -> list[str]:
    """The data sets in a folder; of a Parquet copy, the one that it is said to be."""
    from repro.runs.datasets import ARCHIVE, COPIES, DATASETS, UNPACKED, check_data_present

    parquet = any(data_dir.glob("train*.parquet")) or any(data_dir.glob("test*.parquet"))
    original = (data_dir / UNPACKED).exists() or (data_dir / ARCHIVE).exists()
    forms = {name: check_data_present(name, data_dir) for name in COPIES if parquet or (original and name == "cifar10")}
    # Anything can lie in Parquet files: they are read as a copy whose fingerprint is known.
    return [name for name, form in forms.items() if form != "parquet" or DATASETS[name].fingerprints]


def _read(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.json:
        show(f"{name}: reading …")  # importing torch takes seconds
    from repro.runs.datasets import DATASETS
    from repro.training.data import arrays

    if DATASETS[name].in_files:
        return _read_through(name, arguments)
    (train, _), (test, _), prints = arrays(name, arguments.data_dir)
    if not arguments.json:
        for split, inputs in (("train", train), ("test", test)):
            count, *shape = inputs.shape
            show(
                f"  {split:<5} {count} {DATASETS[name].unit} of {' × '.join(map(str, shape))}, SHA-256 {prints[split]}"
            )
    return {"train": list(train.shape), "test": list(test.shape), "fingerprints": prints}


def _read_through(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Reads every image of a data set in files once, and writes their index, which training needs."""
    from tqdm import tqdm

    from repro.runs.datasets import DATASETS
    from repro.training.image_index import make_index

    with tqdm(unit=" images", disable=True if arguments.json else None, leave=False) as bar:

        def sign(done: int, count: int) -> None:
            bar.total = count
            bar.n = done
            bar.refresh()

        prints = make_index(name, arguments.data_dir, sign)
    if not arguments.json:
        for split, sha256 in prints.items():
            show(f"  {split:<5} SHA-256 {sha256}, of labels and encoded images")
    sizes = {"train": DATASETS[name].train_size, "test": DATASETS[name].test_size}
    return {split: [size] for split, size in sizes.items()} | {"fingerprints": prints}
