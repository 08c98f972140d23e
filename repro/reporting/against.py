"""What changed between two judgements: words, numbers, criteria and runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from repro.errors import StoreError

Json = dict[str, Any]

MOST = 12  # changes of one sort that are named


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference that a reader cares about."""

    name: str  # of a claim, check, finding or run
    before: str  # in the other judgement, "" where it has none
    after: str  # in this one, "" where it has none
    said: str  # both in a few words


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The differences of one sort."""

    what: str  # claim, check, number, criterion or run
    named: tuple[Change, ...]  # the first of them
    more: int  # that are not named


def changes(old: Json, new: Json) -> list[str]:
    """A line for each difference that a reader cares about; one line if there is none.

    Raises:
        StoreError: the two are of different scales.
    """
    lines = ["judging code: changed"] if other_code(old, new) else []
    for one in differences(old, new):
        lines += [f"{one.what} {change.name}: {change.said}" for change in one.named]
        lines += [f"{one.what}: {one.more} more"] if one.more else []
    return lines or ["no difference in words, numbers, criteria or runs"]


def differences(old: Json, new: Json) -> list[Changes]:
    """The differences between two judgements, those of one sort together; none of a sort without any.

    Raises:
        StoreError: the two are of different scales.
    """
    if old["scale"] != new["scale"]:
        raise StoreError(
            f"one is at scale {old['scale']} and the other at {new['scale']}; compare judgements of one scale."
        )
    before, after = _rows(old), _rows(new)
    shared = [(name, before[name], row) for name, row in after.items() if name in before]
    claims = _words(*({entry["claim"]: entry for entry in made["claims"]} for made in (old, new)))
    told = {change.name for change in claims}  # a claim with one point has a check of the same name
    found = {
        "claim": claims,
        "check": [*_one_sided(before, after, _said), *(one for one in _words(before, after) if one.name not in told)],
        "number": [change for name, a, b in shared for change in _numbers(name, a, b)],
        "criterion": [Change(name=name, before=a["criterion_sha256"][:12], after=b["criterion_sha256"][:12],
                             said="changed")
                      for name, a, b in shared if a["criterion_sha256"] != b["criterion_sha256"]],
        "run": _runs(old, new),
    }  # fmt: skip
    return [
        Changes(what=what, named=tuple(some[:MOST]), more=max(0, len(some) - MOST))
        for what, some in found.items()
        if some
    ]


def other_code(old: Json, new: Json) -> bool:
    """Whether the code that judges is another."""
    before, after = (made["suite"]["judging_code_sha256"] for made in (old, new))
    return bool(before != after)


def _words(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Change]:
    """What both have, and says something else."""
    pairs = [(name, _said(before[name]), _said(row)) for name, row in after.items() if name in before]
    return [Change(name=name, before=a, after=b, said=f"{a} -> {b}") for name, a, b in pairs if a != b]


def _said(entry: Mapping[str, Any]) -> str:
    return " ".join((entry["verdict"], *([entry["answer"]] if entry["answer"] != "none" else []), *entry["marks"]))


def _numbers(name: str, before: Json, after: Json) -> list[Change]:
    """Findings, in their order, whose measurement reads differently."""
    if len(before["findings"]) != len(after["findings"]):
        a, b = (f"{len(row['findings'])} findings" for row in (before, after))
        return [Change(name=name, before=a, after=b, said=f"{a} -> {b}")]
    pairs = zip(before["findings"], after["findings"], strict=True)
    return [
        Change(name=f"{name}, {b['label']}", before=a["measured"], after=b["measured"],
               said=f"{a['measured']} -> {b['measured']}")
        for a, b in pairs if (a["measured"], a["estimate"]) != (b["measured"], b["estimate"])
    ]  # fmt: skip


def _runs(old: Json, new: Json) -> list[Change]:
    before, after = ({run["key"]: run for run in made["runs"]} for made in (old, new))
    other = [
        Change(name=run["name"], before=before[key]["digest"][:12], after=run["digest"][:12],
               said="computed something else")
        for key, run in after.items() if key in before and before[key]["digest"] != run["digest"]
    ]  # fmt: skip
    return [*_one_sided(before, after, lambda run: str(run["outcome"])), *other]


def _one_sided(before: Mapping[str, Json], after: Mapping[str, Json], said: Callable[[Json], str]) -> list[Change]:
    """What only one of the two has."""
    gone = [Change(name=_name(row, key), before=said(row), after="", said="only in the other")
            for key, row in before.items() if key not in after]  # fmt: skip
    come = [Change(name=_name(row, key), before="", after=said(row), said="only here")
            for key, row in after.items() if key not in before]  # fmt: skip
    return [*gone, *come]


def _name(row: Json, key: str) -> str:
    return str(row.get("name", key))


def _rows(made: Json) -> dict[str, Json]:
    return {row["check"]: row for row in made["judgements"]}
