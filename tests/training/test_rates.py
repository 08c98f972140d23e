"""Rates of a device, and the work that costs are estimated from, counted in the networks themselves."""

import dataclasses
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from repro.planning.device import TRIALS
from repro.planning.work import forward_macs, work
from repro.recipes import built, cifar, layered, sequence
from repro.runs.datasets import DATASETS
from repro.training import rates
from repro.training.loop import start, train
from repro.training.models import build
from repro.training.trainable import prepare

CPU = torch.device("cpu")
NETWORKS = [
    *(cifar("paper", 0, depth=depth, width=width) for depth, width in ((14, 1), (56, 1), (14, 4))),
    *(built(depth=depth, family="imagenet-resnet") for depth in (18, 50)),
    *(layered("paper", 0, depth=depth) for depth in (18, 50)),
    *(sequence("paper", 0, family) for family in ("logistic", "mlp", "residual-mlp", "cnn")),
    *(sequence("paper", 0, "pooling-cnn", pooling=pooling) for pooling in ("none", "stride", "max")),
]


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: spec.network)
def test_multiply_accumulates_are_those_of_the_network(spec):
    shape = DATASETS[spec.dataset].shape
    network = build(spec).eval()
    example = torch.empty(1, *(shape if len(shape) == 1 else (shape[2], *shape[:2])), device="meta")
    with FlopCounterMode(display=False) as counted:
        network(example)
    assert forward_macs(spec) == pytest.approx(counted.get_total_flops() / 2, rel=0.002)  # but for a linear layer


class Launches(TorchDispatchMode):
    """Counts operations that compute; a view does not."""

    VIEWS = ("view", "permute", "t", "transpose", "expand", "detach", "slice", "select", "alias", "unsqueeze", "split")

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix("aten::")
        self.seen[name] += name not in self.VIEWS
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "spec",
    [
        *(cifar("smoke", 0, depth=depth, trained=trained) for depth, trained in ((14, "batchnorm"), (26, "all"))),
        *(sequence("paper", 0, family) for family in ("mlp", "cnn", "gru")),
    ],
    ids=lambda spec: spec.network,
)
def test_launches_are_those_of_a_traced_step(spec):
    """Within a fifth, without the time of Python between them."""
    from repro.planning.work import PYTHON

    spec = dataclasses.replace(spec, batch_size=4)
    net, examples, steps, launches = prepare(spec, CPU), rates.synthetic(spec, CPU), 0, Launches()

    def over(_):
        nonlocal steps
        steps += 1
        if steps == 2:
            launches.seen.clear()
        return steps == 3

    with launches:
        list(train(spec, net, examples, start(spec, net), over))
    counted = launches.seen.total() - launches.seen["empty"] - launches.seen["clone"]
    assert work(spec)[0].launches - PYTHON == pytest.approx(counted, rel=0.2)


def test_rates_of_a_processor_are_positive_and_those_that_it_has(monkeypatch):
    monkeypatch.setattr(rates, "SECONDS", 0.001)
    monkeypatch.setattr(rates, "SIDE", {"cpu": 64})
    monkeypatch.setattr(rates, "VALUES", {"cpu": 4096})
    found = rates.rates("cpu")
    assert set(found) == {"float32", "convolution", "copy", "launch"} and min(found.values()) > 0


def test_a_product_in_bfloat16_is_of_matrices_that_are_stored_so(monkeypatch):
    """Rounding two of them again in every product would be timed with it."""
    for name, value in (("SECONDS", 0.001), ("SIDE", {"cpu": 64}), ("VALUES", {"cpu": 4096})):
        monkeypatch.setattr(rates, name, value)
    monkeypatch.setattr(rates, "PRECISIONS", ("bfloat16",))
    seen, product = set(), torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b: seen.add((a.dtype, b.dtype)) or product(a, b))
    assert rates.rates("cpu")["bfloat16"] > 0
    assert seen == {(torch.bfloat16, torch.bfloat16)}


@pytest.mark.parametrize("spec", [cifar("smoke", 0, depth=8), sequence("paper", 0, "mlp")], ids=lambda spec: spec.name)
def test_steps_are_timed_on_examples_that_no_folder_holds(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rates.step_seconds(spec, "cpu", 0.01) > 0
    assert list(tmp_path.iterdir()) == []


def test_no_more_steps_are_timed_than_there_are_batches(monkeypatch):
    """The first evaluation would be timed with them."""
    asked = []
    monkeypatch.setattr(rates, "BATCHES", 8)
    monkeypatch.setattr(rates, "now", lambda device: asked.append(1) or 0.0)
    rates.step_seconds(TRIALS[2], "cpu", 1e9)
    assert len(asked) == 1 + (rates.BATCHES - rates.WARM) - 1 + 1


def test_a_step_in_bfloat16_is_timed_over_weights_as_a_run_stores_them(monkeypatch):
    """Rounding them again in every step is work that no run has."""
    found = []

    def trained(_spec, net, *_):
        found.append(net.model.conv.weight.dtype)
        raise KeyboardInterrupt

    monkeypatch.setattr(rates, "train", trained)
    with pytest.raises(KeyboardInterrupt):
        rates.step_seconds(dataclasses.replace(cifar("smoke", 0, depth=8), precision="bfloat16"), "cpu", 0.01)
    assert found == [torch.bfloat16]
