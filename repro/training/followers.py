"""Followers: the other processes of a run, beside the one that holds its lease and writes."""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from repro.errors import ReproError, SpecError
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.spec import RunSpec
from repro.training import machine
from repro.training.group import ALONE, Group, joined, launched
from repro.training.network import Network


def check_devices(spec: RunSpec, devices: Sequence[torch.device]) -> None:
    """Refuses a run of more processes than there are devices, or than the launcher has started.

    Raises:
        SpecError: there are too few.
    """
    place = launched()
    if spec.devices == 1:
        return
    if place is not None and place.size != spec.devices:
        raise SpecError(f"{spec.name} is trained by {spec.devices} processes, and {place.size} were launched for it.")
    if place is None and devices[0].type == "cuda" and len({*devices}) < spec.devices:
        raise SpecError(
            f"{spec.name} is trained on {spec.devices} GPUs at once, and {len({*devices})} were given; name "
            f"{spec.devices} with --device, or train it on a cluster: repro submit."
        )


@contextmanager
def together(spec: RunSpec, data_dir: Path, devices: Sequence[torch.device]) -> Iterator[Group]:
    """The group that trains a run, this process being its first.

    The others are those that a launcher has started, or else processes of this machine, one for each further device,
    which end when this one leaves the group, however it does.
    """
    place = launched()
    if spec.devices == 1:
        yield ALONE
    elif place is not None:
        with joined(place.rank, place.size, place.address, devices[0]) as group:
            yield group
    else:
        with tempfile.TemporaryDirectory(prefix="repro-group-") as folder:
            address = f"file://{folder}/meeting"
            context = multiprocessing.get_context("spawn")
            others = [
                context.Process(target=_follow_here, args=(spec, data_dir, str(_of(devices, rank)), rank, address))
                for rank in range(1, spec.devices)
            ]
            for one in others:
                one.start()
            try:
                with joined(0, spec.devices, address, devices[0]) as group:
                    yield group
            finally:
                for one in others:
                    one.kill()  # it has nothing to keep, and a worker's children do not see SIGTERM
                    one.join()


def follow(spec: RunSpec, *, data_dir: Path, device: str, rank: int, address: str, pause: Callable[[], bool]) -> None:
    """Trains a run together with its first process until that ends or pauses, and writes nothing.

    Raises:
        DataError: an image of any process cannot be read.
    """
    assert isinstance(spec, ImageNetSpec)
    where = torch.device(device)
    machine.settle(where)
    with joined(rank, spec.processes, address, where) as group:
        for _ in Network(spec, data_dir, where, group).train(pause):
            pass


def _follow_here(spec: RunSpec, data_dir: Path, device: str, rank: int, address: str) -> None:
    """In a process of its own, which ends with the one that started it; the first process says what went wrong."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        follow(spec, data_dir=data_dir, device=device, rank=rank, address=address, pause=_never)
    except ReproError:
        return


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _never() -> bool:
    return False


def _of(devices: Sequence[Any], rank: int) -> Any:
    return devices[rank % len(devices)]
