"""The claims themselves, as pytest collects them."""

import dataclasses

import pytest

from repro.collecting.collect import collect
from repro.planning.cost import forward_macs
from repro.recipes import SCALES, cifar
from repro.runs.spec import RunSpec

CATALOGUE = [
    "table1",
    "bn-algorithm",
    "affine-helps-cifar",
    "bn-only-cifar",
    "bn-only-by-depth",
    "bn-only-by-width",
    "far-above-chance",
    "full-training",
    "beats-random-k",
    "random-k-to-match",
    "deeper-is-better",
    "wider-is-better",
    "depth-beats-width",
    "accuracy-by-bn-count",
    "without-bn-depth-fails",
    "extra-parts-vanish",
    "gamma-third-cifar",
    "gamma-third-wording",
    "gamma-nearly-half",
    "gamma-not-when-all",
    "gamma-sparsity-grows",
    "clamp-harmless",
    "dead-relus",
    "alive-relus-when-all",
    "bn-share",
    "bn-init-matters-little",
    "weight-init-matters-little",
]  # CLAIMS, without what only ImageNet training could decide


@pytest.fixture(scope="module", params=SCALES)
def checks(request):
    return collect(scale=request.param).selected


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_every_cifar_claim_of_the_catalogue_has_a_check(scale):
    assert set(CATALOGUE) <= {check.claim.id for check in collect(scale=scale).selected}


def test_every_run_of_every_check_is_a_spec_at_every_look(checks):
    for check in checks:
        for seeds in check.looks:
            assert all(isinstance(spec, RunSpec) for spec in check.runs(seeds).values())


def test_runs_is_pure(checks):
    for check in checks:
        assert check.arms(check.looks[0]) == check.arms(check.looks[0])


def test_every_control_that_is_leaned_on_exists(checks):
    known = {check.claim.id for check in checks}
    assert {control for check in checks for control in check.claim.depends_on} <= known


def test_every_claim_about_trained_networks_leans_on_the_controls(checks):
    for check in checks:
        trained = any(spec.epochs for spec in check.runs(1).values())
        is_control = check.claim.source.work == "control"
        assert bool(check.claim.depends_on) == (trained and not is_control), check.id


def test_every_claim_has_a_reason_for_its_rule(checks):
    assert all(check.claim.rule.reason for check in checks)


def test_exact_claims_train_nothing(checks):
    for check in checks:
        if check.claim.exact:
            assert not any(spec.epochs for spec in check.runs(1).values()), check.id


def test_a_named_copy_of_cifar10_replaces_it_in_every_trained_run():
    for scale, stand_ins in (("paper", {"cifar10-jpeg"}), ("smoke", {"digits"})):
        checks = collect(scale=scale, copy="cifar10-jpeg").selected
        specs = [spec for check in checks for spec in check.runs(1).values() if spec.epochs]
        assert {spec.dataset for spec in specs} == stand_ins


def test_smoke_has_three_seeds_of_every_trained_condition():
    seeds = {}
    for check in collect(scale="smoke").selected:
        if check.claim.source.work == "control" or check.claim.exact:
            continue
        for spec in check.runs(check.looks[-1]).values():
            seeds.setdefault(dataclasses.replace(spec, seed=0), set()).add(spec.seed)
    assert all(found >= {0, 1, 2} for found in seeds.values())


def test_paper_scale_tops_up_at_three_five_and_eight_seeds():
    checks = collect(scale="paper", keyword="bn-only-cifar").selected
    assert {check.looks for check in checks} == {(3, 5, 8)}


def test_the_pilot_costs_what_its_docstring_says():
    """At most 32 core-hours, no run above two, at 400 training images a second for BatchNorm alone in ResNet-14."""
    speed = 400 * 2 * forward_macs(cifar("paper", 0, depth=14))
    specs = {key: spec for check in collect(scale="pilot").selected for key, spec in check.runs(check.looks[0]).items()}
    passes = {"all": 3, "all-but-batchnorm": 3, "random": 3, "none": 1}
    hours = [
        forward_macs(spec) * (passes.get(spec.trained, 2) * 50_000 + 10_000) * spec.epochs / speed / 3600
        for spec in specs.values()
    ]
    assert sum(hours) == pytest.approx(30.4, abs=0.05)
    assert max(hours) < 2
    assert {spec.epochs for spec in specs.values()} == {0, 1, 16}


def test_a_smoke_network_with_nothing_trained_settles_its_statistics():
    """The running statistics forget their start by 0.9 a step; 15 steps make an epoch of the digits."""
    assert 0.9 ** (15 * cifar("smoke", 0, depth=8, trained="none").epochs) < 0.01
    assert cifar("paper", 0, depth=8, trained="none").epochs == 1
