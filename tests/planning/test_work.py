"""The work of a run: counted by hand, and as the literature counts it."""

import dataclasses

import pytest

from repro.planning.work import forward_macs, work
from repro.recipes import boosting, built, cifar, imagenet, sequence, ticket


def test_first_convolution_and_blocks_are_counted_by_hand():
    """ResNet-8 on 8 × 8 × 1: 9·64·16·1, then one block a group and two projecting shortcuts."""
    first = 9 * 64 * 16
    groups = 9 * 64 * 16 * 32 + 9 * 16 * 32 * (16 + 32) + 9 * 4 * 64 * (32 + 64)
    shortcuts = 16 * 32 * 16 + 4 * 64 * 32
    assert forward_macs(cifar("smoke", 0, depth=8)) == first + groups + shortcuts


@pytest.mark.parametrize(
    ("spec", "macs"),
    [
        (cifar("paper", 0, depth=110), 253e6),  # as the literature counts it
        (built(depth=18, family="imagenet-resnet"), 1.81e9),  # torchvision's own figures
        (built(depth=50, family="imagenet-resnet"), 4.09e9),
        (built(depth=101, family="imagenet-resnet"), 7.80e9),
    ],
    ids=lambda value: getattr(value, "network", None),
)
def test_networks_have_the_published_multiply_accumulates(spec, macs):
    assert forward_macs(spec) == pytest.approx(macs, rel=0.02)


def test_a_step_of_the_paper_has_as_many_operations_as_its_issue_counts():
    """ResNet-866, BatchNorm alone, 160 epochs: 6.4e16 operations; outputs of 2.1 GB in bfloat16, 20 times over."""
    step, _ = work(dataclasses.replace(cifar("paper", 0, depth=866), precision="bfloat16"))
    assert step.times == 160 * 391
    assert step.times * step.flops == pytest.approx(6.4e16, rel=0.3)
    assert step.bytes / 20 == pytest.approx(2.1e9, rel=0.05)


def test_what_is_only_built_does_no_work():
    assert work(built(depth=14)) == ()


def test_every_row_of_the_history_is_an_evaluation_of_all_test_examples():
    step, evaluation = work(cifar("paper", 0, depth=14, trained="none"))
    assert evaluation.times * evaluation.flops == pytest.approx(step.times * step.flops * 10_000 / (391 * 128))


@pytest.mark.parametrize("trained", ["none", "output"])
def test_without_a_gradient_that_enters_the_network_a_step_is_a_forward_pass(trained):
    step, whole = (work(cifar("paper", 0, depth=14, trained=one))[0] for one in (trained, "batchnorm"))
    assert 2 * step.flops == whole.flops


def test_recurrence_starts_operations_at_every_place_of_a_sequence():
    gru, mlp = (work(sequence("paper", 0, family))[0] for family in ("gru", "mlp"))
    assert gru.launches > 10 * mlp.launches


def test_a_ticket_does_every_step_of_its_retrains_and_tests():
    """96 retrains of 1,501 steps of batches of 100, and 4 tests of 6,000 of batches of 500."""
    spec = ticket(0, "magnitude")
    one = work(sequence("paper", 0, "mlp", hidden=spec.hidden))[0]
    steps = [part for part in work(spec) if part.launches == one.launches]
    assert sum(part.times for part in steps) == 96 * 1_501 + 4 * 6_000
    flops = one.flops * (96 * 1_501 + 5 * 4 * 6_000)
    assert sum(part.times * part.flops for part in steps) == pytest.approx(flops)


def test_twice_the_rounds_are_twice_the_work():
    once, twice = (work(boosting("paper", 0, "adaboost-m1").with_rows(rows))[0] for rows in (1, 2))
    assert twice.times == 2 * once.times and twice.bytes == once.bytes


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_imagenet_networks_cost_what_torchvision_counts(depth):
    """In its table of weights, rounded to a thousandth of 10⁹; it has none of depth 200."""
    from torchvision import models

    counted = getattr(models, f"ResNet{depth}_Weights").IMAGENET1K_V1.meta["_ops"]
    assert forward_macs(imagenet("paper", 0, depth=depth)) / 1e9 == pytest.approx(counted, abs=0.001)


def test_every_process_of_a_run_takes_every_step_on_its_share_of_the_batch():
    spec = imagenet("paper", 0, depth=18)
    eight, one = (work(dataclasses.replace(spec, processes=count))[0] for count in (8, 1))
    assert (eight.times, 8 * eight.flops) == (8 * one.times, one.flops)
