"""Devices: what one does in a second, measured by `repro bench` or assumed for a named one."""

import contextlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro.errors import ReproError, StoreError
from repro.planning.work import Work
from repro.recipes import cifar, sequence
from repro.runs.canonical import parse
from repro.runs.files import explain_write_errors, make_folder, read_plain, write
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec_json import read_spec

FOLDER = ".bench"  # in the store


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A short training on a device."""

    spec: NetworkSpec
    seconds: float  # of one step


@dataclass(frozen=True, kw_only=True)
class Device:
    """What limits a step of training on one device."""

    name: str  # as its maker calls it
    kind: Literal["cpu", "cuda"]
    flops: Mapping[str, float]  # by precision, floating-point operations a second of a large product
    half: float  # channels of a convolution that reaches half of them
    bandwidth: float  # bytes a second, read and written, of a large copy
    launch: float  # seconds to start one operation; on a GPU, in a recorded graph
    source: str  # where the figures are from, with the date of a measurement
    measured: bool  # here; else assumed
    trained: tuple[Trained, ...] = ()  # by which estimates are corrected

    @property
    def words(self) -> str:
        """The device that hours are told of: one GPU, or one core of a processor."""
        return self.name if self.kind == "cuda" else f"core of {self.name}"

    def limit(self, work: Work) -> float:
        """Seconds that the device needs at least: the larger of arithmetic, memory traffic and launches."""
        return max(self.limits(work))

    def limits(self, work: Work) -> tuple[float, float, float]:
        """Seconds of arithmetic, of memory traffic and of launches for one of the times that work is done."""
        rate = self.flops.get(work.precision, self.flops["float32"])
        launches = work.launches - (work.spared if self.kind == "cuda" else 0.0)
        return (work.flops + self.half * work.narrow) / rate, work.bytes / self.bandwidth, launches * self.launch


# What `repro bench` trains for a few steps: two widths, and sequences by products, convolutions and recurrence.
TRIALS: tuple[NetworkSpec, ...] = (
    cifar("paper", 0, depth=14),
    cifar("paper", 0, depth=14, width=2),
    sequence("paper", 0, "mlp"),
    sequence("paper", 0, "cnn"),
    sequence("paper", 0, "gru"),
)


_SHEET = (
    "NVIDIA's data sheet for SXM, dense; that narrow convolutions reach a fifth of it, and 1.5 µs a launch in a CUDA "
    "graph, are guesses; nothing was timed on it"
)


def _gpu(name: str, flops: dict[str, float], bandwidth: float, source: str = _SHEET) -> Device:
    """A GPU that nothing was measured on.

    Convolutions of 16 to 64 channels are guessed to reach a fifth of a large product. A launch is a node of a recorded
    graph, 1.1 to 1.5 µs as people report it; without one it is 4 to 8.
    """
    return Device(
        name=name, kind="cuda", flops=flops, half=128.0, bandwidth=bandwidth, launch=1.5e-6, source=source,
        measured=False,
    )  # fmt: skip


# Assumed where nothing was measured.
ASSUMED = {
    "cpu": Device(
        name="an AMD EPYC",
        kind="cpu",
        flops={"float32": 7.7e10},
        half=0.0,
        bandwidth=2.3e10,
        launch=6.3e-6,
        source="repro bench on one core of an AMD EPYC in a container of two, processor time, torch 2.14.1",
        measured=False,
        trained=tuple(
            Trained(spec=spec, seconds=seconds)
            for spec, seconds in zip(TRIALS, (0.312, 0.897, 1.16e-3, 4.64e-3, 18.5e-3), strict=True)
        ),
    ),
    "A100": _gpu("A100", {"float32": 19.5e12, "tf32": 156e12, "bfloat16": 312e12}, 2.0e12),
    "H100": _gpu("H100", {"float32": 67e12, "tf32": 494e12, "bfloat16": 989e12}, 3.35e12),
    "H200": _gpu(
        "H200",
        {"float32": 67e12, "tf32": 494e12, "bfloat16": 788e12},
        4.3e12,
        "copy and bfloat16 product measured on one in 2026; the rest as for an H100",
    ),
}


def at_hand(root: Path, kind: str, name: str) -> Device:
    """The device of a kind that a store has measurements of: the named one, else the newest; else an assumed one.

    Raises:
        StoreError: its file is damaged.
    """
    own = path(root, name)
    if own.exists() and (device := load(own)).kind == kind:
        return device
    others: list[tuple[float, Device]] = []
    for file in (root / FOLDER).glob("*.json"):
        with contextlib.suppress(StoreError, OSError):  # of another device, or gone since
            others.append((file.stat().st_mtime, load(file)))
    newest = sorted((one for one in others if one[1].kind == kind), key=lambda one: -one[0])
    return newest[0][1] if newest else ASSUMED["cpu" if kind == "cpu" else "H100"]


def path(root: Path, name: str) -> Path:
    """The file of a device's measurements beside the runs of a store."""
    return root / FOLDER / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-.') or 'device'}.json"


def make_room(root: Path) -> None:
    """Makes the folder of measurements beside a store, so that none are taken that cannot be kept.

    Raises:
        StoreError: it cannot be written.
    """
    folder = root / FOLDER
    make_folder(folder)
    with explain_write_errors(folder), tempfile.TemporaryFile(dir=folder):
        pass


def save(root: Path, device: Device) -> Path:
    """Writes measurements by rename, and returns the file.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    file = path(root, device.name)
    make_room(root)
    write(file, json.dumps(to_json(device), indent=1).encode())
    return file


def to_json(device: Device) -> dict[str, Any]:
    """A device as JSON values."""
    trained = [{"spec": one.spec.to_json(), "seconds": one.seconds} for one in device.trained]
    return {**vars(device), "flops": dict(device.flops), "trained": trained}


def load(file: Path) -> Device:
    """The device whose measurements are in a file.

    Raises:
        StoreError: it is damaged.
    """
    try:
        fields: dict[str, Any] = parse(read_plain(file))
        specs = [(read_spec(one["spec"], file), one["seconds"]) for one in fields["trained"]]
        trained = tuple(Trained(spec=spec, seconds=took) for spec, took in specs if isinstance(spec, NetworkSpec))
        made = Device(**{**fields, "trained": trained})
        figures = [*made.flops.values(), made.bandwidth, made.launch, *(one.seconds for one in trained)]
        sound = made.half >= 0 and all(0 < one <= sys.float_info.max for one in figures)
        if made.kind not in ("cpu", "cuda") or not sound:
            raise ValueError("a figure is out of range")
        made.flops["float32"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ReproError) as error:
        raise StoreError(
            f"{file} is not a measurement of a device ({' '.join(str(error).split()) or type(error).__name__}); delete "
            "it, or measure again: repro bench."
        ) from None
    return made
