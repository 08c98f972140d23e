"""Subcommands to begin with: verify, doctor, data."""

import argparse
from typing import Any

from repro.cli import judge, shared, train
from repro.cli.output import show
from repro.errors import SpecError


def verify(arguments: argparse.Namespace) -> int:
    """Trains, judges and reports in one go; with --json, stdout holds the verdicts and nothing else."""
    session = shared.collect(arguments)
    tally = train.missing(arguments, session)
    if tally.stopped:
        show(train.stopped(tally))
    code = judge.judged(arguments, session)
    judge.rendered(arguments)
    return 3 if tally.stopped and code < 2 else code


def doctor(arguments: argparse.Namespace) -> int:
    """Checks this machine, or a cluster and one of its nodes, for what the suite needs."""
    found = []
    for one in _cluster(arguments) if arguments.cluster else _here(arguments):
        found.append(one)
        if not arguments.json:
            show(f"{one.state:<4} {one.what:<10} {one.message}", 16)
    arguments.tell(lambda: [vars(one) for one in found])
    return 2 if any(one.state == "FAIL" for one in found) else 0


def data(arguments: argparse.Namespace) -> int:
    """Reads data sets and prints their fingerprints."""
    from repro.runs.datasets import DATASETS, DRAWN

    names = list(dict.fromkeys(arguments.names)) or ["digits"]
    known = sorted(set(DATASETS) - {*DRAWN})
    for name in names:
        if name not in known:
            raise SpecError(f"data set is {name!r}; allowed: {', '.join(known)}.")
    found = {name: _read(name, arguments) for name in names}
    arguments.tell(lambda: found)
    return 0


def _read(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.json:
        print(f"{name}: reading …", flush=True)  # importing torch takes seconds
    from repro.runs.datasets import DATASETS
    from repro.training.data import arrays

    if DATASETS[name].in_files:
        return _read_through(name, arguments)
    (train, _), (test, _), prints = arrays(name, arguments.data_dir)
    if not arguments.json:
        for split, pixels in (("train", train), ("test", test)):
            images, *shape = pixels.shape
            show(f"  {split:<5} {images} images of {' × '.join(map(str, shape))}, SHA-256 {prints[split]}")
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


def _here(arguments: argparse.Namespace) -> Any:
    from repro.executing.doctor import examine

    return examine(arguments.results, arguments.data_dir)


def _cluster(arguments: argparse.Namespace) -> Any:
    from repro.cli.submit import order
    from repro.cluster import doctor, profile

    one = profile.load(arguments.cluster)
    return doctor.examine(one, order(arguments, one), arguments.wait)
