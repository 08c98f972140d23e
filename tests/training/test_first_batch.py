"""Weights set from a run's first batch: what they are, and that pausing and restoring changes nothing."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from repro.judging.integrity import refuse_contradictions
from repro.recipes import layered
from repro.runs.checkpoint import read_checkpoint
from repro.runs.store import Store
from repro.training import remeasure, run
from repro.training.data import batches, load
from repro.training.first_batch import standardise, statistics
from repro.training.trainable import prepare
from tests.training.elsewhere import pretended_gpu

CPU = torch.device("cpu")
torch.set_num_threads(1)  # as runs on a CPU have it; more spin over such small tensors
SPEC = dataclasses.replace(
    layered("smoke", 4, depth=8, norm="batchnorm-once"), epochs=2, learning_rate_drops=(1,), learning_rate=0.01
)


def go(store, pause=lambda: False, spec=SPEC):
    return run(spec, store, data_dir=Path(), device="cpu", criteria={}, pause=pause)


@pytest.fixture(scope="module")
def digits():
    return load(SPEC, Path(), CPU)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("whole"))
    assert go(store) == "complete"
    return store.run(SPEC)


def outputs(model, x):
    """The output of every convolution, in forward order."""
    found = []
    hooks = [
        module.register_forward_hook(lambda _m, _x, y: found.append(y.clone()))  # the ReLU after it works in place
        for module in model.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return found


def test_every_convolution_starts_with_batchnorms_statistics_on_the_first_batch(digits):
    net = prepare(SPEC, CPU)
    standardise(SPEC, net, digits)
    found = outputs(net.model, batches(SPEC, digits, 0).of(0)[0])
    assert len(found) == 9
    for y in found:
        assert y.mean((0, 2, 3)).abs().max() < 1e-5
        assert (y.var((0, 2, 3), unbiased=False) - 1).abs().max() < 1e-3  # BatchNorm's ε is in the divisor


def test_network_computes_on_its_first_batch_what_one_with_batchnorm_does(digits):
    """γ = 1, β = 0, the same He draws: the two are one function there, and differ on any other batch."""
    once, batchnorm = prepare(SPEC, CPU), prepare(dataclasses.replace(SPEC, norm="batchnorm"), CPU)
    standardise(SPEC, once, digits)
    of = batches(SPEC, digits, 0).of
    with torch.no_grad():
        assert torch.allclose(once.model(of(0)[0]), batchnorm.model.train()(of(0)[0]), atol=1e-4)
        assert not torch.allclose(once.model(of(1)[0]), batchnorm.model.train()(of(1)[0]), atol=1e-2)


def test_a_run_starts_from_the_weights_so_set(digits, tmp_path):
    net = prepare(SPEC, CPU)
    standardise(SPEC, net, digits)
    assert go(Store(tmp_path), pause=lambda: True) == "paused"
    kept, position, _ = read_checkpoint(Store(tmp_path).folder(SPEC), SPEC)
    assert (position["epoch"], position["step"]) == (0, 0)
    assert torch.equal(torch.from_numpy(kept["trained"]), net.trained)


def test_other_networks_are_left_as_they_are(digits):
    for norm in ("batchnorm", "none", "affine"):
        spec = dataclasses.replace(SPEC, norm=norm)
        net = prepare(spec, CPU)
        before = (net.trained.clone(), net.running.clone())
        standardise(spec, net, digits)
        assert torch.equal(net.trained, before[0]) and torch.equal(net.running, before[1])


def test_the_batch_is_that_of_the_seed(digits):
    other = dataclasses.replace(SPEC, seed=5)
    one, two = prepare(SPEC, CPU), prepare(SPEC, CPU)
    standardise(SPEC, one, digits)
    standardise(other, two, digits)  # the same draws, another order of images
    assert not torch.equal(one.trained, two.trained)


def test_what_was_done_is_measured(whole):
    found = whole.measurement("first_batch")
    assert (found["convolutions"], found["channels"]) == (9, 16 + 2 * (16 + 32 + 64) + 32 + 64)
    assert found["largest_mean"] < 1e-5 and found["largest_variance_error"] < 1e-3
    assert abs(found["mean_variance_before"] - 1) > 0.1


def test_the_measurement_notices_a_network_that_was_not_set(digits, monkeypatch):
    monkeypatch.setattr("repro.training.first_batch.standardise", lambda *_: None)
    assert statistics(SPEC, prepare(SPEC, CPU), digits)["largest_variance_error"] > 0.1


@pytest.mark.parametrize("steps", [0, 1, 17])  # before the first step, after it, and in the second epoch
def test_paused_and_resumed_equals_uninterrupted(steps, whole, tmp_path):
    store, left = Store(tmp_path), iter(range(steps))
    assert go(store, pause=lambda: next(left, None) is None) == "paused"
    assert go(store) == "complete"
    assert store.run(SPEC).digest == whole.digest


def test_a_run_measured_again_gives_every_number_bit_for_bit(whole):
    assert remeasure(whole, data_dir=Path(), device="cpu") == []


@pytest.mark.filterwarnings("ignore:CUDA is not available:UserWarning")
def test_a_whole_run_mixes_no_devices_and_has_the_bits_of_the_cpu(whole, tmp_path):
    store = Store(tmp_path)
    with pretended_gpu():
        assert run(SPEC, store, data_dir=Path(), device="cuda", criteria={}, pause=lambda: False) == "complete"
    assert store.run(SPEC).digest == whole.digest


@pytest.mark.parametrize("norm", ["none", "batchnorm-once", "affine"])
def test_a_network_that_diverges_without_normalisation_is_a_result(norm, tmp_path):
    spec, store = dataclasses.replace(SPEC, norm=norm, learning_rate=1e30), Store(tmp_path)
    assert go(store, spec=spec) == "complete"
    found = store.run(spec)
    assert (found.record["outcome"], len(found.history)) == ("diverged", 1)
    assert 0 <= found.measurement("accuracy")["top1"] <= 100
    refuse_contradictions({norm: [found]}, thorough=True)
    assert remeasure(found, data_dir=Path(), device="cpu") == []
