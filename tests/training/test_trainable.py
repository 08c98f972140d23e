import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from repro.recipes import cifar
from repro.runs.datasets import DATASETS
from repro.runs.resnet_spec import ResNetSpec
from repro.training.data import Examples, Split
from repro.training.loop import start, train
from repro.training.measure import parameters
from repro.training.precision import arithmetic
from repro.training.trainable import RandomWeights, frozen_hash, load_named, lower, named_tensors, prepare

CPU = torch.device("cpu")
SETS = [(trained, 2 if trained == "random" else 0) for trained in ResNetSpec.CHOICES["trained"]]


def few_images(seed=0, count=24):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 17, (count, 8, 8, 1), dtype=torch.uint8, generator=generator)
    split = Split(inputs=pixels, labels=torch.arange(count) % 10)
    return Examples(train=split, test=split, dataset=DATASETS["digits"], fingerprints={})


def trained_for_one_epoch(spec):
    net, images = prepare(spec, CPU), few_images()
    before = {name: tensor.clone() for name, tensor in net.model.state_dict().items()}
    hashed = frozen_hash(net)
    list(train(spec, net, images, start(spec, net), lambda state: False))
    return net, before, hashed


def short(trained, k, **more):
    spec = cifar("smoke", 3, depth=8, trained=trained, k=k, **more)
    return dataclasses.replace(spec, epochs=1, batch_size=8, learning_rate_drops=())


@settings(max_examples=30, deadline=None)
@given(
    which=st.sampled_from(SETS),
    decay=st.sampled_from([0.0, 1e-4, 0.5]),
    momentum=st.sampled_from([0.0, 0.9]),
    norm_init=st.sampled_from(ResNetSpec.CHOICES["norm_init"]),
)
def test_training_never_moves_a_frozen_tensor(which, decay, momentum, norm_init):
    spec = dataclasses.replace(short(*which, norm_init=norm_init), weight_decay=decay, momentum=momentum)
    net, before, hashed = trained_for_one_epoch(spec)
    moving = {*net.names} | {name for name in before if "running_" in name or "num_batches" in name}
    for name, tensor in net.model.state_dict().items():
        if name not in moving:
            assert torch.equal(tensor, before[name]), name
    assert frozen_hash(net) == hashed


@pytest.mark.parametrize("which", [which for which in SETS if which[0] != "none"])
def test_training_moves_every_trained_tensor(which):
    net, before, _ = trained_for_one_epoch(short(*which))
    assert net.names
    for name in net.names:
        assert not torch.equal(net.model.get_parameter(name), before[name]), name


def test_frozen_hash_notices_one_flipped_bit():
    net = prepare(short("batchnorm", 0), CPU)
    before = frozen_hash(net)
    with torch.no_grad():
        net.model.conv.weight.view(-1)[0] += 1e-7
    assert frozen_hash(net) != before


def test_random_weights_equal_the_plain_convolution_at_the_start():
    plain, random = prepare(short("all", 0), CPU), prepare(short("random", 2), CPU)
    x = torch.randn(4, 1, 8, 8)
    assert torch.allclose(plain.model.eval()(x), random.model.eval()(x), atol=1e-6)


def test_two_random_weights_per_channel_count_as_many_as_gamma_and_beta():
    spec = short("random", 2)
    assert len(prepare(spec, CPU).trained) == parameters(spec)["batchnorm"]


def test_a_layer_with_fewer_weights_than_k_trains_them_all():
    net = prepare(short("random", 30), CPU)
    assert net.model.conv.values.shape == (16, 9)
    assert sorted(net.model.conv.positions[0].tolist()) == list(range(9))


def test_positions_of_random_weights_are_distinct_and_follow_the_seed():
    one, two = (prepare(dataclasses.replace(short("random", 3), seed=seed), CPU) for seed in (0, 1))
    layers = [m for m in one.model.modules() if isinstance(m, RandomWeights)]
    others = [m for m in two.model.modules() if isinstance(m, RandomWeights)]
    assert all(len(set(row)) == len(row) for layer in layers for row in layer.positions.tolist())
    assert any(not torch.equal(a.positions, b.positions) for a, b in zip(layers, others, strict=True))


@pytest.mark.parametrize("which", SETS)
def test_flat_vector_is_the_parameters_themselves(which):
    net = prepare(short(*which), CPU)
    assert len(net.trained) == sum(net.model.get_parameter(name).numel() for name in net.names)
    net.trained.fill_(0.25)
    assert all((net.model.get_parameter(name) == 0.25).all() for name in net.names)


def test_running_statistics_live_in_the_flat_vector():
    net = prepare(short("none", 0), CPU)
    net.model.train()(torch.randn(8, 1, 8, 8))
    norms = [m for m in net.model.modules() if isinstance(m, nn.BatchNorm2d)]
    flat = torch.cat([torch.cat([m.running_mean, m.running_var]) for m in norms])
    assert torch.equal(flat, net.running)
    assert not torch.equal(net.running[:16], torch.zeros(16))


@pytest.mark.parametrize("which", SETS)
def test_kept_tensors_restore_the_network(which):
    net, _, _ = trained_for_one_epoch(short(*which))
    fresh = prepare(short(*which), CPU)
    load_named(fresh, named_tensors(net))
    x = torch.randn(4, 1, 8, 8)
    assert torch.equal(net.model.eval()(x), fresh.model.eval()(x))


def test_what_is_kept_of_a_batchnorm_only_resnet_866_is_small():
    kept = named_tensors(prepare(cifar("paper", 0, depth=866), CPU))
    assert sum(tensor.numel() * tensor.element_size() for tensor in kept.values()) < 1_000_000


@pytest.mark.parametrize("which", [("batchnorm", 0), ("random", 2), ("shortcut+output", 0), ("all", 0)])
def test_frozen_weights_of_a_bfloat16_run_are_stored_as_they_are_read(which):
    net, plain = (prepare(short(*which), CPU) for _ in range(2))
    lower(net, "bfloat16")
    x = few_images().normalise(few_images().train.inputs)
    with arithmetic("bfloat16", CPU):
        assert torch.equal(net.model.train()(x), plain.model.train()(x))
    stored = {name: one.dtype for name, one in net.model.named_parameters()}
    frozen = {name for name in stored if name not in net.names and "bn" not in name and "downsample.1" not in name}
    assert {name for name, dtype in stored.items() if dtype == torch.bfloat16} == frozen
    assert frozen_hash(net) != frozen_hash(plain) or not frozen


def test_frozen_weights_of_a_float32_run_stay_as_they_are():
    net = prepare(short("batchnorm", 0), CPU)
    before = frozen_hash(net)
    lower(net, "float32")
    assert frozen_hash(net) == before
