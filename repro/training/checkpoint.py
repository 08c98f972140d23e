"""What a run needs to resume where it stopped: written to, and read back from, its checkpoint."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.runs.checkpoint import CHECKPOINT, HISTORY, pack, read_checkpoint
from repro.runs.spec import RunSpec
from repro.runs.store import write
from repro.training.learner import Learner
from repro.training.loop import Row


@dataclass(kw_only=True)
class Past:
    """What is recorded of a run besides its tensors."""

    criteria: dict[str, str]  # hashes of the rules when its training began
    rows: list[Row] = field(default_factory=list)  # the history
    parts: list[dict[str, Any]] = field(default_factory=list)  # the uninterrupted pieces of training so far


def write_history(folder: Path, rows: list[Row]) -> None:
    """Writes a line for each row."""
    write(folder / HISTORY, _lines(rows))


def write_checkpoint(folder: Path, spec: RunSpec, one: Learner, past: Past, parts: list[dict[str, Any]]) -> None:
    """Writes the history so far, then the checkpoint that vouches for it; ``parts`` are those up to now."""
    write_history(folder, past.rows)
    at = one.place
    place = {
        spec.row_name: at.row,
        "step": at.step,
        "diverged": at.diverged,
        "parts": parts,
        "criteria": past.criteria,
    }
    write(folder / CHECKPOINT, pack(spec, one.memory(), place, _lines(past.rows)))


def resume(folder: Path, spec: RunSpec, one: Learner, criteria: dict[str, str]) -> Past:
    """The past of a run, and its learner where the checkpoint left it; of one without, nothing, under ``criteria``.

    Raises:
        StoreError: the checkpoint is damaged.
    """
    if not (folder / CHECKPOINT).exists():
        return Past(criteria=criteria)
    memory, place, rows = read_checkpoint(folder, spec)
    at = one.place
    at.row, at.step, at.diverged = place[spec.row_name], place["step"], place["diverged"]
    one.recall(memory)
    return Past(criteria=place["criteria"], rows=rows, parts=place["parts"])


def _lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode()
