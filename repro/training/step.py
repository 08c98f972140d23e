"""One step of training: a batch moves the trained vector, the running statistics and the sums, all on the device."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from repro.runs.network_spec import NetworkSpec
from repro.training.data import Batches, Gather
from repro.training.optimizers import sgd, slot_names, update_of
from repro.training.precision import arithmetic
from repro.training.trainable import Trainable

# Takes the batches of a row, the number of the step in it from 0, and the learning rate.
Step = Callable[[Batches, int, float], None]


@dataclass(kw_only=True)
class State:
    """Where a run stands at a step boundary: with the network's flat vectors, all that a checkpoint holds."""

    row: int  # finished rows of the history: epochs, or evaluations of a run counted in steps
    step: int  # finished steps of the row under way
    slots: dict[str, Tensor]  # what the optimiser remembers, each as long as the trained vector
    sums: Tensor  # (3,) float64: loss, correct and seen training examples of the row under way
    diverged: bool  # the training loss was not finite; the run ends there, as a result


def start(spec: NetworkSpec, net: Trainable) -> State:
    """The state before the first step."""
    sums = torch.zeros(3, dtype=torch.float64, device=net.running.device)
    slots = {name: torch.zeros_like(net.trained) for name in slot_names(spec)}
    return State(row=0, step=0, slots=slots, sums=sums, diverged=False)


def eager(spec: NetworkSpec, net: Trainable, state: State) -> Step:
    """The step as torch runs it, one operation after the other: on every device, and of every kind of run."""
    update = update_of(spec, net.trained, state.slots, steps=state.row * spec.row_steps + state.step)

    def step(row: Batches, number: int, rate: float) -> None:
        x, labels = row.of(number)
        loss, logits = _forward(spec, net, x, labels)
        if net.names:  # with nothing to train, only the running statistics move
            loss.backward()  # type: ignore[no-untyped-call]
            update(rate)
            if net.mask is not None:  # what is pruned is 0 after every step, whatever the optimiser remembers of it
                net.trained.mul_(net.mask)
            net.trained.grad.zero_()  # type: ignore[union-attr]
        _add_up(state, loss, logits, labels)

    return step


def static(
    spec: NetworkSpec, net: Trainable, state: State, gather: Gather, tables: tuple[Tensor, ...], rate: Tensor
) -> Callable[[Tensor], None]:
    """The same step as a function of which examples, (B,) int64, that a GPU may record once and replay.

    Everything that changes from step to step lies in tensors whose memory stays: the indices, the row's ``tables``, the
    ``rate`` () float32, and what the step moves. It makes no tensor on the host and reads none back. Nothing of its
    network is pruned.
    """
    assert net.mask is None
    parameters = [net.model.get_parameter(name) for name in net.names]
    places = [one.grad for one in parameters if one.grad is not None]  # views into the gradient of the trained vector

    def step(index: Tensor) -> None:
        x, labels = gather.take(index, tables)
        loss, logits = _forward(spec, net, x, labels)
        if parameters:
            # Copied, not accumulated: an addition less for each parameter, and nothing to set to zero.
            torch._foreach_copy_(places, torch.autograd.grad(loss, parameters))
            sgd(spec, net.trained, state.slots["momentum"], rate)
        _add_up(state, loss, logits, labels)

    return step


def _forward(spec: NetworkSpec, net: Trainable, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of a batch, () float32, and its logits."""
    with arithmetic(spec.precision, x.device):
        logits = net.model(x)
    return functional.cross_entropy(logits.float(), labels), logits


@torch.no_grad()
def _add_up(state: State, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
    correct = (logits.argmax(1) == labels).sum()
    seen = torch.full_like(loss, len(labels))  # on the device: a stack takes no scalar from the CPU
    state.sums += torch.stack([loss.double() * len(labels), correct.double(), seen.double()])
