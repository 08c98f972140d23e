"""Costs: scaled from the measured run that is most alike, else from a short training, else the limit of a device."""

import dataclasses
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.planning.cost import BUILD_SECONDS, Known, estimator, limit
from repro.planning.device import ASSUMED, Device, Trained
from repro.planning.work import PYTHON, work
from repro.recipes import built, cifar, sequence

# The machine may be busy with others: only the values count.
REPEATABLE = settings(
    deadline=None, derandomize=True, database=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
SPEC = cifar("smoke", 0, depth=14)
TRAINED = ("all", "batchnorm", "output", "none")
CPU = ASSUMED["cpu"]
# One that reaches its limit and was never measured: a second is a billion of anything.
IDEAL = Device(
    name="ideal", kind="cpu", flops={"float32": 1e9, "bfloat16": 2e9}, half=0.0, bandwidth=1e9, launch=1e-9,
    source="", measured=False,
)  # fmt: skip


def estimate(spec, known, device=IDEAL):
    return estimator(known, device)(spec)


def known(seconds, device_type="cpu", **changes):
    return Known(spec=dataclasses.replace(SPEC, **changes), seconds=seconds, device_type=device_type)


def test_run_of_no_epochs_costs_its_building():
    assert estimate(built(depth=866), []).seconds == BUILD_SECONDS


def test_unmeasured_run_on_a_named_device_is_assumed_to_take_what_limits_it():
    assert (estimate(SPEC, []).seconds, estimate(SPEC, []).basis) == (limit(SPEC, IDEAL), "assumed")


def test_runs_that_differ_in_their_seed_are_priced_once(monkeypatch):
    priced = []
    monkeypatch.setattr("repro.planning.cost.work", lambda spec: priced.append(spec) or work(spec))
    cost = estimator([], IDEAL)
    same = [cost(dataclasses.replace(SPEC, seed=seed)).seconds for seed in (0, 1, 10, 12)]
    assert len(priced) == 1
    assert same == [limit(SPEC, IDEAL)] * 4
    assert cost(dataclasses.replace(SPEC, epochs=24)).seconds == pytest.approx(2 * same[0])


@pytest.mark.parametrize("slow", [{"flops": {"float32": 1.0}}, {"bandwidth": 1.0}, {"launch": 1.0}])
def test_whatever_is_slowest_decides(slow):
    device = dataclasses.replace(IDEAL, **slow)
    unit = {"flops": "flops", "bandwidth": "bytes", "launch": "launches"}[next(iter(slow))]
    assert limit(SPEC, device) == pytest.approx(sum(one.times * getattr(one, unit) for one in work(SPEC)))


def test_a_gpu_replays_steps_of_a_resnet_without_the_python_between_its_operations():
    slow = dataclasses.replace(IDEAL, launch=1.0)
    for spec, spared in ((SPEC, PYTHON), (sequence("paper", 0, "mlp"), 0)):
        step = work(spec)[0]
        assert dataclasses.replace(slow, kind="cpu").limit(step) == step.launches
        assert dataclasses.replace(slow, kind="cuda").limit(step) == step.launches - spared


def test_narrow_layers_take_longer_than_their_arithmetic():
    """At 16 channels and half = 16, a layer reaches half the rate; every layer of this network has 1 to 64."""
    plain, narrow = (limit(SPEC, dataclasses.replace(IDEAL, half=half, bandwidth=1e15)) for half in (0.0, 16.0))
    assert 1.25 * plain < narrow < 3 * plain


def test_half_the_bytes_and_its_own_rate_for_bfloat16():
    half = dataclasses.replace(SPEC, precision="bfloat16")
    assert [2 * one.bytes for one in work(half)] == [one.bytes for one in work(SPEC)]
    arithmetic = dataclasses.replace(IDEAL, bandwidth=1e15, launch=1e-15)
    assert limit(half, arithmetic) == pytest.approx(limit(SPEC, arithmetic) / 2)


def test_same_run_of_another_seed_is_measured():
    cost = estimate(dataclasses.replace(SPEC, seed=7), [known(12.0)])
    assert (cost.seconds, cost.basis) == (12.0, "measured")


def test_twice_the_epochs_cost_twice_the_seconds():
    cost = estimate(dataclasses.replace(SPEC, epochs=24), [known(12.0)])
    assert (cost.seconds, cost.basis) == (pytest.approx(24.0), "scaled")


def test_run_on_another_kind_of_device_says_nothing():
    assert estimate(SPEC, [known(12.0, "cuda")]).basis == "assumed"


def test_run_on_images_of_another_size_says_nothing():
    assert estimate(cifar("pilot", 0, depth=14), [known(12.0)]).basis == "assumed"


def test_run_on_a_copy_of_the_same_images_is_like():
    copy = dataclasses.replace(cifar("pilot", 0, depth=14), dataset="cifar10-jpeg")
    assert estimate(cifar("pilot", 1, depth=14), [Known(spec=copy, seconds=9.0, device_type="cpu")]).seconds == 9.0


def test_of_alike_networks_the_nearest_in_work_counts():
    cost = estimate(SPEC, [known(1000.0, depth=866), known(12.0), known(0.1, depth=20)])
    assert cost.seconds == 12.0


def test_a_network_of_the_same_width_is_more_alike_than_one_of_the_same_work():
    """WRN-14-8 multiplies as often as ResNet-866, in a sixtieth of the layers."""
    slow, wide = known(100.0), known(100.0, width=8)
    deep = dataclasses.replace(SPEC, depth=866)
    assert estimate(deep, [wide, slow]).seconds == estimate(deep, [slow]).seconds


def test_a_run_of_the_same_family_counts_before_one_that_loads_the_device_more_alike():
    """On a processor a large MLP is busy with arithmetic as a CNN is, and a small one with launches."""
    small, large = (sequence("paper", 0, "mlp", hidden=hidden) for hidden in (16, 1000))
    runs = [Known(spec=spec, seconds=1.0, device_type="cpu") for spec in (sequence("paper", 0, "cnn"), small)]
    assert estimate(large, runs, CPU).seconds == pytest.approx(limit(large, CPU) / limit(small, CPU))


@REPEATABLE
@given(
    st.lists(st.tuples(st.sampled_from((8, 14, 20)), st.sampled_from(TRAINED), st.integers(1, 9)), max_size=8),
    st.sampled_from((8, 14, 20, 56)),
    st.sampled_from(TRAINED),
)
def test_estimate_keeps_the_ratio_to_the_limit_of_some_measured_run(measured, depth, trained):
    runs = [known(float(seconds), depth=depth, trained=trained) for depth, trained, seconds in measured]
    spec = dataclasses.replace(SPEC, depth=depth, trained=trained)
    found = estimate(spec, runs).seconds / limit(spec, IDEAL)
    assert any(math.isclose(found, one.seconds / limit(one.spec, IDEAL)) for one in runs) or (not runs and found == 1)


def test_a_short_training_corrects_the_limit_of_a_measured_device():
    step = work(SPEC)[0]
    trial = Trained(spec=SPEC, seconds=3 * IDEAL.limit(step))
    cost = estimate(SPEC, [], dataclasses.replace(IDEAL, measured=True, trained=(trial,)))
    assert (cost.seconds, cost.basis) == (pytest.approx(3 * limit(SPEC, IDEAL)), "estimated")


def test_a_stored_run_comes_before_a_short_training():
    trial = Trained(spec=SPEC, seconds=1.0)
    assert estimate(SPEC, [known(12.0)], dataclasses.replace(IDEAL, measured=True, trained=(trial,))).seconds == 12.0


def test_images_say_nothing_of_sequences():
    trial = Trained(spec=SPEC, seconds=1.0)
    mlp = sequence("paper", 0, "mlp")
    device = dataclasses.replace(IDEAL, trained=(trial,))
    assert estimate(mlp, [known(12.0)], device).seconds == limit(mlp, IDEAL)


@pytest.mark.parametrize("depth", [8, 14, 32, 56])
def test_deeper_networks_cost_more(depth):
    shallow, deep = (estimate(cifar("smoke", 0, depth=one), [], CPU).seconds for one in (depth, depth + 6))
    assert deep > shallow


def test_the_more_is_trained_the_more_it_costs():
    every, some, none = (limit(cifar("paper", 0, depth=14, trained=one), IDEAL) for one in ("all", "batchnorm", "none"))
    assert every > some > 10 * none
