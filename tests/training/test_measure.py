import dataclasses

import pytest
import torch
from torch import nn

from repro.recipes import built, cifar
from repro.runs.datasets import DATASETS
from repro.training import measure
from repro.training.data import Examples, Split
from repro.training.loop import evaluate
from repro.training.trainable import prepare

CPU = torch.device("cpu")


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 17, (30, 8, 8, 1), dtype=torch.uint8, generator=generator)
    split = Split(inputs=pixels, labels=torch.arange(30) % 10)
    return Examples(train=split, test=split, dataset=DATASETS["digits"], fingerprints={})


@pytest.fixture
def net():
    return prepare(cifar("smoke", 0, depth=8), CPU)


SPEC = cifar("smoke", 0, depth=8)


def gammas(net):
    return [module.weight for module in net.model.modules() if isinstance(module, nn.BatchNorm2d)]


def test_share_of_small_gammas_counts_every_layer(net):
    with torch.no_grad():
        for gamma in gammas(net):
            gamma.fill_(1.0)
        gammas(net)[0][:8] = -0.005
    found = measure.affine(net)
    total = sum(len(gamma) for gamma in gammas(net))
    assert found["count"] == total
    assert found["share_below"] == [0, 0, 8 / total, 8 / total, 8 / total]
    assert sum(found["gamma_histogram"]) == total


def test_clamping_restores_every_gamma(net, images):
    before = net.trained.clone()
    measure.clamp(SPEC, net, images)
    assert torch.equal(net.trained, before)


def test_clamping_equals_setting_small_gammas_to_zero_by_hand(net, images):
    found = measure.clamp(SPEC, net, images)
    with torch.no_grad():
        for gamma in gammas(net):
            gamma[gamma.abs() < 0.1] = 0.0
    assert found["top1"][found["thresholds"].index(0.1)] == evaluate(SPEC, net, images, images.test)["top1"]


def test_dead_relus_are_units_that_are_zero_on_nearly_every_input(net, images):
    """With γ = 0, β alone decides: stem and first convolutions off, every block's sum on."""
    norms = {name: m for name, m in net.model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    with torch.no_grad():
        for name, norm in norms.items():
            norm.weight.zero_()
            norm.bias.fill_(1.0 if name.endswith("bn2") else 0.0 if "downsample" in name else -1.0)
    found = measure.relus(SPEC, net, images)
    off, on = 16 * 64 + (16 * 64 + 32 * 16 + 64 * 4), 16 * 64 + 32 * 16 + 64 * 4
    assert found["units"] == off + on
    assert found["share_dead"] == off / (off + on)
    assert found["share_dead_channels"] == (16 + 112) / (16 + 112 + 112)


def test_measuring_leaves_the_network_without_hooks(net, images):
    measure.relus(SPEC, net, images)
    assert not any(module._forward_hooks for module in net.model.modules())


def test_torchs_batchnorm_is_the_papers_formula_for_arbitrary_inputs():
    found = measure.batchnorm()
    assert found["examples"] >= 200
    assert found["counterexamples"] == 0
    assert found["largest_error"] < 1


@pytest.mark.parametrize("spoil", [lambda y: y * 1.0001, lambda y: y + 1e-3, lambda y: y.flip(0)])
def test_a_batchnorm_that_computes_something_else_is_found(spoil, monkeypatch):
    class Wrong(nn.BatchNorm2d):
        def forward(self, x):
            return spoil(super().forward(x))

    monkeypatch.setattr(measure.nn, "BatchNorm2d", Wrong)
    assert measure.batchnorm()["counterexamples"] > 0


def test_a_biased_variance_is_distinguished_from_an_unbiased_one(monkeypatch):
    class Unbiased(nn.BatchNorm2d):
        def forward(self, x):
            n = x.numel() / x.shape[1]
            return (super().forward(x) - self.bias[:, None, None]) * ((n - 1) / n) ** 0.5 + self.bias[:, None, None]

    monkeypatch.setattr(measure.nn, "BatchNorm2d", Unbiased)
    assert measure.batchnorm()["counterexamples"] > 0


def test_only_runs_that_train_gamma_are_clamped():
    def names(trained, k=0):
        return measure.names(cifar("smoke", 0, depth=8, trained=trained, k=k))

    assert all("clamp" in names(trained) for trained in ("all", "batchnorm", "gamma", "batchnorm+shortcut+output"))
    assert not any("clamp" in names(trained) for trained in ("none", "beta", "all-but-batchnorm", "shortcut+output"))
    assert "clamp" not in names("random", 2)
    assert measure.names(built(depth=14)) == ("parameters", "batchnorm")


def test_every_measurement_is_plain_json(net, images):
    import json

    for name in (*measure.names(SPEC), "batchnorm"):
        assert json.loads(json.dumps(measure.measure(name, SPEC, net, images), allow_nan=False))


def test_measured_accuracy_is_the_last_epochs(net, images):
    from repro.training.loop import start, train

    spec = dataclasses.replace(SPEC, epochs=2, learning_rate_drops=(1,))
    rows = list(train(spec, net, images, start(spec, net), lambda state: False))
    assert measure.measure("accuracy", spec, net, images)["top1"] == rows[-1]["test_top1"]
