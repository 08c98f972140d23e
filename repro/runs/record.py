"""What is wrong with the record of a finished run: every field that other rooms read is there and of its type."""

import math
import re
from collections.abc import Callable
from typing import Any

from repro.runs.spec import RunSpec

REQUIRED = ("history.jsonl", "spec.json", "tensors.safetensors")
FILE = re.compile(r"history\.jsonl|spec\.json|tensors\.safetensors|measurements/\w[\w.-]{0,99}\.json", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def fault(record: Any, spec: RunSpec) -> str | None:
    """The first fault of a record, in a few words; None for a sound one. Fields beyond those known are let pass."""
    if not isinstance(record, dict):
        return "it is no object"
    for name, sound in (_TRAINED if spec.epochs else _BUILT).items():
        if name not in record:
            return f"it lacks {name}"
        if not sound(record[name]):
            return f"its {name} is not what a run writes"
    for part in record["parts"]:
        for name, sound in (_TRAINED_PART if spec.epochs else _PART).items():
            if not sound(part.get(name)):
                return f"a part of it has no sound {name}"
    if spec.epochs and not _count(record["parts"][-1].get("peak_memory_bytes")):
        return "its last part has no sound peak_memory_bytes"
    return None


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _amount(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _parts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, dict) for part in value)


def _files(value: Any) -> bool:
    return _texts(value) and set(REQUIRED) <= set(value) and all(map(FILE.fullmatch, value)) and _digests(value)


def _digests(value: Any) -> bool:
    return _texts(value) and all(map(DIGEST.fullmatch, value.values()))


def _data(value: Any) -> bool:
    return _digests(value) and set(value) == {"train", "test"}


def _job(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and _text(value.get("id")) and _count(value.get("restart")))


def _cores(value: Any) -> bool:
    return value is None or _count(value)


_Sound = dict[str, Callable[[Any], Any]]
_BUILT: _Sound = {"outcome": lambda value: value == "built", "parts": _parts, "criteria": _texts, "files": _files}
_TRAINED: _Sound = {
    **_BUILT,
    "outcome": lambda value: value in ("trained", "diverged"),
    "data": _data,
    "frozen_before": _text,
    "frozen_after": _text,
    "seconds": _amount,
    "images_per_second": _amount,
}
_PART: _Sound = {
    **dict.fromkeys(("commit", "code", "torch", "python", "device"), _text),
    "device_type": lambda value: value in ("cpu", "cuda"),
    "threads": _count,
    "cores": _cores,
    "job": _job,
    "seconds": _amount,
}
_TRAINED_PART: _Sound = {**_PART, "from_epoch": _count, "from_step": _count}
