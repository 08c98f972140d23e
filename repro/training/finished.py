"""Finished runs, restored and measured again: to add what they lack, or to hold what they say against their tensors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from repro.errors import StoreError
from repro.runs.lease import Lease
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.runs.store import TENSORS, Run, Store, explain_write_errors, write
from repro.training import machine, measure
from repro.training.learner import Learner, learner

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
            one = restore(run, data_dir=data_dir, device=device)
            for name in lacking:
                write_measurement(run.folder, name, run.spec, one)
            if lacking:
                by = {**machine.code(), **machine.hardware(where)}
                store.add(run, [f"measurements/{name}.json" for name in lacking], by)
            return lacking
    finally:
        lease.release()


def remeasure(run: Run, *, data_dir: Path, device: str) -> list[str]:
    """What a finished run says that its tensors do not give: a line for each difference.

    What was trained is restored and measured again. With the processor or GPU and the torch version that the run ended
    with, every number must be equal; with others, a float may differ by TOLERANCE of its range.

    Raises:
        DataError: the run's data set is not in ``data_dir``.
    """
    where, spec = torch.device(device), run.spec
    machine.settle(where)
    try:
        one = restore(run, data_dir=data_dir, device=device)
    except StoreError as error:
        return [str(error)]
    told = []
    if one is not None and run.record.get("data") != one.fingerprints:
        told.append(f"{run.folder} names other data than {spec.dataset} is.")
    if one is not None and run.record.get("frozen_after") != one.frozen():
        told.append(f"{run.folder} names other frozen weights after training than before.")
    last, here = run.record["parts"][-1], {**machine.code(), **machine.hardware(where)}
    leeway = 0.0 if all(last.get(name) == here[name] for name in ("device", "torch")) else TOLERANCE
    for file in sorted(name for name in run.record["files"] if name.startswith("measurements/")):
        name = file.removeprefix("measurements/").removesuffix(".json")
        if name not in measure.names(spec):
            told.append(f"{run.folder / file} is not a measurement of such a run.")
            continue
        found = json.loads(json.dumps(_measured(name, spec, one)))
        told += [
            f"{run.folder / file} says {place} {stored}; its tensors give {again}."
            for place, stored, again in _differences(name, run.measurement(name), found, leeway)
        ]
    return told


def restore(run: Run, *, data_dir: Path, device: str) -> Learner | None:
    """What a finished run trained, with all that is frozen regenerated from the seed; None if it was only built.

    Raises:
        DataError: the run's data set is not in ``data_dir``.
        StoreError: as ``back_fill``, or the run holds other tensors than its spec has.
    """
    if not run.spec.rows:
        return None
    one = learner(run.spec, Path(data_dir), torch.device(device))
    if one.frozen() != run.record.get("frozen_before"):
        raise StoreError(
            f"{run.folder}: this machine's random streams give other frozen weights than the run had "
            "(numpy versions differ?); use the versions in its run.json."
        )
    try:
        one.restore(run.read(TENSORS))
    except ValueError as error:
        raise StoreError(f"{run.folder / TENSORS} {error}; train the run again.") from None
    return one


def write_measurement(folder: Path, name: str, spec: RunSpec, one: Learner | None) -> None:
    """Measures what was trained, or built, and writes what it finds."""
    found = _measured(name, spec, one)
    write(folder / "measurements" / f"{name}.json", json.dumps(found, indent=1, sort_keys=True).encode())


def _measured(name: str, spec: RunSpec, one: Learner | None) -> measure.Measurement:
    if one is not None:
        return one.measure(name)
    assert isinstance(spec, NetworkSpec), f"{spec.name} cannot be built and not trained"
    return measure.measure(name, spec, None, None)


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
