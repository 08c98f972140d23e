"""Costs: scaled from the measured run that is most alike, a stated assumption where there is none."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.planning.cost import ASSUMED, BUILD_SECONDS, Known, estimator, forward_macs
from repro.planning.plan import _known
from repro.recipes import built, cifar, imagenet, ticket
from repro.runs.store import Store

SPEC = cifar("smoke", 0, depth=14)
PASSES = {"all": 3, "batchnorm": 2, "output": 2, "none": 1}  # through the network, for a step
TRAINED = tuple(PASSES)


def estimate(spec, known, device_type):
    return estimator(known, device_type)(spec)


def known(seconds, device_type="cpu", **changes):
    return Known(spec=dataclasses.replace(SPEC, **changes), seconds=seconds, device_type=device_type)


def test_first_convolution_and_blocks_are_counted_by_hand():
    """ResNet-8 on 8 × 8 × 1: 9·64·16·1, then one block a group and two projecting shortcuts."""
    first = 9 * 64 * 16
    groups = 9 * 64 * 16 * 32 + 9 * 16 * 32 * (16 + 32) + 9 * 4 * 64 * (32 + 64)
    shortcuts = 16 * 32 * 16 + 4 * 64 * 32
    assert forward_macs(cifar("smoke", 0, depth=8)) == first + groups + shortcuts


def test_resnet_110_has_the_published_multiply_accumulates():
    """About 253 million for a CIFAR image, as the literature counts ResNet-110."""
    assert forward_macs(cifar("paper", 0, depth=110)) == pytest.approx(253e6, rel=0.02)


def test_a_ticket_costs_every_step_of_its_retrains_and_tests():
    """500 · (40 + 500 + 10) multiply-accumulates, three passes of batches of 100 and 500; 1e7 to start a step."""
    spec = ticket(0, "magnitude")
    once = dataclasses.replace(spec, retrains=(1,), kept=(1,), tests=(), tested_level=1)
    step, longer = 275_000 * 3 * 100 + 1e7, 275_000 * 3 * 500 + 1e7
    cost = estimate(spec, [Known(spec=once, seconds=7.0, device_type="cpu")], "cpu")
    assert cost.seconds == pytest.approx(7.0 * (96 * 1_501 * step + 4 * 6_000 * longer) / (1_501 * step))


def test_run_of_no_epochs_costs_its_building():
    assert estimate(built(depth=866), [], "cpu").seconds == BUILD_SECONDS


def test_unmeasured_run_is_assumed():
    assert estimate(SPEC, [], "cpu").basis == "assumed"


def test_same_run_of_another_seed_is_measured():
    cost = estimate(dataclasses.replace(SPEC, seed=7), [known(12.0)], "cpu")
    assert (cost.seconds, cost.basis) == (12.0, "measured")


def test_twice_the_epochs_cost_twice_the_seconds():
    cost = estimate(dataclasses.replace(SPEC, epochs=24), [known(12.0)], "cpu")
    assert (cost.seconds, cost.basis) == (pytest.approx(24.0), "scaled")


def test_run_on_another_kind_of_device_says_nothing():
    assert estimate(SPEC, [known(12.0, "cuda")], "cpu").basis == "assumed"


def test_run_on_another_data_set_says_nothing():
    assert estimate(cifar("pilot", 0, depth=14), [known(12.0)], "cpu").basis == "assumed"


def test_estimate_scales_from_the_nearest_in_work():
    cost = estimate(SPEC, [known(1000.0, depth=866), known(12.0), known(0.1, depth=8)], "cpu")
    assert cost.seconds == 12.0


def test_of_two_equally_near_the_one_with_the_same_trained_set_counts():
    cost = estimate(SPEC, [known(99.0, trained="output"), known(12.0)], "cpu")
    assert cost.seconds == 12.0


@given(
    st.lists(st.tuples(st.sampled_from((8, 14, 20)), st.sampled_from(TRAINED), st.integers(1, 9)), max_size=8),
    st.sampled_from((8, 14, 20, 56)),
    st.sampled_from(TRAINED),
)
def test_estimate_is_what_a_search_over_all_measured_runs_finds(measured, depth, trained):
    runs = [known(float(seconds), depth=depth, trained=trained) for depth, trained, seconds in measured]
    spec = dataclasses.replace(SPEC, depth=depth, trained=trained)
    by_work = {one: forward_macs(one.spec) * PASSES[one.spec.trained] for one in runs}
    work = forward_macs(spec) * PASSES[trained]
    found = estimate(spec, runs, "cpu")
    if not runs:
        assert found.basis == "assumed"
        return
    nearest = min(runs, key=lambda one: (abs(math.log(by_work[one] / work)), one.spec.trained != trained))
    assert found.seconds == pytest.approx(nearest.seconds * work / by_work[nearest])


@pytest.mark.parametrize("depth", [8, 14, 32, 56])
def test_deeper_networks_cost_more(depth):
    shallow, deep = (estimate(cifar("smoke", 0, depth=one), [], "cpu").seconds for one in (depth, depth + 6))
    assert deep > shallow


def test_training_everything_costs_more_than_batchnorm_alone():
    every = estimate(cifar("smoke", 0, depth=14, trained="all"), [], "cpu").seconds
    assert (
        every
        > estimate(SPEC, [], "cpu").seconds
        > estimate(cifar("smoke", 0, depth=14, trained="none"), [], "cpu").seconds
    )


@pytest.mark.parametrize("device_type", sorted(ASSUMED))
def test_every_kind_of_device_has_an_assumption(device_type):
    assert estimate(SPEC, [], device_type).seconds > 0


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_imagenet_networks_cost_what_torchvision_counts(depth):
    """In its table of weights, rounded to a thousandth of 10⁹; it has none of depth 200."""
    from torchvision import models

    counted = getattr(models, f"ResNet{depth}_Weights").IMAGENET1K_V1.meta["_ops"]
    assert forward_macs(imagenet("paper", 0, depth=depth)) / 1e9 == pytest.approx(counted, abs=0.001)


def test_a_run_of_eight_processes_is_priced_in_seconds_of_one_device(tmp_path, finished):
    spec = dataclasses.replace(imagenet("paper", 0, depth=18), epochs=1, warm_up_epochs=0, learning_rate_drops=())
    one = finished(Store(tmp_path), spec, seconds=100.0, device_type="cuda")
    assert _known(one).seconds == 800.0
