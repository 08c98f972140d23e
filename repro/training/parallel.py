"""Training by several processes at once: a generator that yields one history row per epoch, in each of them."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from repro.errors import DataError
from repro.runs.imagenet_spec import ImageNetSpec
from repro.training.data import Examples
from repro.training.group import ALONE, Group
from repro.training.images import Batch, FileSplit, permuted, shared
from repro.training.loop import Row, State, block_sums, scores
from repro.training.optimizers import learning_rate, update_of
from repro.training.precision import arithmetic
from repro.training.trainable import Trainable


def train_together(
    spec: ImageNetSpec,
    net: Trainable,
    examples: Examples,
    state: State,
    pause: Callable[[State], bool],
    group: Group = ALONE,
) -> Iterator[Row]:
    """Trains on from the state of the first process, as ``loop.train`` does; rows and states are equal in all.

    ``pause`` is asked in every process at every step boundary, and all of them stop where any is told to.

    Raises:
        DataError: an image of any process cannot be read; in all of them.
    """
    _begin_as_first(net, state, group)
    split = examples.train
    assert isinstance(split, FileSplit)
    steps = state.row * spec.row_steps + state.step
    update = update_of(spec, net.trained, state.slots, steps=steps)
    while state.row < spec.rows and not state.diverged:
        batches = permuted(spec, state.row, len(split.labels))
        shards = [shared(batch, group.rank, group.size) for batch in batches[state.step :]]
        net.model.train()
        found = split.epoch(state.row, shards)
        for batch in batches[state.step :]:
            mine = next(found)
            if group.agree(pause(state), mine if isinstance(mine, str) else ""):
                return
            assert not isinstance(mine, str)
            rate = learning_rate(spec, state.row, state.step)
            _step(spec, net, examples, mine, len(batch), partial(update, rate), state, group)
            state.step += 1
        loss, correct, seen = state.sums.tolist()
        state.diverged = not math.isfinite(loss)
        found_scores = evaluate_together(spec, net, examples, group)
        state.sums.zero_()
        state.row, state.step = state.row + 1, 0
        yield {
            "epoch": state.row,
            "learning_rate": learning_rate(spec, state.row - 1, spec.row_steps - 1),  # of its last step
            "train_loss": None if state.diverged else loss / seen,
            "train_top1": 100 * correct / seen,
            "test_loss": found_scores["loss"],
            "test_top1": found_scores["top1"],
            "test_top5": found_scores["top5"],
        }


@torch.no_grad()
def evaluate_together(spec: ImageNetSpec, net: Trainable, examples: Examples, group: Group) -> dict[str, float | None]:
    """What ``loop.evaluate`` gives, to the bit, of the test images: each process takes every so many-th block.

    The running statistics are those of the first process, in all of them from then on.
    """
    split = examples.test
    assert isinstance(split, FileSplit)
    group.follow_first(net.running)
    net.model.eval()
    count = math.ceil(len(split.labels) / spec.share)
    sums = torch.zeros(count, 3, dtype=torch.float64, device=split.labels.device)
    numbers, fault = range(group.rank, count, group.size), ""
    try:
        for number, (images, labels) in zip(numbers, split.blocks(group.rank, group.size), strict=True):
            sums[number] = block_sums(spec, net, examples, images, labels)
    except DataError as error:
        fault = str(error)
    group.agree(False, fault)
    group.add(sums)  # each row has one process's numbers, and zeros
    total = torch.zeros_like(sums[0])
    for row in sums:  # in order, as one process adds them up
        total += row
    return scores(total, len(split.labels))


def _begin_as_first(net: Trainable, state: State, group: Group) -> None:
    """Gives all processes the state of the first, which alone has read the checkpoint."""
    place = torch.tensor([state.row, state.step, int(state.diverged)])
    group.follow_first(place, net.trained, net.running, state.sums, *state.slots.values())
    state.row, state.step, state.diverged = int(place[0]), int(place[1]), bool(place[2])


def _step(
    spec: ImageNetSpec,
    net: Trainable,
    examples: Examples,
    mine: Batch,
    whole: int,
    update: Callable[[], None],
    state: State,
    group: Group,
) -> None:
    """One step on this process's share of a batch of ``whole`` images; a process without any adds zeros."""
    images, labels = mine
    sums = torch.zeros_like(state.sums)
    if len(labels):
        x: Tensor = examples.normalise(images)
        with arithmetic(spec.precision, x.device):
            logits = net.model(x)
        loss = functional.cross_entropy(logits.float(), labels)
        if net.names:
            (loss * (len(labels) / whole)).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            sums[0], sums[1] = loss.double() * len(labels), (logits.argmax(1) == labels).sum()
            sums[2] = len(labels)
    group.add(sums)
    state.sums += sums
    if net.names:
        assert net.trained.grad is not None
        group.add(net.trained.grad)
        update()
        net.trained.grad.zero_()
