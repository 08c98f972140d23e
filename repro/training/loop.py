"""The training loop: a generator that yields one history row per finished epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from repro.runs.spec import RunSpec
from repro.training.data import Images, augment
from repro.training.precision import arithmetic
from repro.training.streams import Purpose, stream
from repro.training.trainable import Trainable

Row = dict[str, int | float | None]


@dataclass(kw_only=True)
class State:
    """Where a run stands at a step boundary: with the network's flat vectors, all that a checkpoint holds."""

    epoch: int  # finished epochs
    step: int  # finished steps of the epoch under way
    momentum: Tensor  # SGD's momentum buffer, as long as the trained vector
    sums: Tensor  # (3,) float64: loss, correct and seen training images of the epoch under way
    diverged: bool  # the training loss was not finite; the run ends there, as a result


def start(net: Trainable) -> State:
    """The state before the first step."""
    sums = torch.zeros(3, dtype=torch.float64, device=net.running.device)
    return State(epoch=0, step=0, momentum=torch.zeros_like(net.trained), sums=sums, diverged=False)


def train(spec: RunSpec, net: Trainable, images: Images, state: State, pause: Callable[[State], bool]) -> Iterator[Row]:
    """Trains on from ``state``, which it advances; yields after each epoch, and returns early if told to pause.

    ``pause`` is asked at every step boundary, where state and network are consistent and may be saved. Going on from
    what was saved there equals never having stopped, bit for bit on a CPU.
    """
    optimizer = torch.optim.SGD(
        [net.trained], lr=spec.learning_rate, momentum=spec.momentum, weight_decay=spec.weight_decay
    )
    optimizer.state[net.trained]["momentum_buffer"] = state.momentum
    steps = math.ceil(len(images.train.labels) / spec.batch_size)
    while state.epoch < spec.epochs and not state.diverged:
        rate = learning_rate(spec, state.epoch)
        optimizer.param_groups[0]["lr"] = rate
        shuffled = stream(spec.seed, Purpose.ORDER, state.epoch).permutation(len(images.train.labels))
        order = torch.from_numpy(shuffled).to(images.train.labels.device)
        pixels_of = augment(images.train.pixels, spec.augmentation, spec.seed, state.epoch)
        net.model.train()
        while state.step < steps:
            if pause(state):
                return
            index = order[state.step * spec.batch_size : (state.step + 1) * spec.batch_size]
            _step(spec, net, images.normalise(pixels_of(index)), images.train.labels[index], optimizer, state)
            state.step += 1
        loss, correct, seen = state.sums.tolist()
        state.diverged = not math.isfinite(loss)
        scores = evaluate(spec, net, images)
        state.sums.zero_()
        state.epoch, state.step = state.epoch + 1, 0
        yield {
            "epoch": state.epoch,
            "learning_rate": rate,
            "train_loss": None if state.diverged else loss / seen,
            "train_top1": 100 * correct / seen,
            "test_loss": scores["loss"],
            "test_top1": scores["top1"],
            "test_top5": scores["top5"],
        }


def learning_rate(spec: RunSpec, epoch: int) -> float:
    """The learning rate of an epoch, counted from 0."""
    return spec.learning_rate * 0.1 ** sum(epoch >= drop for drop in spec.learning_rate_drops)


@torch.no_grad()
def evaluate(spec: RunSpec, net: Trainable, images: Images) -> dict[str, float | None]:
    """Top-1 and top-5 accuracy (percent) and mean cross-entropy on the test images, with running statistics.

    A loss that is not finite is None.
    """
    net.model.eval()
    device = images.test.labels.device
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    for pixels, labels in zip(
        torch.split(images.test.pixels, 1000), torch.split(images.test.labels, 1000), strict=True
    ):
        with arithmetic(spec.precision, device):
            logits = net.model(images.normalise(pixels)).float()
        best = logits.topk(5).indices == labels[:, None]
        sums += torch.stack(
            [functional.cross_entropy(logits, labels, reduction="sum"), best[:, 0].sum(), best.sum()]
        ).double()
    count = len(images.test.labels)
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
