"""The checkpoint of a paused run: its tensors, its position and one digest over these and the history so far."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from repro.errors import DamagedRunError
from repro.runs.canonical import canonical, parse
from repro.runs.spec import RunSpec

CHECKPOINT = "checkpoint.safetensors"
HISTORY = "history.jsonl"
SPEC = "spec.json"
POSITION, FORMERLY = "position", "place"  # in the header of a checkpoint

Array = NDArray[np.generic]
Json = dict[str, Any]


def pack(spec: RunSpec, tensors: Mapping[str, Array], position: Json, history: bytes) -> bytes:
    """A checkpoint file; ``position`` is as in ``read_checkpoint``, ``history`` a line for each finished row."""
    text = canonical(position)
    kept = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    return save(kept, metadata={POSITION: text, "sha256": _digest(spec, kept, text, history)})


def read_checkpoint(
    folder: Path, spec: RunSpec, origin: Path | str | None = None
) -> tuple[dict[str, Array], Json, list[Json]]:
    """Tensors, position and history rows of a paused run, compared with the digest that was written with them.

    The position holds "epoch" or "evaluation", as the spec counts its rows, and "step" (finished ones), "diverged",
    "parts": a dict for each uninterrupted piece of training so far, and "criteria": the hashes of the rules when the
    first of them began. Later rows, which were written after the checkpoint, are left out. ``origin`` names the file
    in errors.

    Raises:
        StoreError: the checkpoint or its history is damaged, belongs to another run, or is at no position that it has.
    """
    path = folder / CHECKPOINT
    try:
        with safe_open(path, framework="numpy") as file:
            text, expected = _position(file.metadata()), file.metadata()["sha256"]
            tensors: dict[str, Array] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        position = _checked(parse(text), spec)
        lines = (folder / HISTORY).read_bytes().splitlines(keepends=True)[: position[spec.row_name]]
        if _digest(spec, tensors, text, b"".join(lines)) != expected:
            raise ValueError("it or the history has changed since it was written, or is of another run")
        return tensors, position, [parse(line) for line in lines]
    except Exception as error:  # a damaged file raises a dozen kinds; what was kept is then lost, not wrong
        found = f"it has no {error}" if isinstance(error, KeyError) else error
        advice = "delete it to train this run from the start"
        raise DamagedRunError(Path(origin or path), f"is damaged ({found})", advice) from None


def glance(folder: Path, spec: RunSpec) -> Json | None:
    """The position of a paused run from the checkpoint's header alone, unverified; None where none can be read."""
    try:
        with safe_open(folder / CHECKPOINT, framework="numpy") as file:
            return _checked(parse(_position(file.metadata())), spec)
    except Exception:  # a damaged file raises a dozen kinds
        return None


def _position(header: Mapping[str, str]) -> str:
    return header[FORMERLY if FORMERLY in header else POSITION]


def _checked(position: Any, spec: RunSpec) -> Json:
    """A position that its run can be at.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(position, dict) or set(position) != {spec.row_name, "step", "diverged", "parts", "criteria"}:
        raise ValueError("its position lacks an entry or has an unknown one")
    for name, end in ((spec.row_name, spec.rows), ("step", spec.row_steps)):
        if type(position[name]) is not int or not 0 <= position[name] < end:
            raise ValueError(f"{name} is {position[name]!r:.40}; it must be an integer from 0 to {end - 1}")
    if type(position["diverged"]) is not bool or not isinstance(position["parts"], list):
        raise ValueError('"diverged" must be true or false, and "parts" a list')
    criteria = position["criteria"]
    if not isinstance(criteria, dict) or not all(isinstance(value, str) for value in criteria.values()):
        raise ValueError('"criteria" must name a hash for each check')
    for part in position["parts"]:
        seconds = part.get("seconds") if isinstance(part, dict) else None
        if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise ValueError(f"a part of it took {seconds!r:.40} seconds")
        for name in ("commit", "code", "torch", "python", "device", "device_type"):
            if not isinstance(part.get(name, ""), str):
                raise ValueError(f"a part of it has the {name} {part[name]!r:.40}")
        if not isinstance(part.get("job"), dict | NoneType):
            raise ValueError(f"a part of it was trained in job {part['job']!r:.40}")
    return position


def _digest(spec: RunSpec, tensors: Mapping[str, Array], position: str, history: bytes) -> str:
    whole = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content = hashlib.sha256(tensor.tobytes()).hexdigest()
        whole.update(f"{name} {tensor.dtype.str} {tensor.shape} {content}\n".encode())
    whole.update(f"{spec.key}\n{position}\n".encode() + history)
    return whole.hexdigest()
