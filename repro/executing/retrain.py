"""A finished run trained again from its spec alone, and compared: what no reading of its files can replace."""

import tempfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.runs.run import Run
from repro.runs.store import HISTORY, Store, is_named

SHOWN = ("train_loss", "test_loss", "test_top1")  # of a history row


def retrain(run: Run, *, data_dir: Path, device: str) -> list[str]:
    """What a finished run contains that its spec does not give when it is trained again: a line for each file.

    On the same processor and versions every bit is equal. Elsewhere sums round otherwise, and training amplifies that:
    the line then says from which row on, and how far apart the last accuracies are.

    Raises:
        DataError, StoreError: it cannot be trained here.
    """
    from repro.training import run as train
    from repro.training.ways import BLOCKS

    run.check()
    eagerly = dict.fromkeys(BLOCKS, "a run is trained again in the plainest way")
    with tempfile.TemporaryDirectory(prefix="retrain-") as place:
        store = Store(Path(place))
        train(run.spec, store, data_dir=data_dir, device=device, criteria={}, pause=lambda: False, avoid=eagerly)
        return _differences(run, store.run(run.spec))


def chosen(runs: Sequence[Run], words: str) -> list[Run]:
    """The runs whose key or name begins with some words.

    Raises:
        StoreError: there is none.
    """
    found = [run for run in runs if is_named(run.spec, words)]
    if not found:
        raise StoreError(
            f"no complete run of this plan has a key that begins with {words!r}, or a name whose first words are "
            "these; name its --scale and --data, and see: repro plan --all."
        )
    return found


def _differences(ours: Run, again: Run) -> list[str]:
    lines = []
    for name in sorted(again.record["files"]):
        if ours.record["files"].get(name) in (None, again.record["files"][name]):
            continue
        found = "other values"
        if name == HISTORY:
            found = _first_difference(ours.history, again.history, ours.spec.row_name)
        lines.append(f"{ours.folder / name}: {found}")
    if ours.spec.rows and ours.record["frozen_before"] != again.record["frozen_before"]:
        lines.append(f"{ours.folder}: other frozen weights")
    return lines


def _first_difference(ours: Sequence[dict[str, Any]], again: Sequence[dict[str, Any]], row: str) -> str:
    for number, (one, two) in enumerate(zip_longest(ours, again), 1):
        if one is None or two is None:
            return f"{len(ours)} {row}s, but {len(again)} when trained again"
        if one != two:
            field = next((name for name in SHOWN if one.get(name) != two.get(name)), "")
            last = f"; last accuracy {ours[-1]['test_top1']} %, again {again[-1]['test_top1']} %"
            return f"from {row} {number} on: {field} {one.get(field)}, again {two.get(field)}{last}"
    return "the same values in other bytes"
