"""Comparisons: whether the code that judged before gives the same results on the same runs, kept beside the claims."""

import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from repro.check import JUDGED_BY, Check, judging_code
from repro.errors import StoreError
from repro.provenance import claims
from repro.runs.canonical import digest, parse
from repro.runs.files import explain_write_errors, read_plain, write
from repro.runs.store import Run

FILE = "compared.json"
DECIDED = ("verdict", "answer", "seeds", "next_look", "p_for", "p_against", "p_against_corrected", "controls")
WORDS = ("label", "expected", "measured", "assumption", "why", "would_change")  # of a finding: told, not computed
SPREAD = ("interval", "interval_level", "degrees_of_freedom")  # of what is only measured: how its samples are told

Json = dict[str, Any]


def compare(older: Json, newer: Json) -> dict[str, list[str]]:
    """How two judgements of the same runs differ, by check that both judged on its runs; an empty list: not at all.

    What is decided and computed counts, not how it is told; of what is only measured, each seed's value and the mean. A
    field that one of them does not have yet does not count.

    Raises:
        StoreError: a check was judged on other runs.
    """
    before = {row["check"]: row for row in older["judgements"]}
    found = {}
    for row in newer["judgements"]:
        old = before.get(row["check"])
        if old is None or not (row["runs"] and old["runs"]):
            continue
        if _records(old["runs"]) != _records(row["runs"]):
            raise StoreError(f"{row['check']} was judged on other runs; the store changed meanwhile. Compare again.")
        found[row["check"]] = [*_differing(old, row, DECIDED), *_findings(old["findings"], row["findings"])]
    return found


def keep(older: Json, newer: Json, commit: str) -> dict[str, list[str]]:
    """Compares two judgements and keeps what was found; what was found for other code than today's goes.

    Raises:
        StoreError: as ``compare``, or the file is none of these or cannot be written.
    """
    found, rows = compare(older, newer), {row["check"]: row for row in newer["judgements"]}
    if not found:
        return found
    source, code, path = older["suite"]["judging_code_sha256"], judging_code(), claims() / FILE
    kept = [entry for entry in _read(path) if entry["code"] == code]
    known: Json = next((entry for entry in kept if entry["from"] == source), {"checks": {}})
    new = {
        f"{newer['scale']}:{check}": {"runs": digest(_records(rows[check]["runs"])), "differs": lines}
        for check, lines in found.items()
    }
    entry = {"commit": commit, "from": source, "code": code, "checks": {**known["checks"], **new}}
    kept = sorted([*(one for one in kept if one["from"] != source), entry], key=lambda one: str(one["from"]))
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, (json.dumps({"comparisons": kept}, indent=1, sort_keys=True) + "\n").encode())
    _comparisons.cache_clear()
    return found


def alike(check: Check, found: Mapping[str, Run], recoded: Collection[Run]) -> list[str]:
    """The commits whose code was compared with today's on these runs and gives the same results.

    One for each code that the runs ``recoded`` were trained under; none where one of those was not compared, or finds
    something else.
    """
    known = {
        entry["from"]: (entry["commit"], entry["checks"].get(f"{check.scale}:{check.id}"))
        for entry in _comparisons(claims() / FILE)
        if entry["code"] == judging_code()
    }
    runs, commits = digest(sorted({run.sha256 for run in found.values()})), []
    for code in sorted({run.record["criteria"][JUDGED_BY] for run in recoded}):
        commit, one = known.get(code, ("", None))
        if one is None or one["runs"] != runs or one["differs"]:
            return []
        commits.append(commit)
    return commits


@cache
def _comparisons(path: Path) -> list[Json]:
    return _read(path)


def _read(path: Path) -> list[Json]:
    """The comparisons in a file; none where there is no file.

    Raises:
        StoreError: it is none of these files.
    """
    try:
        made = parse(read_plain(path))["comparisons"]
        return [
            {
                **{name: str(entry[name]) for name in ("commit", "from", "code")},
                "checks": {
                    str(at): {"runs": str(one["runs"]), "differs": list(one["differs"])}
                    for at, one in entry["checks"].items()
                },
            }
            for entry in made
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} is not a file of comparisons ({error}); delete it: repro judge --by makes it."
        ) from None


def _records(runs: Iterable[Json]) -> list[str]:
    return sorted({str(entry["run_json_sha256"]) for entry in runs})


def _findings(old: list[Json], new: list[Json]) -> list[str]:
    if len(old) != len(new):
        return [f"findings: {len(old)}, now {len(new)}"]
    lines = []
    for number, (one, other) in enumerate(zip(old, new, strict=True), 1):
        told = (*WORDS, *SPREAD) if one.get("outcome") == other.get("outcome") == "measured" else WORDS
        names = [name for name in sorted(one.keys() & other.keys()) if name not in told]
        lines += [f"finding {number}, {line}" for line in _differing(one, other, names)]
    return lines


def _differing(old: Json, new: Json, names: Iterable[str]) -> list[str]:
    return [
        f"{name}: {json.dumps(old[name])[:80]}, now {json.dumps(new[name])[:80]}"
        for name in names
        if name in old and name in new and not _same(old[name], new[name])
    ]


def _same(old: Any, new: Any) -> bool:
    """Whether two values agree, as far as both say something: later documents say more of a sample."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(_same(old[name], new[name]) for name in old.keys() & new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)
