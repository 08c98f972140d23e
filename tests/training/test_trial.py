"""The trial of ways in bfloat16, where deep networks are far from float32 in any way: right and wrong ones are told."""

import dataclasses
import re
from contextlib import contextmanager

import pytest
import torch
from torch.nn import functional

from repro.training.models.cifar import BasicBlock
from repro.training.step import eager
from repro.training.trainable import frozen_hash, lower
from repro.training.trial import trial
from tests.training.test_step import made, short


class Backward(torch.autograd.Function):
    """A function and the gradient that it is pretended to have, by name."""

    @staticmethod
    def forward(ctx, x, what):
        ctx.what = what
        return x.clamp(min=0) if what == "no mask" else x.clone()

    @staticmethod
    def backward(ctx, d):
        return (d if ctx.what == "no mask" else 1.5 * d), None


def normalised(norm, x, z=None, *, fault=""):
    """BatchNorm, sum and ReLU in float32, rounded once, as fused kernels compute them; or with a fault."""
    gamma = Backward.apply(norm.weight, "larger") if fault == "dγ of a wrong scale" else norm.weight
    statistics = norm.running_mean, norm.running_var
    if fault == "statistics that stay":
        statistics = tuple(one.clone() for one in statistics)
    y = functional.batch_norm(x.float(), *statistics, gamma, norm.bias, True, norm.momentum, norm.eps)
    y = 1.1 * y if fault == "a wrong scale" else y
    y = y if z is None or fault == "no sum" else y + z.float()
    if fault == "no ReLU" and z is not None:
        return y.to(x.dtype)
    return (Backward.apply(y, "no mask") if fault == "no mask backward" else functional.relu(y)).to(x.dtype)


@contextmanager
def once_rounded(model, fault):
    blocks = [module for module in model.modules() if isinstance(module, BasicBlock)]
    for block in blocks:

        def forward(x, block=block):
            y = normalised(block.bn1, block.conv1(x), fault=fault)
            return normalised(block.bn2, block.conv2(y), block.downsample(x), fault=fault)

        block.__dict__["forward"] = forward
    try:
        yield
    finally:
        for block in blocks:
            del block.__dict__["forward"]


def set_up(depth, **changes):
    spec = short(depth=depth, precision="bfloat16", **changes)
    net, state, examples, _ = made(spec)
    lower(net, spec.precision)
    return spec, net, examples, state


def held(this, make):
    spec, net, _, state = this
    plain = eager(spec, net, state)
    return trial(*this, plain)(make(plain, this))


def over_blocks(fault=""):
    def make(plain, this):
        def step(*at):
            with once_rounded(this[1].model, fault):
                plain(*at)

        return step

    return make


@pytest.mark.parametrize("depth", [14, 56])
def test_a_way_that_rounds_less_often_passes_at_any_depth(depth):
    assert held(set_up(depth), over_blocks()) == ""


@pytest.mark.parametrize("trained", ["all", "shortcut", "output", "none"])
def test_a_way_that_rounds_less_often_passes_whatever_is_trained(trained):
    assert held(set_up(14, trained=trained), over_blocks()) == ""


@pytest.mark.parametrize("depth", [14, 56])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("dγ of a wrong scale", "trained vectors"),
        ("no mask backward", "trained vectors"),
        ("a wrong scale", "losses|trained vectors"),  # on one processor its losses pass at depth 14
        ("no sum", "losses"),
        ("no ReLU", "losses"),
        ("statistics that stay", "running statistics"),
    ],
)
def test_a_wrong_way_fails_at_any_depth(fault, reason, depth):
    assert re.match(f"in 10 steps, the ({reason}) differ by", held(set_up(depth), over_blocks(fault)))


def stale_examples(plain, this):
    def step(row, number, rate):
        x, labels = row.of(number)
        plain(dataclasses.replace(row, of=lambda _: (first.setdefault(len(x), x), labels)), number, rate)

    first = {}
    return step


def stale_gammas(plain, this):
    """It reads γ and β where they were when it was made."""
    trained = this[1].trained
    there = trained.detach().clone()

    def step(*at):
        now = trained.detach().clone()
        with torch.no_grad():
            trained.copy_(there)
        plain(*at)
        with torch.no_grad():
            trained.add_(now - there)

    return step


def stale_rate(plain, this):
    return lambda row, number, _: plain(row, number, this[0].learning_rate)


def stale_momentum(plain, this):
    momentum = this[3].slots["momentum"]
    return lambda *at: (momentum.zero_(), plain(*at))


def lost_momentum(plain, this):
    """Each step is right, and the next one would not be: in the trial it begins where the plain way has come."""
    momentum = this[3].slots["momentum"]
    return lambda *at: (plain(*at), momentum.zero_())


@pytest.mark.parametrize("stale", [stale_examples, stale_gammas, stale_rate, stale_momentum, lost_momentum])
def test_a_way_that_reads_what_was_there_before_fails(stale):
    assert "in 10 steps, the " in held(set_up(56), stale)


def test_a_trial_leaves_everything_as_it_was():
    this = set_up(14)
    _, net, _, state = this
    places = [one.data_ptr() for one in net.model.parameters()]
    moved = [net.trained, net.trained.grad, net.running, state.sums, *state.slots.values()]
    before, hashed = [one.clone() for one in moved], frozen_hash(net)
    held(this, over_blocks())
    assert all(torch.equal(one, old) for one, old in zip(moved, before, strict=True))
    assert [one.data_ptr() for one in net.model.parameters()] == places  # which a recorded step has kept
    assert frozen_hash(net) == hashed
