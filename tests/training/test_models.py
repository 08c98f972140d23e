import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from repro.recipes import built, cifar
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.streams import Purpose, stream
from repro.training.measure import parameters
from repro.training.models import build, parts
from repro.training.models.initial import affine, fill, weights


def closed_counts(depth, width, channels_in=3, classes=10):
    """Parameters of a CIFAR ResNet by part, from the architecture's description alone."""
    blocks, c = (depth - 2) // 6, 16 * width
    convolution = 9 * channels_in * c + sum(9 * (2 * blocks - 1) * (c * 2**g) ** 2 for g in range(3))
    convolution += 9 * (c * c + c * 2 * c + 2 * c * 4 * c)  # the first convolution of each group
    shortcut = c * 2 * c + 2 * c * 4 * c
    batchnorm = 2 * (c + 2 * blocks * (c + 2 * c + 4 * c) + 2 * c + 4 * c)
    return {
        "convolution": convolution,
        "shortcut": shortcut,
        "batchnorm": batchnorm,
        "output": 4 * c * classes + classes,
    }


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 40), width=st.integers(1, 8))
def test_counts_equal_the_closed_formula(n, width):
    measured = parameters(built(depth=6 * n + 2, width=width))
    expected = closed_counts(6 * n + 2, width)
    assert measured == {**expected, "total": sum(expected.values())}


def test_resnet_101_has_torchvisions_count():
    assert parameters(built(depth=101, family="imagenet-resnet"))["total"] == 44_549_160


def test_batchnorm_counts_the_shortcuts_too_and_shortcut_its_convolution_alone():
    where = parts(build(built(depth=8)))
    assert where["blocks.1.downsample.1.weight"] == "batchnorm"
    assert where["blocks.1.downsample.0.weight"] == "shortcut"
    assert where["fc.bias"] == "output"


@pytest.mark.parametrize(("depth", "width", "side"), [(8, 1, 8), (14, 2, 32)])
def test_groups_halve_the_image_and_double_the_channels(depth, width, side):
    model = fill(build(built(depth=depth, width=width)), built(depth=depth, width=width))
    out = model.blocks(model.conv(torch.zeros(2, 3, side, side)))
    assert out.shape == (2, 64 * width, side // 4, side // 4)
    assert model(torch.zeros(2, 3, side, side)).shape == (2, 10)


def test_residual_block_adds_its_shortcut_before_the_last_relu():
    block = fill(build(built(depth=8)), built(depth=8)).blocks[0].eval()
    with torch.no_grad():
        block.bn2.weight.zero_()  # silences the branch: what is left is relu(x)
        x = torch.randn(2, 16, 4, 4)
        assert torch.equal(block(x.clone()), x.relu())


@given(kind=st.sampled_from(ResNetSpec.CHOICES["weight_init"]), seed=st.integers(0, 10))
@settings(deadline=None)
def test_weights_have_the_moments_of_their_initialisation(kind, seed):
    shape, fan_in = (64, 32, 3, 3), 288
    drawn = weights(shape, kind, stream(seed, Purpose.WEIGHTS))
    assert drawn.dtype == np.float32
    assert drawn.shape == shape
    assert abs(drawn.mean()) < 5 * math.sqrt(2 / fan_in / drawn.size)
    if kind == "orthogonal":
        flat = drawn.reshape(64, -1)
        assert np.allclose(flat @ flat.T, np.eye(64), atol=1e-5)
    else:
        assert math.isclose(drawn.std(), math.sqrt(2 / fan_in), rel_tol=0.03)
    if kind == "binary":
        assert len(np.unique(np.abs(drawn))) == 1
    if kind == "he-uniform":
        assert np.abs(drawn).max() <= math.sqrt(6 / fan_in)


@pytest.mark.parametrize(
    ("kind", "low", "high", "beta"),
    [("uniform", 0, 1, 0), ("ones", 1, 1, 0), ("ones-ones", 1, 1, 1), ("uniform-symmetric", -1, 1, 0)],
)
def test_gamma_and_beta_start_as_their_name_says(kind, low, high, beta):
    gamma, shift = affine(10_000, kind, stream(0, Purpose.NORM))
    assert gamma.min() >= low
    assert gamma.max() <= high
    assert gamma.max() - gamma.min() >= 0.99 * (high - low)
    assert set(shift) == {beta}


def test_initial_values_follow_the_seed_and_nothing_else():
    def tensors(seed):
        torch.manual_seed(np.random.default_rng().integers(2**31))  # a global generator must not matter
        spec = cifar("smoke", seed, depth=8)
        return [tensor.clone() for tensor in fill(build(spec), spec).state_dict().values()]

    assert all(torch.equal(one, two) for one, two in zip(tensors(0), tensors(0), strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(tensors(0), tensors(1), strict=True))


def test_trained_set_does_not_change_the_initial_values():
    one, two = (cifar("smoke", 0, depth=8, trained=trained) for trained in ("all", "none"))
    pairs = zip(fill(build(one), one).parameters(), fill(build(two), two).parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_norm_initialisation_leaves_the_weights_alone():
    usual = cifar("smoke", 0, depth=8)
    other = dataclasses.replace(usual, norm_init="ones")
    for a, b in zip(fill(build(usual), usual).modules(), fill(build(other), other).modules(), strict=True):
        if isinstance(a, nn.Conv2d):
            assert torch.equal(a.weight, b.weight)
