"""What a run needs to go on where it was stopped: written to, and taken up from, its checkpoint."""

import json
from pathlib import Path
from typing import Any

import torch

from repro.runs.checkpoint import CHECKPOINT, HISTORY, pack, read_checkpoint
from repro.runs.spec import RunSpec
from repro.runs.store import write
from repro.training.loop import Row, State, start
from repro.training.trainable import Trainable


def write_history(folder: Path, rows: list[Row]) -> None:
    """Writes a line for each row."""
    write(folder / HISTORY, _lines(rows))


def write_checkpoint(
    folder: Path, spec: RunSpec, net: Trainable, state: State, rows: list[Row], parts: list[dict[str, Any]]
) -> None:
    """Writes the history so far, then the checkpoint that vouches for it."""
    write_history(folder, rows)
    place = {"epoch": state.epoch, "step": state.step, "diverged": state.diverged, "parts": parts}
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in _tensors(net, state).items()}
    write(folder / CHECKPOINT, pack(spec, tensors, place, _lines(rows)))


def resume(folder: Path, spec: RunSpec, net: Trainable) -> tuple[State, list[Row], list[dict[str, Any]]]:
    """State, history and earlier parts of a run: those of its checkpoint, or of the start where it has none.

    Raises:
        StoreError: the checkpoint is damaged.
    """
    state = start(net)
    if not (folder / CHECKPOINT).exists():
        return state, [], []
    tensors, place, rows = read_checkpoint(folder, spec)
    with torch.no_grad():
        for name, tensor in _tensors(net, state).items():
            tensor.copy_(torch.from_numpy(tensors[name]))
    state.epoch, state.step, state.diverged = place["epoch"], place["step"], place["diverged"]
    return state, rows, place["parts"]


def _tensors(net: Trainable, state: State) -> dict[str, torch.Tensor]:
    return {"trained": net.trained, "momentum": state.momentum, "running": net.running, "sums": state.sums}


def _lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode()
