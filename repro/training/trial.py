"""Whether another way to take steps computes what the eager one does, as far as rounding lets it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from repro.runs.network_spec import NetworkSpec
from repro.training.data import Batches, Examples, batches
from repro.training.models.cifar import BasicBlock
from repro.training.models.small_stem import Bottleneck
from repro.training.optimizers import learning_rate
from repro.training.step import State, Step, eager
from repro.training.trainable import Trainable

ULP = 2.0**-23  # a unit in the last place of float32
TIMES = 2.0  # the noise of two roundings: one in each way
MOST = 0.5  # of what the steps moved: a way that moves nothing is 1 apart, and more noise than this shows nothing
SUMS = 16 * 2.0**-23  # of the size of a vector: float32 sums in another order, where the network makes no noise
# In a lower precision: how much further from float32 than the eager way, by NAMES. In bfloat16, right ways were 0.8 to
# 1.3 times as far (23 trials; 8x8 images, batches of 8, depth 14 to 866). A dγ half as large again was 2.0 to 5.2 times
# to depth 110 (18 trials), but 1.3 times at 866, and 1.1 in every other BatchNorm alone at 110, where it does not show;
# other faults were further (claims/SCALES.md). Losses are one number a step: of two right ways, one is 3 times as far
# as the other in one trial of a thousand.
FURTHER = (4.0, 1.5, 1.5, 1.5)
TAMED = 0.1  # of γ at the end of each block, there: see _tamed

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
    amplifies rounding from step to step (in ten steps of a ResNet-56, to a third of what they moved). In float32,
    losses, trained vector, running statistics and momenta may then differ by ``TIMES`` as much as they do when the
    plain way takes the step with every parameter moved by a unit in the last place, and by no more than ``MOST`` of
    what the steps did. In a lower precision that would allow a deep network everything; there both ways are held
    against the same step in float32, from which the way may be ``FURTHER`` than the plain one. Everything is put back
    as it was.
    """
    steps = course(spec, examples, state.row)
    look = _beside_noise if spec.precision == "float32" else _beside_float32

    def differs(step: Step) -> str:
        apart, noise, did, size = (
            torch.zeros(len(NAMES), dtype=torch.float64, device=net.running.device) for _ in range(4)
        )
        with undone(net, state):
            net.model.train()
            for number, at in enumerate(steps, 1):
                found, other, reference, same = look(spec, net, state, plain, step, at)
                if not same:
                    return f"in step {number}, it saw other examples than the eager way"
                apart += _squares([one - two for one, two in zip(found, reference, strict=True)])
                noise += _squares([one - two for one, two in zip(other, reference, strict=True)])
                did += _squares(reference)
                size += _squares(_vectors(net, state))
        if spec.precision == "float32":
            explained = torch.minimum(TIMES * noise.sqrt(), MOST * did.sqrt())
        else:
            explained = torch.tensor(FURTHER).to(noise) * noise.sqrt()
        allowed = torch.maximum(explained, SUMS * size.sqrt())
        for name, one, most in zip(NAMES, apart.sqrt().tolist(), allowed.tolist(), strict=True):
            if not one <= most:  # nor if one is not finite
                return f"in {len(steps)} steps, the {name} differ by {one:.1e}, and rounding explains {most:.1e}"
        return ""

    return differs


Changes = list[Tensor]  # by how much a step changed what NAMES says


def _beside_noise(
    _spec: NetworkSpec, net: Trainable, state: State, plain: Step, step: Step, at: tuple[Batches, int, float]
) -> tuple[Changes, Changes, Changes, bool]:
    """What a step changes, the plain one from rounded parameters, and the plain one; whether both saw as many examples.

    The plain step has been taken then.
    """
    with undone(net, state), _rounded(net, ULP):
        noisy = _changes(net, state, plain, at)
    with undone(net, state):
        found, seen = _changes(net, state, step, at), state.sums[2].clone()
    expected = _changes(net, state, plain, at)
    return found, noisy, expected, torch.equal(seen, state.sums[2])


def _beside_float32(
    spec: NetworkSpec, net: Trainable, state: State, plain: Step, step: Step, at: tuple[Batches, int, float]
) -> tuple[Changes, Changes, Changes, bool]:
    """What a step, the plain one and one in float32 change; whether the first two saw as many examples.

    All from a tamed network; the plain step has been taken on the network as it is then.
    """
    with undone(net, state), _tamed(net):
        with undone(net, state), _raised(net):
            exact = _changes(net, state, eager(replace(spec, precision="float32"), net, state), at)
        with undone(net, state):
            found, seen = _changes(net, state, step, at), state.sums[2].clone()
        expected = _changes(net, state, plain, at)
        same = torch.equal(seen, state.sums[2])
    plain(*at)
    return found, expected, exact, same


NAMES = ("losses", "trained vectors", "running statistics", "momenta")


def _vectors(net: Trainable, state: State) -> list[Tensor]:
    """Copies of what NAMES says, float64."""
    slots = [state.sums[:0], *state.slots.values()]  # of an optimiser that has none, an empty vector
    momenta = torch.cat([one.flatten() for one in slots])
    vectors = (state.sums[:1], net.trained, net.running, momenta)
    return [one.detach().to(torch.float64, copy=True) for one in vectors]


def _changes(net: Trainable, state: State, step: Step, at: tuple[Batches, int, float]) -> Changes:
    """By how much a step changes them."""
    before = _vectors(net, state)
    step(*at)
    return [after - one for one, after in zip(before, _vectors(net, state), strict=True)]


def _squares(vectors: list[Tensor]) -> Tensor:
    """The sum of squares of each vector, (vectors,) float64."""
    return torch.stack([one.square().sum() for one in vectors])


@contextmanager
def _rounded(net: Trainable, unit: float) -> Iterator[None]:
    """While open, every parameter is moved by a unit of its size, up or down by chance."""
    generator = np.random.default_rng(0)
    parameters = list(net.model.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for parameter in parameters:
            drawn = torch.from_numpy(generator.integers(0, 2, parameter.shape, np.int8))  # 16 times as fast as floats
            signs = drawn.to(parameter.device).to(parameter.dtype).mul_(2).sub_(1)
            parameter.add_(parameter * signs, alpha=unit)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)


@contextmanager
def _tamed(net: Trainable) -> Iterator[None]:
    """While open, every block adds a tenth of what it does to its input, and takes up less rounding of those before it.

    Else deep networks are so far from float32 in any way that few faults show: of a ResNet-56 in bfloat16, a way whose
    every dγ is half as large again is 1.1 times as far as the right one, and tamed 2.6 times.
    """
    blocks = [module for module in net.model.modules() if isinstance(module, BasicBlock | Bottleneck)]
    last: list[Any] = [block.bn3 if isinstance(block, Bottleneck) else block.bn2 for block in blocks]
    weights: list[Tensor] = [norm.weight for norm in last if isinstance(getattr(norm, "weight", None), Tensor)]
    before = [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight in weights:
            weight.mul_(TAMED)
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, value in zip(weights, before, strict=True):
                weight.copy_(value)


@contextmanager
def _raised(net: Trainable) -> Iterator[None]:
    """While open, weights that are stored in bfloat16 are float32; what a recorded step reads keeps its place."""
    lowered = [(one, one.data) for one in net.model.parameters() if one.dtype != torch.float32]
    for parameter, stored in lowered:
        parameter.data = stored.float()
    try:
        yield
    finally:
        for parameter, stored in lowered:
            parameter.data = stored
