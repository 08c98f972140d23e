"""The training loop: a generator that yields one history row per evaluation."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from repro.runs.network_spec import NetworkSpec
from repro.training.data import Examples, Split, batches
from repro.training.images import FileSplit
from repro.training.optimizers import learning_rate
from repro.training.precision import arithmetic
from repro.training.step import State as State
from repro.training.step import Step, eager
from repro.training.step import start as start
from repro.training.trainable import Trainable

Row = dict[str, int | float | None]


def train(
    spec: NetworkSpec,
    net: Trainable,
    examples: Examples,
    state: State,
    pause: Callable[[State], bool],
    step: Step | None = None,
) -> Iterator[Row]:
    """Trains on from ``state``, which it advances; yields after each row, and returns early if told to pause.

    ``pause`` is asked at every step boundary, where state and network are consistent and may be saved. Going on from
    what was saved there equals never having stopped, bit for bit on a CPU. ``step`` is another way to take the steps
    than the eager one.
    """
    step = step or eager(spec, net, state)
    while state.row < spec.rows and not state.diverged:
        rate = learning_rate(spec, state.row)
        row = batches(spec, examples, state.row)
        net.model.train()
        while state.step < row.count:
            if pause(state):
                return
            step(row, state.step, rate)
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
def evaluate(
    spec: NetworkSpec, net: Trainable, examples: Examples, split: Split | FileSplit
) -> dict[str, float | None]:
    """Top-1 and top-5 accuracy (percent) and mean cross-entropy on a split, with running statistics.

    A loss that is not finite is None.
    """
    net.model.eval()
    sums = torch.zeros(3, dtype=torch.float64, device=split.labels.device)
    for inputs, labels in split.blocks():
        sums += block_sums(spec, net, examples, inputs, labels)
    return scores(sums, len(split.labels))


def block_sums(spec: NetworkSpec, net: Trainable, examples: Examples, inputs: Tensor, labels: Tensor) -> Tensor:
    """(3,) float64: loss, hits of the best and hits of the best five of a network in evaluation mode."""
    together = 250 if labels.device.type == "cpu" else 1000  # in pieces, for the memory of a worker
    with arithmetic(spec.precision, labels.device):
        # The loss is summed over 1000 in any case, and so keeps its bits.
        pieces = torch.split(inputs, together)
        logits = torch.cat([net.model(examples.normalise(piece)) for piece in pieces]).float()
    best = logits.topk(5).indices == labels[:, None]
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([loss, best[:, 0].sum(), best.sum()]).double()


def scores(sums: Tensor, count: int) -> dict[str, float | None]:
    """What the sums over ``count`` examples come to; a loss that is not finite is None."""
    loss, top1, top5 = sums.tolist()
    return {
        "loss": loss / count if math.isfinite(loss) else None,
        "top1": 100 * top1 / count,
        "top5": 100 * top5 / count,
    }
