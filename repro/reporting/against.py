"""What changed between two judgements: words, numbers, criteria and runs."""

from collections.abc import Mapping
from typing import Any

from repro.errors import StoreError

Json = dict[str, Any]

MOST = 12  # changes of one sort that are named


def changes(old: Json, new: Json) -> list[str]:
    """A line for each difference that a reader cares about; one line if there is none.

    Raises:
        StoreError: the two are of different scales.
    """
    if old["scale"] != new["scale"]:
        raise StoreError(
            f"one is at scale {old['scale']} and the other at {new['scale']}; compare judgements of one scale."
        )
    before, after = _rows(old), _rows(new)
    lines = []
    if old["suite"]["judging_code_sha256"] != new["suite"]["judging_code_sha256"]:
        lines.append("judging code: changed")
    lines += _cut("claim", _claims(old, new))
    lines += _cut("check", [f"{name}: only in the other" for name in sorted(before.keys() - after.keys())])
    lines += _cut("check", [f"{name}: only here" for name in sorted(after.keys() - before.keys())])
    shared = [name for name in after if name in before]
    lines += _cut("check", [line for name in shared if (line := _word(name, before[name], after[name]))])
    lines += _cut("number", [line for name in shared for line in _numbers(name, before[name], after[name])])
    lines += _cut("criterion", [f"{name}: changed" for name in shared
                                if before[name]["criterion_sha256"] != after[name]["criterion_sha256"]])  # fmt: skip
    lines += _cut("run", _runs(old, new))
    return lines or ["no difference in words, numbers, criteria or runs"]


def _claims(old: Json, new: Json) -> list[str]:
    before = {entry["claim"]: _said(entry) for entry in old["claims"]}
    after = {entry["claim"]: _said(entry) for entry in new["claims"]}
    return [f"{name}: {before[name]} -> {word}" for name, word in after.items() if before.get(name, word) != word]


def _said(entry: Mapping[str, Any]) -> str:
    return " ".join((entry["verdict"], *([entry["answer"]] if entry["answer"] != "none" else []), *entry["marks"]))


def _word(name: str, before: Json, after: Json) -> str:
    return "" if _said(before) == _said(after) else f"{name}: {_said(before)} -> {_said(after)}"


def _numbers(name: str, before: Json, after: Json) -> list[str]:
    """Findings, in their order, whose measurement reads differently."""
    if len(before["findings"]) != len(after["findings"]):
        return [f"{name}: {len(before['findings'])} findings -> {len(after['findings'])}"]
    pairs = zip(before["findings"], after["findings"], strict=True)
    return [f"{name}, {b['label']}: {a['measured']} -> {b['measured']}" for a, b in pairs
            if (a["measured"], a["estimate"]) != (b["measured"], b["estimate"])]  # fmt: skip


def _runs(old: Json, new: Json) -> list[str]:
    before, after = ({run["key"]: run for run in made["runs"]} for made in (old, new))
    lines = [f"{before[key]['name']}: only in the other" for key in before if key not in after]
    lines += [f"{after[key]['name']}: only here" for key in after if key not in before]
    return lines + [
        f"{run['name']}: computed something else"
        for key, run in after.items()
        if key in before and before[key]["digest"] != run["digest"]
    ]


def _rows(made: Json) -> dict[str, Json]:
    return {row["check"]: row for row in made["judgements"]}


def _cut(what: str, lines: list[str]) -> list[str]:
    more = [f"{what}: {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [f"{what} {line}" for line in lines[:MOST]] + more
