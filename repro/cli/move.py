"""Subcommands that carry runs from one store to another: export, import."""

import argparse
from collections import Counter
from collections.abc import Iterator

from repro.cli import shared
from repro.cli.output import busy
from repro.errors import ReproError
from repro.planning.quantities import counted


def export(arguments: argparse.Namespace) -> int:
    """Packs the runs of a plan, finished or paused, into one compressed file, or into one each in a folder."""
    from repro.runs import shelf, transfer

    shared.require_store(arguments)
    store, file = shared.store(arguments), arguments.file
    specs = [run.spec for run in shared.planned(arguments).runs]
    busy(f"packing what is there of {counted(len(specs), 'run')}")
    if file.is_dir():
        counts = shelf.keep(store, specs, file, most=arguments.most)
        words = [f"{count} {word}" for word, count in counts.items()]
        arguments.tell(lambda: {"to": str(file), "runs": counts}, [f"{file}: {', '.join(words) or 'no run to keep'}"])
        return 0
    count = transfer.export(store, specs, file, most=arguments.most)
    size, planned = file.stat().st_size, {spec.key for spec in specs}
    others = sum(spec.key not in planned and store.condition(spec) in ("complete", "paused") for spec in store.specs())
    left_out = [f"Not in it: {counted(others, 'run')} of this store, not planned at scale {arguments.scale}"]
    arguments.tell(
        lambda: {"to": str(file), "runs": {"packed": count}, "bytes": size},
        [
            f"{file}: {counted(count, 'run')}, {size / 1e6:.2f} MB",
            *(left_out if others else []),
            f"Next: repro import {file}, elsewhere",
        ],
    )
    return 0


def take_in(arguments: argparse.Namespace) -> int:
    """Adds the runs of exported files to the store."""
    from repro.runs import shelf, transfer

    found: dict[str, Counter[str]] = {}
    try:
        for path in arguments.files:
            counts = found.setdefault(str(path), Counter())
            for file in shelf.archives(path):
                counts += transfer.take_in(shared.store(arguments), file)
    except ReproError:
        if any(found.values()):  # what came before a file that was refused
            arguments.tell(lambda: found, _lines(found))
        raise
    arguments.tell(lambda: found, _lines(found))
    return 0


def _lines(found: dict[str, Counter[str]]) -> Iterator[str]:
    for path, counts in found.items():
        yield from (f"{path}: {count} {word}" for word, count in counts.items())
        if not counts:
            yield f"{path}: no run"
