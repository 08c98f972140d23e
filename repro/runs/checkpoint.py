"""The checkpoint of a paused run: its tensors, its place and, with the history so far, one digest over all of them."""

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

from repro.errors import DamagedRunError, SpecError, StoreError
from repro.runs.canonical import canonical, parse
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec

CHECKPOINT = "checkpoint.safetensors"
HISTORY = "history.jsonl"
SPEC = "spec.json"

Array = NDArray[np.generic]
Json = dict[str, Any]


def pack(spec: RunSpec, tensors: Mapping[str, Array], place: Json, history: bytes) -> bytes:
    """A checkpoint file; ``place`` is as in ``read_checkpoint``, ``history`` a line for each finished row."""
    text = canonical(place)
    kept = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    return save(kept, metadata={"place": text, "sha256": _digest(spec, kept, text, history)})


def read_checkpoint(
    folder: Path, spec: RunSpec, origin: Path | str | None = None
) -> tuple[dict[str, Array], Json, list[Json]]:
    """Tensors, place and history rows of a paused run, compared with the digest that was written with them.

    The place holds "epoch" or "evaluation", as the spec counts its rows, and "step" (finished ones), "diverged",
    "parts": a dict for each uninterrupted piece of training so far, and "criteria": the hashes of the rules when the
    first of them began. Later rows, which were written after the checkpoint, are left out. ``origin`` names the file
    in errors.

    Raises:
        StoreError: the checkpoint or its history is damaged, belongs to another run, or is at no place that it has.
    """
    path = folder / CHECKPOINT
    try:
        with safe_open(path, framework="numpy") as file:
            text, expected = file.metadata()["place"], file.metadata()["sha256"]
            tensors: dict[str, Array] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        place = _checked(parse(text), spec)
        lines = (folder / HISTORY).read_bytes().splitlines(keepends=True)[: place[spec.row_name]]
        if _digest(spec, tensors, text, b"".join(lines)) != expected:
            raise ValueError("it or the history has changed since it was written, or is of another run")
        return tensors, place, [parse(line) for line in lines]
    except Exception as error:  # a damaged file raises a dozen kinds; what was kept is then lost, not wrong
        found = f"it has no {error}" if isinstance(error, KeyError) else error
        advice = "delete it to train this run from the start"
        raise DamagedRunError(Path(origin or path), f"is damaged ({found})", advice) from None


def read_checkpoint_place(folder: Path, origin: Path | str | None = None) -> Json:
    """The place of a paused run whose folder holds its spec, after everything was checked as in ``read_checkpoint``.

    Raises:
        StoreError: as ``read_checkpoint``, or there is no spec.
    """
    try:
        spec = read_spec((folder / SPEC).read_text(encoding="utf-8", errors="replace"), folder / SPEC)
    except OSError as error:
        raise StoreError(f"{folder / SPEC} cannot be read: {error.strerror}. Delete {folder}.") from None
    except SpecError as error:
        raise StoreError(str(error)) from None
    return read_checkpoint(folder, spec, origin)[1]


def glance(folder: Path, spec: RunSpec) -> Json | None:
    """The place of a paused run from the checkpoint's header alone, unverified; None where there is none to be read."""
    try:
        with safe_open(folder / CHECKPOINT, framework="numpy") as file:
            return _checked(parse(file.metadata()["place"]), spec)
    except Exception:  # a damaged file raises a dozen kinds
        return None


def _checked(place: Any, spec: RunSpec) -> Json:
    """A place that its run can be at.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(place, dict) or set(place) != {spec.row_name, "step", "diverged", "parts", "criteria"}:
        raise ValueError("its place lacks an entry or has an unknown one")
    for name, end in ((spec.row_name, spec.rows), ("step", spec.row_steps)):
        if type(place[name]) is not int or not 0 <= place[name] < end:
            raise ValueError(f"{name} is {place[name]!r:.40}; it must be an integer from 0 to {end - 1}")
    if type(place["diverged"]) is not bool or not isinstance(place["parts"], list):
        raise ValueError('"diverged" must be true or false, and "parts" a list')
    criteria = place["criteria"]
    if not isinstance(criteria, dict) or not all(isinstance(value, str) for value in criteria.values()):
        raise ValueError('"criteria" must name a hash for each check')
    for part in place["parts"]:
        seconds = part.get("seconds") if isinstance(part, dict) else None
        if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise ValueError(f"a part of it took {seconds!r:.40} seconds")
        if not isinstance(part.get("job"), dict | NoneType):
            raise ValueError(f"a part of it was trained in job {part['job']!r:.40}")
    return place


def _digest(spec: RunSpec, tensors: Mapping[str, Array], place: str, history: bytes) -> str:
    whole = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content = hashlib.sha256(tensor.tobytes()).hexdigest()
        whole.update(f"{name} {tensor.dtype.str} {tensor.shape} {content}\n".encode())
    whole.update(f"{spec.key}\n{place}\n".encode() + history)
    return whole.hexdigest()
