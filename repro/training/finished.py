"""Finished runs, restored and measured again: to add what they lack, or to hold what they say against their tensors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors

from repro.errors import StoreError
from repro.runs.lease import Lease
from repro.runs.spec import RunSpec
from repro.runs.store import TENSORS, Run, Store, explain_write_errors, write
from repro.training import machine, measure
from repro.training.data import Examples, load
from repro.training.trainable import Trainable, frozen_hash, load_named, named_tensors, prepare

# Share of its range by which a measured float may differ on another device or version, where sums have another order:
# 2 of the 899 digits, 30 of CIFAR-10's 10,000 test images.
TOLERANCE = 0.003


def back_fill(run: Run, store: Store, *, data_dir: Path, device: str) -> list[str]:
    """Adds the measurements that a finished run lacks, without training it; returns their names.

    Everything that was there is checked first, and keeps its hash; the record says what was added, and by which code.

    Raises:
        StoreError: the run was changed, another process writes to it, or the regenerated frozen weights are not those
            that it was trained with.
    """
    if not _lacking(run):
        return []
    with explain_write_errors(run.folder):
        lease = Lease.take(run.folder)
    if lease is None:
        raise StoreError(f"{run.folder} is being written by another process; measure again when it is done.")
    try:
        with lease.kept():
            run = store.run(run.spec)  # as it is now that nobody else may change it
            run.check()
            lacking, where = _lacking(run), torch.device(device)
            machine.settle(where)
            net = restore(run, device)
            examples = load(run.spec, Path(data_dir), where) if run.spec.rows else None
            for name in lacking:
                write_measurement(run.folder, name, run.spec, net, examples)
            if lacking:
                by = {**machine.code(), **machine.hardware(where)}
                store.add(run, [f"measurements/{name}.json" for name in lacking], by)
            return lacking
    finally:
        lease.release()


def remeasure(run: Run, *, data_dir: Path, device: str) -> list[str]:
    """What a finished run says that its tensors do not give: a line for each difference.

    The network is restored and measured again. With the processor or GPU and the torch version that the run ended with,
    every number must be equal; with others, a float may differ by TOLERANCE of its range.

    Raises:
        DataError: the run's data set is not in ``data_dir``.
    """
    where, spec = torch.device(device), run.spec
    machine.settle(where)
    try:
        net = restore(run, device)
    except StoreError as error:
        return [str(error)]
    examples = load(spec, Path(data_dir), where) if spec.rows else None
    told = []
    if examples is not None and run.record.get("data") != examples.fingerprints:
        told.append(f"{run.folder} names other data than {spec.dataset} is.")
    if spec.rows and run.record.get("frozen_after") != frozen_hash(net):
        told.append(f"{run.folder} names other frozen weights after training than before.")
    last, here = run.record["parts"][-1], {**machine.code(), **machine.hardware(where)}
    leeway = 0.0 if all(last.get(name) == here[name] for name in ("device", "torch")) else TOLERANCE
    for file in sorted(name for name in run.record["files"] if name.startswith("measurements/")):
        name = file.removeprefix("measurements/").removesuffix(".json")
        if name not in measure.names(spec):
            told.append(f"{run.folder / file} is no measurement of such a run.")
            continue
        found = json.loads(json.dumps(measure.measure(name, spec, net, examples)))
        told += [
            f"{run.folder / file} says {place} {stored}; its tensors give {again}."
            for place, stored, again in _differences(name, run.measurement(name), found, leeway)
        ]
    return told


def restore(run: Run, device: str) -> Trainable:
    """The network of a finished run: frozen tensors regenerated from the seed and compared by hash, the rest loaded.

    Raises:
        StoreError: as ``back_fill``, or the run holds other tensors than its spec has.
    """
    net = prepare(run.spec, torch.device(device))
    if run.spec.rows:
        if frozen_hash(net) != run.record.get("frozen_before"):
            raise StoreError(
                f"{run.folder}: this machine's random streams give other frozen weights than the run had "
                "(numpy versions differ?); use the versions in its run.json."
            )
        content = run.read(TENSORS)
        try:
            kept = load_tensors(content)
        except Exception as error:  # safetensors has an error of its own, and raises others
            raise StoreError(f"{run.folder / TENSORS} cannot be read ({error}); train the run again.") from None
        if {name: one.shape for name, one in kept.items()} != {n: one.shape for n, one in named_tensors(net).items()}:
            raise StoreError(f"{run.folder / TENSORS} holds other tensors than {run.spec.name} has; train it again.")
        load_named(net, kept)
    return net


def write_measurement(folder: Path, name: str, spec: RunSpec, net: Trainable | None, examples: Examples | None) -> None:
    """Measures a network and writes what it finds."""
    found = measure.measure(name, spec, net, examples)
    write(folder / "measurements" / f"{name}.json", json.dumps(found, indent=1, sort_keys=True).encode())


def _lacking(run: Run) -> list[str]:
    return [name for name in measure.names(run.spec) if f"measurements/{name}.json" not in run.record["files"]]


def _differences(place: str, stored: Any, found: Any, leeway: float) -> Iterator[tuple[str, Any, Any]]:
    """The places in two measurements where the one says something else than the other."""
    if isinstance(stored, dict) and isinstance(found, dict) and stored.keys() == found.keys():
        for name in sorted(found):
            yield from _differences(f"{place}.{name}", stored[name], found[name], leeway)
    elif isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        for index, (one, other) in enumerate(zip(stored, found, strict=True)):
            yield from _differences(f"{place}[{index}]", one, other, leeway)
    elif isinstance(stored, float) and isinstance(found, float):
        span = (
            100.0 if ".top" in place else max(1.0, abs(found))
        )  # accuracies are percentages, the rest shares or losses
        if not abs(stored - found) <= leeway * span:
            yield place, stored, found
    elif type(stored) is not type(found) or stored != found:
        yield place, stored, found
