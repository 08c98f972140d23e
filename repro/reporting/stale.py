"""A document whose verdicts are marked STALE, row by row, where the store is no longer what they were judged from."""

import copy
import hashlib
from pathlib import Path
from typing import Any

from repro.planning.quantities import counted
from repro.runs.files import read_plain
from repro.runs.store import RECORD

Json = dict[str, Any]

MARK = "STALE"


def marked(made: Json, results: Path) -> tuple[Json, list[str]]:
    """A copy of a document with the mark on each stale row and claim, and a line for each such row.

    A row is stale if a run that it rests on is gone or has another record, or a run that it waits for is complete. The
    record stands for all files of a run; that they are what it says, only ``judge --verify`` reads.
    """
    made, lines = copy.deepcopy(made), []
    needed = {run["key"] for row in made["judgements"] for run in (*row["runs"], *row["missing"])}
    now = {key: _record(results, key) for key in needed}
    for row in made["judgements"]:
        gone = [run["name"] for run in row["runs"] if now[run["key"]] is None]
        changed = [run["name"] for run in row["runs"] if now[run["key"]] not in (None, run["run_json_sha256"])]
        complete = [run["name"] for run in row["missing"] if now[run["key"]] is not None]
        found = ((gone, "gone"), (changed, "changed"), (complete, "added"))
        said = [f"{counted(len(names), 'run')} {word}, such as {names[0]}" for names, word in found if names]
        if said:
            row["marks"].append(MARK)
            lines.append(f"{MARK} {row['check']}: {'; '.join(said)}")
    stale = {row["claim"] for row in made["judgements"] if MARK in row["marks"]}
    for entry in made["claims"]:
        entry["marks"] += [MARK] if entry["claim"] in stale else []
    return made, lines


def _record(results: Path, key: str) -> str | None:
    """SHA-256 of a run's record; None if there is none."""
    try:
        return hashlib.sha256(read_plain(results / key / RECORD)).hexdigest()
    except OSError:
        return None
