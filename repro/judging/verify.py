"""Differences between a stored verdicts.json, with its page, and what its runs give."""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.judging.verdict import CODE_ALIKE
from repro.judging.verdicts_json import load, text
from repro.planning.quantities import counted
from repro.runs.files import read_plain
from repro.runs.run import TENSORS

Json = dict[str, Any]

SAME = 1e-9  # relative difference up to which two numbers are one: Pythons and libraries differ in the last bits


def verify(
    path: Path, fresh: Json, *, page: Callable[[Json], bytes] | None = None, damaged: Sequence[str] = ()
) -> tuple[list[str], int]:
    """Differences between a stored document and a fresh one, line by line, and the exit code.

    ``page`` renders the report.html of a document; it is compared if there is one beside the document. ``damaged`` says
    what is wrong with runs that no verdict rests on yet. Exit codes: 2: something differs; 3: nothing differs, and some
    verdicts are pending or blocked, or there is none; 0: all agree.
    """
    if other := _other_selection(path, fresh):
        return [other], 2
    lines = [*differences(path, fresh), *damaged]
    if page is not None:
        lines += _page_differs(path, page)
    count = len(fresh["judgements"])
    if lines:
        return [*lines, f"{path}: {counted(len(lines), 'difference')} from what the runs give"], 2
    if not count:
        return [f"{path}: there is no verdict to verify"], 3
    waiting = Counter(row["verdict"] for row in fresh["judgements"] if row["verdict"] in ("PENDING", "BLOCKED"))
    if waiting:
        words = " and ".join(f"{number} {word}" for word, number in sorted(waiting.items()))
        rest = count - waiting.total()
        return [f"{path}: {rest} of {count} verdicts are as computed from the runs; {words}"], 3
    return [f"{path}: all {count} verdicts are as computed from the runs"], 0


def _other_selection(path: Path, fresh: Json) -> str:
    """What is wrong if other checks were judged than are verified; "" if they are the same."""
    stored = load(path)
    old, new = ({row["check"] for row in made["judgements"]} for made in (stored, fresh))
    if stored["scale"] == fresh["scale"] and old == new:
        return ""
    if stored["scale"] != fresh["scale"]:
        return (
            f"{path} is of scale {stored['scale']}, and scale {fresh['scale']} was asked for; say: "
            f"--scale {stored['scale']}"
        )
    (apart, *_), where = (sorted(old - new), "it") if old - new else (sorted(new - old), "this selection")
    return (
        f"{path} has {len(old)} checks, and this selection {len(new)}; {apart}, for one, is in {where} alone. "
        "Select what was judged: the same claims, -k and --data."
    )


def _page_differs(path: Path, page: Callable[[Json], bytes]) -> list[str]:
    """One line if the report.html beside a document is not its page."""
    report = path.with_name("report.html")
    try:
        if not report.exists() or read_plain(report) == page(load(path)):
            return []
    except OSError as error:
        return [f"{report} cannot be read ({error.strerror}); make it again with: repro report"]
    except StoreError as error:
        return [str(error)]
    return [f"{report} is not what {path.name} gives; make it again with: repro report"]


def differences(path: Path, fresh: Json) -> list[str]:
    """Differences between a stored document and a fresh one, one line each: row, field, stored and fresh value.

    Cluster hours are compared only if this store has them: imported runs come without, and ``unverified`` says so. The
    cost of missing runs is not compared: it is an estimate for the machine that makes it. Nor is which runs have their
    tensors: an export may leave them out, and another may add them. Numbers are compared to nine digits.
    """
    stored = load(path)
    prices = {row["id"]: row["seconds"] for row in stored["coverage"]}
    hours = {entry["scale"]: entry["core_hours"] for entry in stored["scales"]}
    there = {run["key"]: run["tensors"] for part in ("runs", "waiting") for run in stored[part]}
    fresh = {
        **fresh,
        "cluster": fresh["cluster"] if fresh["cluster"] is not None else stored["cluster"],
        "coverage": [{**row, "seconds": prices.get(row["id"])} for row in fresh["coverage"]],
        "scales": [{**one, "core_hours": hours.get(one["scale"], one["core_hours"])} for one in fresh["scales"]],
        **{
            part: [{**run, "tensors": there.get(run["key"], run["tensors"])} for run in fresh[part]]
            for part in ("runs", "waiting")
        },
    }
    fresh = _as_stored(fresh, stored)
    lines = []
    for part, name in (("judgements", "check"), ("claims", "claim"), ("runs", "key"), ("coverage", "id")):
        old, new = ({str(row.get(name)): row for row in made.get(part, [])} for made in (stored, fresh))
        for key in sorted(old.keys() | new.keys()):
            lines += [f"{part} {key}: {line}" for line in _compare(old.get(key), new.get(key))]
    rest = {"judgements", "claims", "runs", "coverage"}
    lines += _compare(
        {k: v for k, v in stored.items() if k not in rest}, {k: v for k, v in fresh.items() if k not in rest}
    )
    if not lines and path.read_bytes() != text(fresh).encode():
        lines.append(f"{path} holds the same values in other bytes: it was edited")
    return lines


def _as_stored(fresh: Any, stored: Any) -> Any:
    """A fresh value with the stored number in the place of each that is the same to nine digits."""
    if isinstance(fresh, dict) and isinstance(stored, dict):
        return {key: _as_stored(value, stored.get(key)) for key, value in fresh.items()}
    if isinstance(fresh, list) and isinstance(stored, list) and len(fresh) == len(stored):
        return [_as_stored(*pair) for pair in zip(fresh, stored, strict=True)]
    if isinstance(fresh, float) and isinstance(stored, float) and math.isclose(fresh, stored, rel_tol=SAME):
        return stored
    return fresh


def unverified(path: Path, fresh: Json, store: Path) -> list[str]:
    """What a document says that a store cannot confirm, in a few words each."""
    stored = load(path)
    without = sum(not (store / row["key"] / TENSORS).exists() for row in stored["runs"])
    marks = [CODE_ALIKE in row["marks"] for row in stored["judgements"]]
    return [
        *([f"{counted(without, 'run')} came without trained tensors"] if without else []),
        *(
            [f"“{CODE_ALIKE}”, of {counted(sum(marks), 'verdict')}, is taken from claims/compared.json"]
            if any(marks)
            else []
        ),
        *(["the account of the cluster is not in this store"] if stored["cluster"] and not fresh["cluster"] else []),
    ]


def _compare(old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [f"stored {_short(old)}, computed {_short(new)}"]
    return [
        f"{key}: stored {_short(old.get(key))}, computed {_short(new.get(key))}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _short(value: Any) -> str:
    shown = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 160 else shown[:157] + "…"
