"""What a run needs to resume where it stopped: written to, and read back from, its checkpoint."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from repro.runs.checkpoint import CHECKPOINT, HISTORY, pack, read_checkpoint
from repro.runs.spec import RunSpec
from repro.runs.store import write
from repro.training.loop import Row
from repro.training.step import State, start
from repro.training.trainable import Trainable


@dataclass(kw_only=True)
class Past:
    """What is recorded of a run besides its tensors."""

    criteria: dict[str, str]  # hashes of the rules when its training began
    rows: list[Row] = field(default_factory=list)  # the history
    parts: list[dict[str, Any]] = field(default_factory=list)  # the uninterrupted pieces of training so far


def write_history(folder: Path, rows: list[Row]) -> None:
    """Writes a line for each row."""
    write(folder / HISTORY, _lines(rows))


def write_checkpoint(
    folder: Path, spec: RunSpec, net: Trainable, state: State, past: Past, parts: list[dict[str, Any]]
) -> None:
    """Writes the history so far, then the checkpoint that vouches for it; ``parts`` are those up to now."""
    write_history(folder, past.rows)
    place = {
        spec.row_name: state.row,
        "step": state.step,
        "diverged": state.diverged,
        "parts": parts,
        "criteria": past.criteria,
    }
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in _tensors(net, state).items()}
    write(folder / CHECKPOINT, pack(spec, tensors, place, _lines(past.rows)))


def resume(folder: Path, spec: RunSpec, net: Trainable, criteria: dict[str, str]) -> tuple[State, Past]:
    """State and past of a run: those of its checkpoint, or of the start, under ``criteria``, where it has none.

    Raises:
        StoreError: the checkpoint is damaged.
    """
    state = start(spec, net)
    if not (folder / CHECKPOINT).exists():
        return state, Past(criteria=criteria)
    tensors, place, rows = read_checkpoint(folder, spec)
    with torch.no_grad():
        for name, tensor in _tensors(net, state).items():
            tensor.copy_(torch.from_numpy(tensors[name]))
    state.row, state.step, state.diverged = place[spec.row_name], place["step"], place["diverged"]
    return state, Past(criteria=place["criteria"], rows=rows, parts=place["parts"])


def _tensors(net: Trainable, state: State) -> dict[str, torch.Tensor]:
    return {"trained": net.trained, **state.slots, "running": net.running, "sums": state.sums}


def _lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode()
