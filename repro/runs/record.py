"""Faults of a finished run's record, history and measurements: a field is missing, or has another type."""

import itertools
import re
import sys
from collections.abc import Callable
from typing import Any

from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec
from repro.runs.ticket_spec import TicketSpec

REQUIRED = ("history.jsonl", "spec.json", "tensors.safetensors")
FILE = re.compile(r"history\.jsonl|spec\.json|tensors\.safetensors|measurements/\w[\w.-]{0,99}\.json", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def fault(record: Any, spec: RunSpec) -> str | None:
    """The first fault of a record, in a few words; None for a sound one. Unknown fields are allowed."""
    if not isinstance(record, dict):
        return "it is not an object"
    for name, sound in _fields(spec).items():
        if name not in record:
            return f"{name} is missing"
        if not sound(record[name]):
            return f"its {name} is not what a run writes"
    for part in record["parts"]:
        for name, sound in (_TRAINED_PART | {f"from_{spec.row_name}": _count} if spec.rows else _PART).items():
            if not sound(part.get(name)):
                return f"a part of it has no sound {name}"
        if not _seconds(part.get("processor_seconds", 0)):  # runs of earlier code have none
            return "a part of it has no sound processor_seconds"
    if not _additions(record.get("additions", [])):
        return "its additions are not what a run writes"
    if spec.rows and not _count(record["parts"][-1].get("peak_memory_bytes")):
        return "its last part has no sound peak_memory_bytes"
    return None


def fault_in(name: str, content: dict[str, Any], spec: RunSpec) -> str | None:
    """The first fault of a history row or a measurement, by the file that it is from; None for a sound one."""
    required = _content(name, content, spec)
    for field, sound in (required | _MAYBE.get(name, {})).items():
        if field not in content and field in required:
            return f"{field!r} is missing"
        if field in content and not sound(content[field]):
            return f"its {field} is {content[field]!r:.40}, which no run measures"
    if "gamma_histogram" in content and len(content.get("edges", ())) != len(content["gamma_histogram"]) + 1:
        return "its histogram does not have one bin between each two edges"
    listed = [content[field] for field in _CONTENT.get(name, ()) if isinstance(content[field], list)]
    return None if len({len(values) for values in listed}) <= 1 else "it does not have one value for each threshold"


def _text(value: Any) -> bool:
    """A text that cannot write over what stands around it, in a terminal or a table."""
    return isinstance(value, str) and value.isprintable()


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _finite(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # math.isfinite fails on larger ints


def _amount(value: Any) -> bool:
    return _finite(value) and value >= 0


def _seconds(value: Any) -> bool:
    return _amount(value) and value < 1e12


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _some(value: Any) -> bool:
    return _count(value) and value > 0


def _share(value: Any) -> bool:
    return _amount(value) and value <= 1


def _percent(value: Any) -> bool:
    return _amount(value) and value <= 100


def _loss(value: Any) -> bool:
    return value is None or _finite(value)


def _if_any(sound: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or sound(value)


def _edges(value: Any) -> bool:
    return _each(_finite)(value) and all(low < high for low, high in itertools.pairwise(value))


def _each(sound: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(sound, value))


def _of_each(sound: Callable[[Any], Any]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(sound, value.values()))


def _measurement(value: Any) -> bool:
    return _text(value) and value.startswith("measurements/") and FILE.fullmatch(value) is not None


def _digest(value: Any) -> bool:
    return _text(value) and DIGEST.fullmatch(value) is not None


def _additions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(added, dict) and isinstance(added.get("files"), list) and all(map(_measurement, added["files"]))
        for added in value
    )


def _parts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, dict) for part in value)


def _files(value: Any) -> bool:
    return _texts(value) and set(REQUIRED) <= set(value) and all(map(FILE.fullmatch, value)) and _digests(value)


def _digests(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_digest, value.values()))


def _data(spec: RunSpec) -> Callable[[Any], bool]:
    return lambda value: _digests(value) and set(value) == set(spec.fingerprinted)


def _job(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and _text(value.get("id")) and _count(value.get("restart")))


def _cores(value: Any) -> bool:
    return value is None or _count(value)


def _content(name: str, content: dict[str, Any], spec: RunSpec) -> "_Sound":
    match name:
        case "history.jsonl":
            pruned: _Sound = {"pruned": _count, "moved": _count} if isinstance(spec, TicketSpec) else {}
            return {spec.row_name: _count, **_CONTENT[name], **pruned}
        case "measurements/accuracy.json":
            return {DATASETS[spec.dataset].unit: _some, **_CONTENT[name]}
        case "measurements/parameters.json" | "measurements/trees.json":
            return dict.fromkeys(content, _count)
        case _:
            return _CONTENT.get(name, {})


def _fields(spec: RunSpec) -> "_Sound":
    own: _Sound = {f"{DATASETS[spec.dataset].unit}_per_second": _amount, "data": _data(spec)}
    return _TRAINED | own if spec.rows else _BUILT


_Sound = dict[str, Callable[[Any], Any]]
_BUILT: _Sound = {"outcome": lambda value: value == "built", "parts": _parts, "criteria": _texts, "files": _files}
_TRAINED: _Sound = {
    **_BUILT,
    "outcome": lambda value: value in ("trained", "diverged"),
    "frozen_before": _digest,
    "frozen_after": _digest,
    "seconds": _seconds,
}
_PART: _Sound = {
    **dict.fromkeys(("commit", "code", "torch", "python", "device"), _text),
    "device_type": lambda value: value in ("cpu", "cuda"),
    "threads": _count,
    "cores": _cores,
    "job": _job,
    "seconds": _seconds,
}
_TRAINED_PART: _Sound = {**_PART, "from_step": _count}
_CONTENT: dict[str, _Sound] = {
    "history.jsonl": {"train_loss": _loss, "test_top1": _percent},
    "measurements/accuracy.json": {"top1": _percent},
    "measurements/affine.json": {"count": _some, "thresholds": _each(_amount), "share_below": _each(_share)},
    "measurements/clamp.json": {"thresholds": _each(_amount), "top1": _each(_percent)},
    "measurements/tickets.json": {
        "top1": _of_each(_percent),
        "left": _of_each(_share),
        "moved": _of_each(_count),
        "beside": _of_each(_each(_share)),
        "beside_by_chance": _of_each(_each(_share)),
    },
    "measurements/relus.json": {"units": _some, "share_dead": _share},
}
# What not every run measures.
_MAYBE: dict[str, _Sound] = {
    "history.jsonl": {"test_loss": _loss, "test_top5": _if_any(_percent), "train_top1": _if_any(_percent)},
    "measurements/accuracy.json": {"loss": _loss, "top5": _if_any(_percent), "train_top1": _if_any(_percent)},
    "measurements/affine.json": {
        "edges": _edges,
        "gamma_histogram": _each(_count),
        "beta_histogram": _each(_count),
    },
    "measurements/relus.json": {"channels": _some, "share_dead_channels": _share},
}
