"""The layers in BatchNorm's place: what each computes, trains, keeps and measures."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from repro.judging.shapes import expected
from repro.planning.work import forward_macs
from repro.recipes import built, cifar, layered
from repro.runs.resnet_spec import PLAIN, SMALL_STEM, ResNetSpec
from repro.training import measure
from repro.training.captured import compiled
from repro.training.loop import train
from repro.training.models import build, parts
from repro.training.models.initial import fill
from repro.training.models.norms import HAS_AFFINE, Affine, convolution, layer
from repro.training.step import start
from repro.training.trainable import frozen_hash, load_named, named_tensors, prepare
from tests.training.test_trainable import few_images

CPU = torch.device("cpu")
torch.set_num_threads(1)  # as runs on a CPU have it; more spin over such small tensors
OTHERS = tuple(norm for norm in ResNetSpec.CHOICES["norm"] if norm != "batchnorm")
WITH_AFFINE = tuple(norm for norm in OTHERS if norm not in PLAIN)


def short(norm, trained="all", **changes):
    spec = cifar("smoke", 3, depth=8, trained=trained, norm=norm, norm_init="ones")
    return dataclasses.replace(spec, **{"epochs": 1, "batch_size": 8, "learning_rate_drops": (), **changes})


def small_stem(depth, norm="batchnorm", **changes):
    spec = layered("paper", 0, depth=depth, norm=norm)
    return dataclasses.replace(spec, **changes)


def filled(module, gamma=None, beta=None):
    with torch.no_grad():
        module.weight.copy_(torch.randn(len(module.weight)) if gamma is None else gamma)
        module.bias.copy_(torch.randn(len(module.bias)) if beta is None else beta)
    return module


def by_hand(x, dims, gamma, beta):
    """(x − μ)/σ over some dimensions of (N, groups, channels, H, W), then γ and β of each channel."""
    mean, variance = x.mean(dims, keepdim=True), x.var(dims, unbiased=False, keepdim=True)
    normal = ((x - mean) / (variance + 1e-5).sqrt()).flatten(1, 2)
    return normal * gamma[:, None, None] + beta[:, None, None]


@pytest.mark.parametrize(
    ("norm", "groups", "dims"),
    [
        ("groupnorm", 4, (2, 3, 4)),
        ("layernorm", 1, (2, 3, 4)),
        ("instancenorm", 32, (2, 3, 4)),
        ("batchnorm", 32, (0, 2, 3, 4)),
    ],
)
def test_each_layer_normalises_over_what_its_name_says(norm, groups, dims):
    module, x = filled(layer(norm, 32)), torch.randn(5, 32, 4, 4, dtype=torch.float64) * 3 + 2
    wanted = by_hand(x.unflatten(1, (groups, -1)), dims, module.weight, module.bias)
    assert torch.allclose(module.double()(x), wanted, atol=1e-5)


def test_groups_have_eight_channels_in_every_layer_and_more_than_one_group():
    norms = [one for one in build(short("groupnorm")).modules() if isinstance(one, nn.GroupNorm)]
    assert {one.num_channels // one.num_groups for one in norms} == {8}
    assert {one.num_groups for one in norms} == {2, 4, 8}


def test_affine_layer_scales_and_shifts_and_normalises_nothing():
    x = torch.randn(3, 4, 2, 2) + 5
    module = filled(Affine(4))
    assert torch.equal(module(x), torch.addcmul(module.bias[:, None, None], x, module.weight[:, None, None]))
    assert torch.equal(filled(Affine(4), torch.ones(4), torch.zeros(4))(x), x)


def test_batchnorm_minus_is_batchnorm_whose_gamma_and_beta_never_move():
    """nn.BatchNorm2d(affine=False) bit for bit, in output and in the gradient of what is before it."""
    x = torch.randn(6, 8, 5, 5)
    one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
    frozen = filled(nn.BatchNorm2d(8), torch.ones(8), torch.zeros(8)).requires_grad_(False)
    minus = nn.BatchNorm2d(8, affine=False)
    for module, given in ((frozen, one), (minus, two)):
        module(given).square().sum().backward()
    assert torch.equal(frozen(x), minus(x))
    assert torch.equal(one.grad, two.grad)


def test_weight_normalisation_has_directions_of_norm_root_two():
    conv = convolution("weightnorm", 3, 5, 3)
    x = torch.randn(2, 3, 6, 6)
    direction = conv.weight / conv.weight.flatten(1).norm(dim=1)[:, None, None, None]
    assert torch.allclose(conv(x), functional.conv2d(x, direction * math.sqrt(2), padding=1), atol=1e-5)
    with torch.no_grad():
        before = conv(x)
        conv.weight.mul_(7.0)
    assert torch.allclose(conv(x), before, atol=1e-5)


def test_networks_of_a_seed_start_from_the_same_weights_whatever_the_layer():
    def weights(norm):
        spec = short(norm)
        return [one.weight for one in fill(build(spec), spec).modules() if isinstance(one, nn.Conv2d | nn.Linear)]

    for norm in OTHERS:
        assert all(torch.equal(a, b) for a, b in zip(weights("batchnorm"), weights(norm), strict=True)), norm


@pytest.mark.parametrize("norm", WITH_AFFINE)
def test_gamma_and_beta_alone_are_trained_and_nothing_else_moves(norm):
    spec = short(norm, "batchnorm", norm_init="uniform")
    net, images = prepare(spec, CPU), few_images()
    before = {name: tensor.clone() for name, tensor in net.model.state_dict().items()}
    hashed = frozen_hash(net)
    list(train(spec, net, images, start(spec, net), lambda state: False))
    own = {path for path, module in net.model.named_modules() if isinstance(module, HAS_AFFINE)}
    assert set(net.names) == {f"{path}.{name}" for path in own for name in ("weight", "bias")}
    assert len(own) == 9
    for name, tensor in net.model.state_dict().items():
        assert torch.equal(tensor, before[name]) == (name not in net.names), name
    assert frozen_hash(net) == hashed


@pytest.mark.parametrize("norm", OTHERS)
def test_trained_network_is_kept_restored_and_measured(norm):
    spec, images = short(norm), few_images()
    net = prepare(spec, CPU)
    rows = list(train(spec, net, images, start(spec, net), lambda state: False))
    kept = named_tensors(net)
    assert expected(spec) == {name: tuple(tensor.shape) for name, tensor in kept.items()}
    fresh = prepare(spec, CPU)
    load_named(fresh, kept)
    found = {name: measure.measure(name, spec, fresh, images) for name in measure.names(spec)}
    assert found["accuracy"]["top1"] == rows[-1]["test_top1"]
    assert ("affine" in found) == ("clamp" in found) == (norm not in PLAIN)
    assert found["parameters"]["total"] == sum(p.numel() for p in net.model.parameters())


@pytest.mark.parametrize("norm", ["batchnorm", *OTHERS])
@pytest.mark.parametrize("depth", [18, 50])
def test_expected_tensors_of_a_small_stem_are_those_that_training_keeps(norm, depth):
    spec = small_stem(depth, norm)
    model = build(spec)
    kept = {name: tuple(p.shape) for name, p in model.named_parameters()}
    kept |= {name: tuple(b.shape) for name, b in model.named_buffers() if "running_" in name}
    assert expected(spec) == kept


@pytest.mark.parametrize("depth", SMALL_STEM)
def test_small_stem_has_torchvisions_parameters_but_for_stem_and_output(depth):
    own = measure.parameters(small_stem(depth, epochs=0, learning_rate_drops=()))
    theirs = measure.parameters(built(depth=depth, family="imagenet-resnet"))
    assert own["convolution"] == theirs["convolution"] - 64 * 3 * 7 * 7 + 64 * 3 * 3 * 3
    assert (own["shortcut"], own["batchnorm"]) == (theirs["shortcut"], theirs["batchnorm"])
    assert own["output"] == (theirs["output"] - 1000) // 100 + 10


@pytest.mark.parametrize("depth", SMALL_STEM)
def test_cost_is_what_the_convolutions_of_the_built_network_multiply(depth):
    spec, total = small_stem(depth), 0
    model = build(spec)
    sizes = []
    for module in model.modules():
        module.register_forward_hook(lambda m, _, y: sizes.append((m, y.shape)))
    model(torch.empty(1, 3, 32, 32, device="meta"))
    for module, shape in sizes:
        if isinstance(module, nn.Conv2d):
            total += module.weight.numel() * shape[2] * shape[3]
    assert forward_macs(spec) == total > 0


def test_a_small_image_stays_whole_through_the_stem():
    spec = small_stem(18, dataset="digits", augmentation="none")
    model = fill(build(spec), spec)
    assert model.relu(model.bn(model.conv(torch.zeros(2, 1, 8, 8)))).shape == (2, 64, 8, 8)
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_bottlenecks_have_their_stride_in_the_3x3_and_project_where_channels_change():
    model = build(small_stem(50))
    strides = [[conv.stride[0] for conv in (b.conv1, b.conv2, b.conv3)] for b in model.blocks]
    assert [stride for stride in strides if stride != [1, 1, 1]] == [[1, 2, 1]] * 3
    projecting = [i for i, block in enumerate(model.blocks) if isinstance(block.downsample, nn.Sequential)]
    assert projecting == [0, 3, 7, 13]


def test_every_part_of_a_network_with_another_layer_is_known():
    for norm in WITH_AFFINE:
        assert parts(build(short(norm))) == parts(build(short("batchnorm")))
    assert set(parts(build(short("none"))).values()) == {"convolution", "shortcut", "output"}


@pytest.mark.parametrize("spec", [cifar("paper", 0, depth=14), small_stem(18), small_stem(50)], ids=lambda s: s.network)
def test_every_block_of_a_network_is_compiled_where_blocks_are(spec):
    model = build(spec)
    with compiled(model):
        assert all(block._compiled_call_impl is not None for block in model.blocks)
    assert all(block._compiled_call_impl is None for block in model.blocks)
