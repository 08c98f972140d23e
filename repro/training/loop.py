"""The training loop: a generator that yields one history row per evaluation."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from repro.runs.spec import RunSpec
from repro.training.data import Examples, Split, batches
from repro.training.optimizers import learning_rate, optimizer_of, slot_names
from repro.training.precision import arithmetic
from repro.training.trainable import Trainable

Row = dict[str, int | float | None]


@dataclass(kw_only=True)
class State:
    """Where a run stands at a step boundary: with the network's flat vectors, all that a checkpoint holds."""

    row: int  # finished rows of the history: epochs, or evaluations of a run counted in steps
    step: int  # finished steps of the row under way
    slots: dict[str, Tensor]  # what the optimiser remembers, each as long as the trained vector
    sums: Tensor  # (3,) float64: loss, correct and seen training examples of the row under way
    diverged: bool  # the training loss was not finite; the run ends there, as a result


def start(spec: RunSpec, net: Trainable) -> State:
    """The state before the first step."""
    sums = torch.zeros(3, dtype=torch.float64, device=net.running.device)
    slots = {name: torch.zeros_like(net.trained) for name in slot_names(spec)}
    return State(row=0, step=0, slots=slots, sums=sums, diverged=False)


def train(
    spec: RunSpec, net: Trainable, examples: Examples, state: State, pause: Callable[[State], bool]
) -> Iterator[Row]:
    """Trains on from ``state``, which it advances; yields after each row, and returns early if told to pause.

    ``pause`` is asked at every step boundary, where state and network are consistent and may be saved. Going on from
    what was saved there equals never having stopped, bit for bit on a CPU.
    """
    optimizer = optimizer_of(spec, net.trained, state.slots, steps=state.row * spec.row_steps + state.step)
    while state.row < spec.rows and not state.diverged:
        rate = learning_rate(spec, state.row)
        optimizer.param_groups[0]["lr"] = rate
        row = batches(spec, examples, state.row)
        net.model.train()
        while state.step < row.count:
            if pause(state):
                return
            _step(spec, net, *row.of(state.step), optimizer, state)
            state.step += 1
        loss, correct, seen = state.sums.tolist()
        state.diverged = not math.isfinite(loss)
        scores = evaluate(spec, net, examples, examples.test)
        state.sums.zero_()
        state.row, state.step = state.row + 1, 0
        yield {
            spec.row_name: state.row,
            "learning_rate": rate,
            "train_loss": None if state.diverged else loss / seen,
            "train_top1": 100 * correct / seen,
            "test_loss": scores["loss"],
            "test_top1": scores["top1"],
            "test_top5": scores["top5"],
        }


@torch.no_grad()
def evaluate(spec: RunSpec, net: Trainable, examples: Examples, split: Split) -> dict[str, float | None]:
    """Top-1 and top-5 accuracy (percent) and mean cross-entropy on a split, with running statistics.

    A loss that is not finite is None.
    """
    net.model.eval()
    device = split.labels.device
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    for inputs, labels in zip(torch.split(split.inputs, 1000), torch.split(split.labels, 1000), strict=True):
        with arithmetic(spec.precision, device):
            # In pieces, for the memory of a worker; the loss is summed over 1000, and so keeps its bits.
            logits = torch.cat([net.model(examples.normalise(piece)) for piece in torch.split(inputs, 250)]).float()
        best = logits.topk(5).indices == labels[:, None]
        sums += torch.stack(
            [functional.cross_entropy(logits, labels, reduction="sum"), best[:, 0].sum(), best.sum()]
        ).double()
    count = len(split.labels)
    loss, top1, top5 = sums.tolist()
    return {
        "loss": loss / count if math.isfinite(loss) else None,
        "top1": 100 * top1 / count,
        "top5": 100 * top5 / count,
    }


def _step(
    spec: RunSpec, net: Trainable, x: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer, state: State
) -> None:
    with arithmetic(spec.precision, x.device):
        logits = net.model(x)
    loss = functional.cross_entropy(logits.float(), labels)
    if net.names:  # with nothing to train, only the running statistics move
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        net.trained.grad.zero_()  # type: ignore[union-attr]
    with torch.no_grad():
        correct = (logits.argmax(1) == labels).sum()
        seen = torch.full_like(loss, len(labels))  # on the device: a stack takes no scalar from the CPU
        state.sums += torch.stack([loss.double() * len(labels), correct.double(), seen.double()])
