"""Runs counted in steps: networks on generated sequences, their data, and the loop over them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from repro.errors import DataError
from repro.judging.shapes import expected
from repro.recipes import DOUBLE_DESCENT, sequence
from repro.recipes.sequences import HIDDEN
from repro.runs.datasets import DATASETS
from repro.training import decoded
from repro.training.data import Examples, Split, batches, load
from repro.training.loop import start, train
from repro.training.trainable import named_tensors, prepare

CPU = torch.device("cpu")
FAMILIES = [name for name in HIDDEN if name != "pooling-cnn"]
NETWORKS = [sequence("smoke", 0, family) for family in FAMILIES] + [
    sequence("smoke", 0, "pooling-cnn", pooling=pooling) for pooling in ("none", "stride", "max", "mean", "l2")
]


def few(count=40):
    """Sequences whose labels can be learnt, in one split for training and testing."""
    x = torch.randn(count, 40, generator=torch.Generator().manual_seed(0))
    split = Split(inputs=x, labels=x[:, :10].argmax(1))
    return Examples(train=split, test=split, dataset=DATASETS["mnist1d"], fingerprints={})


def short(family="residual-mlp", **changes):
    usual = {"steps": 12, "steps_per_evaluation": 4, "batch_size": 10}
    return dataclasses.replace(sequence("smoke", 0, family), **usual | changes)


def never(_state):
    return False


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: spec.network)
def test_a_network_has_the_tensors_that_are_expected_of_it(spec):
    net = prepare(spec, CPU)
    assert {name: tuple(one.shape) for name, one in named_tensors(net).items()} == expected(spec)
    assert net.model(torch.zeros(3, 40)).shape == (3, 10)


@pytest.mark.parametrize(
    ("family", "count"), [("logistic", 410), ("residual-mlp", 15_210), ("cnn", 5_210), ("gru", 5_134)]
)
def test_networks_have_the_published_number_of_parameters(family, count):
    assert prepare(sequence("paper", 0, family), CPU).trained.numel() == count


@pytest.mark.parametrize("family", FAMILIES)
def test_initial_values_are_uniform_within_torchs_bounds(family):
    ours = prepare(sequence("smoke", 0, family), CPU).model
    for module in ours.modules():
        for parameter in module.parameters(recurse=False):
            weight = module.hidden_size if isinstance(module, nn.GRU) else module.weight[0].numel()
            bound = weight**-0.5
            assert parameter.abs().max() <= bound
            if parameter.numel() > 50:
                assert parameter.abs().max() > 0.9 * bound
                assert abs(parameter.mean()) < bound / 3


def test_a_run_is_the_notebooks_loop():
    """Against a plain loop: torch's Adam over separate parameters, batches taken as they lie, pass after pass."""
    spec, examples = short(), few()
    net, reference = prepare(spec, CPU), prepare(spec, CPU).model
    list(train(spec, net, examples, start(spec, net), never))
    plain = {name: p.detach().clone().requires_grad_() for name, p in reference.named_parameters()}
    adam = torch.optim.Adam(plain.values(), lr=0.01)
    for step in range(12):
        at = step * 10 % 40
        logits = torch.func.functional_call(reference, plain, examples.train.inputs[at : at + 10])
        adam.zero_grad()
        functional.cross_entropy(logits, examples.train.labels[at : at + 10]).backward()
        adam.step()
    for name, trained in net.model.named_parameters():
        assert torch.allclose(trained, plain[name], atol=1e-6), name


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "sgd", "order": "reshuffled", "momentum": 0.9}, {"family": "gru", "hidden": 6}],
    ids=["adam", "sgd", "gru"],
)
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(changes, stop):
    spec, examples = short(**changes), few()
    whole = prepare(spec, CPU)
    rows = list(train(spec, whole, examples, start(spec, whole), never))
    net, left = prepare(spec, CPU), iter(range(stop))
    state = start(spec, net)
    first = list(train(spec, net, examples, state, lambda _state: next(left, None) is None))
    assert state.row * 4 + state.step == stop
    again = list(train(spec, net, examples, state, never))
    assert first + again == rows
    assert [row["evaluation"] for row in rows] == [1, 2, 3]
    assert torch.equal(net.trained, whole.trained)


def test_a_reshuffled_run_sees_every_example_once_a_pass_in_another_order():
    spec, examples = short(order="reshuffled", optimizer="sgd"), few()
    seen = [batches(spec, examples, row).of(step)[0] for row in range(2) for step in range(4)]
    one, two = torch.cat(seen[:4]), torch.cat(seen[4:])
    assert not torch.equal(one, two)
    assert torch.equal(one.sort(0).values, two.sort(0).values)


def test_training_accuracy_reaches_what_can_be_learnt():
    spec, examples = short(steps=400, steps_per_evaluation=100), few()
    net = prepare(spec, CPU)
    rows = list(train(spec, net, examples, start(spec, net), never))
    assert rows[-1]["test_top1"] == 100.0 > rows[0]["test_loss"]


def test_mnist1d_is_the_authors_frozen_set():
    found = load(sequence("smoke", 0, "logistic"), Path("nowhere"), CPU)
    assert found.fingerprints == DATASETS["mnist1d"].fingerprints
    assert (found.train.inputs.shape, found.train.inputs.dtype) == ((4000, 40), torch.float32)


def test_features_are_shuffled_by_one_permutation_whatever_the_seed():
    plain = load(sequence("smoke", 0, "logistic"), Path(), CPU)
    order = np.random.RandomState(42).permutation(40)
    for seed in (0, 1):
        shuffled = load(sequence("smoke", seed, "logistic", features="shuffled"), Path(), CPU)
        assert torch.equal(shuffled.train.inputs, plain.train.inputs[:, order])
        assert torch.equal(shuffled.test.inputs, plain.test.inputs[:, order])
    backwards = load(sequence("smoke", 0, "logistic", features="reversed"), Path(), CPU)
    assert torch.equal(backwards.test.inputs, plain.test.inputs.flip(1))


def test_noise_redraws_the_stated_share_of_training_labels_by_seed():
    plain = load(sequence("smoke", 0, "logistic"), Path(), CPU)
    noisy = [load(sequence("smoke", seed, "logistic", label_noise=0.15), Path(), CPU) for seed in (0, 0, 1)]
    wrong = [(one.train.labels != plain.train.labels).double().mean().item() for one in noisy]
    assert wrong[0] == pytest.approx(0.135, abs=0.02)  # a tenth of those drawn again come out as they were
    assert torch.equal(noisy[0].train.labels, noisy[1].train.labels)
    assert not torch.equal(noisy[0].train.labels, noisy[2].train.labels)
    assert all(torch.equal(one.test.labels, plain.test.labels) for one in noisy)


def test_a_generator_that_makes_other_data_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    others = (np.zeros((4000, 40), np.float32), np.arange(4000) % 10)
    test = (np.zeros((1000, 40), np.float32), np.arange(1000) % 10)
    monkeypatch.setattr(decoded, "decode", lambda *_: (others, test))
    with pytest.raises(DataError, match="install the versions of mnist1d, numpy and scipy"):
        decoded.arrays("mnist1d", tmp_path / "other")


def test_double_descent_is_five_hundred_passes():
    spec = sequence("paper", 0, "mlp", protocol=DOUBLE_DESCENT, hidden=47, dataset="mnist1d-4000-12000")
    assert spec.steps * spec.batch_size == 500 * 4000
    assert (spec.optimizer, spec.learning_rate, spec.momentum, spec.order) == ("sgd", 0.01, 0.9, "reshuffled")
