"""Whether another way to take steps computes what the eager one does, as far as rounding lets it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from repro.runs.network_spec import NetworkSpec
from repro.training.data import Batches, Examples, batches
from repro.training.optimizers import learning_rate
from repro.training.step import State, Step
from repro.training.trainable import Trainable

# A unit in the last place that a precision keeps: of float32 24 bits, of TF32's factors 11, of bfloat16 8.
ULP = {"float32": 2.0**-23, "tf32": 2.0**-10, "bfloat16": 2.0**-7}
TIMES = 2.0  # the noise of two roundings: one in each way
MOST = 0.5  # of what the steps moved: a way that moves nothing is 1 apart, and more noise than this shows nothing
SUMS = 16 * 2.0**-23  # of the size of a vector: float32 sums in another order, where the network makes no noise

Course = list[tuple[Batches, int, float]]  # of steps: the batches of its row, its number in it, its learning rate


@contextmanager
def undone(net: Trainable, state: State) -> Iterator[None]:
    """Puts back, in the end, everything that steps move."""
    gradient = () if net.trained.grad is None else (net.trained.grad,)  # zero between eager steps, left over by others
    moved = (net.trained, *gradient, net.running, state.sums, *state.slots.values())
    before = [tensor.detach().clone() for tensor in moved]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(moved, before, strict=True):
                tensor.copy_(value)


def course(spec: NetworkSpec, examples: Examples, row: int) -> Course:
    """Ten steps in which everything changes that may: the first of a row, its last and short one, and the first of the
    next row at a tenth of the learning rate."""
    first, second, rate = batches(spec, examples, row), batches(spec, examples, row + 1), learning_rate(spec, row)
    numbers = [*range(min(5, first.count - 1)), first.count - 1]
    return [(first, number, rate) for number in numbers] + [(second, n, 0.1 * rate) for n in range(min(4, first.count))]


def trial(spec: NetworkSpec, net: Trainable, examples: Examples, state: State, plain: Step) -> Callable[[Step], str]:
    """A function that says why a way to take steps is not the plain one; "" if it is.

    The way takes the ten steps of ``course`` beside the plain one: each from where the plain one has come, as training
    amplifies rounding from step to step (in ten steps of a ResNet-56, to a third of what they moved). Losses, trained
    vector and running statistics may then differ by ``TIMES`` as much as they do when the plain way takes the step with
    every parameter moved by a unit in the last place of the precision, and by no more than ``MOST`` of what the steps
    did. Everything is put back as it was.
    """
    steps = course(spec, examples, state.row)

    def differs(step: Step) -> str:
        apart, noise, did, size = (torch.zeros(3, dtype=torch.float64, device=net.running.device) for _ in range(4))
        with undone(net, state):
            net.model.train()
            for number, at in enumerate(steps, 1):
                with undone(net, state), _rounded(net, ULP[spec.precision]):
                    noisy = _changes(net, state, plain, at)
                with undone(net, state):
                    found, seen = _changes(net, state, step, at), state.sums[2].clone()
                expected = _changes(net, state, plain, at)
                if not torch.equal(seen, state.sums[2]):
                    return f"in step {number}, it saw other examples than the eager way"
                apart += _squares([one - other for one, other in zip(found, expected, strict=True)])
                noise += _squares([one - other for one, other in zip(noisy, expected, strict=True)])
                did += _squares(expected)
                size += _squares(_vectors(net, state))
        allowed = torch.maximum(torch.minimum(TIMES * noise.sqrt(), MOST * did.sqrt()), SUMS * size.sqrt())
        for name, one, most in zip(NAMES, apart.sqrt().tolist(), allowed.tolist(), strict=True):
            if not one <= most:  # nor if one is not finite
                return f"in {len(steps)} steps, the {name} differ by {one:.1e}, and rounding explains {most:.1e}"
        return ""

    return differs


NAMES = ("losses", "trained vectors", "running statistics")


def _vectors(net: Trainable, state: State) -> list[Tensor]:
    """Copies of what NAMES says, float64."""
    return [one.detach().to(torch.float64, copy=True) for one in (state.sums[:1], net.trained, net.running)]


def _changes(net: Trainable, state: State, step: Step, at: tuple[Batches, int, float]) -> list[Tensor]:
    """By how much a step changes them."""
    before = _vectors(net, state)
    step(*at)
    return [after - one for one, after in zip(before, _vectors(net, state), strict=True)]


def _squares(vectors: list[Tensor]) -> Tensor:
    """The sum of squares of each vector, (3,) float64."""
    return torch.stack([one.square().sum() for one in vectors])


@contextmanager
def _rounded(net: Trainable, unit: float) -> Iterator[None]:
    """While open, every parameter is moved by a unit of its size, up or down by chance."""
    generator = np.random.default_rng(0)
    parameters = list(net.model.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for parameter in parameters:
            signs = torch.from_numpy(generator.choice([-1.0, 1.0], parameter.shape)).to(parameter)
            parameter.add_(parameter * signs, alpha=unit)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)
