"""The claims themselves, as pytest collects them."""

import dataclasses

import pytest

from repro.collecting.catalogue import catalogue
from repro.collecting.collect import collect
from repro.planning.work import forward_macs
from repro.recipes import SCALES, cifar
from repro.runs.datasets import DATASETS, IMAGES
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.spec import RunSpec

CATALOGUE = catalogue()


@pytest.fixture(scope="module", params=SCALES)
def checks(request):
    return collect(scale=request.param).selected


@pytest.fixture(scope="module")
def claims():
    """Every claim by id, controls left out; at paper scale each has a point."""
    found = {check.claim.id: check.claim for check in collect(scale="paper").selected}
    return {name: one for name, one in found.items() if one.source.work != "control"}


def test_every_row_of_the_catalogue_has_a_check_or_a_reason_why_not(claims):
    assert {row.id for row in CATALOGUE if not row.reason} == set(claims)


def test_a_row_and_its_claim_name_the_same_source_and_are_primary_together(claims):
    for row in CATALOGUE:
        if not row.reason:
            assert (claims[row.id].source.work, claims[row.id].primary) == (row.work, row.primary), row.id


def test_a_row_without_a_check_says_what_is_claimed():
    assert all(row.sentence for row in CATALOGUE if row.reason)


def test_every_work_of_the_sources_is_in_the_catalogue():
    assert {row.work for row in CATALOGUE} == {
        "frankle2021",
        "thebatch2020",
        "greydanus2024",
        "hastie2009",
        "peerthum2023",
        "pwnc",
        "open-questions",
    }


def test_a_testable_claim_has_a_point_to_test(checks, claims):
    scale = checks[0].scale
    with_points = {check.claim.id for check in checks}
    assert {name for name, one in claims.items() if one.tested(scale)} <= with_points


def test_numbers_and_shares_are_tested_on_the_papers_own_networks_alone(claims):
    for one in claims.values():
        if one.rule.kind in "PF":
            assert set(one.testable) == {"paper"}, one.id


def test_what_only_measures_is_testable_nowhere(claims):
    assert all(not one.testable for one in claims.values() if one.rule.kind == "M")


def test_a_claim_that_repeats_another_has_its_runs_and_its_rule(claims):
    repeating = [one for one in claims.values() if one.same_as]
    assert {one.id for one in repeating} == {
        "thebatch-bn-only",
        "thebatch-full-training",
        "thebatch-pruning-negligible",
    }
    for one in repeating:
        other = claims[one.same_as]
        assert (one.rule, one.grid, set(one.testable)) == (other.rule, other.grid, set(other.testable))


def test_no_reason_cites_a_document_that_a_reader_cannot_open(checks):
    for check in checks:
        assert "VERDICTS" not in check.file.read_text() and "CLAIMS" not in check.file.read_text(), check.file
        if check.claim.rule.reason.startswith("RULES.md"):
            assert (check.file.parents[1] / "RULES.md").exists()


def test_full_training_is_a_control_of_every_network_that_smoke_and_paper_train(checks):
    """Of the pilot's networks, ResNet-14 alone has a published accuracy and runs short enough."""
    controlled = {
        spec.network
        for check in checks
        if check.claim.id in ("control-full-training", "control-layers-full-training")
        and check.claim.tested(check.scale)
        for spec in check.runs(1).values()
    }
    specs = [spec for check in checks for spec in check.runs(1).values() if isinstance(spec, ResNetSpec)]
    trained = {spec.network for spec in specs if spec.epochs > 10}
    left_out = {"smoke": set(), "pilot": {"resnet-8", "resnet-20", "resnet-32", "wrn-8-2"}, "paper": set()}
    assert trained - controlled == left_out[checks[0].scale]


def test_every_run_of_every_check_is_a_spec_at_every_look(checks):
    for check in checks:
        for seeds in check.looks:
            assert all(isinstance(spec, RunSpec) for spec in check.runs(seeds).values())


def test_runs_is_pure(checks):
    for check in checks:
        again = dataclasses.replace(check)  # which keeps no runs that were named before
        assert check.arms(check.looks[0]) == again.arms(check.looks[0])


def test_every_claim_about_trained_networks_depends_on_the_controls(checks):
    for check in checks:
        trained = any(spec.rows for spec in check.runs(1).values())
        is_control = check.claim.source.work == "control"
        assert bool(check.claim.depends_on) == (trained and not is_control), check.id


def test_every_claim_has_a_reason_for_its_rule(checks):
    assert all(check.claim.rule.reason for check in checks)


SMALL = [name for name in IMAGES if not DATASETS[name].in_files]  # sets of images, and not ImageNet


def test_exact_claims_train_nothing(checks):
    for check in checks:
        if check.claim.exact:
            assert not any(spec.rows for spec in check.runs(1).values()), check.id


def test_a_named_copy_of_cifar10_replaces_it_in_every_trained_run():
    for scale, stand_ins in (("paper", {"cifar10-jpeg"}), ("smoke", {"digits"})):
        checks = collect(scale=scale, copy="cifar10-jpeg").selected
        specs = [spec for check in checks for spec in check.runs(1).values() if spec.rows and spec.dataset in SMALL]
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
    checks = collect(scale="pilot").selected
    found = {key: spec for check in checks for key, spec in check.runs(check.looks[0]).items()}
    specs = {key: spec for key, spec in found.items() if isinstance(spec, ResNetSpec)}
    assert not any(spec.rows for key, spec in found.items() if key not in specs)
    passes = {"all": 3, "all-but-batchnorm": 3, "random": 3, "none": 1}
    hours = [
        forward_macs(spec) * (passes.get(spec.trained, 2) * 50_000 + 10_000) * spec.epochs / speed / 3600
        for spec in specs.values()
    ]
    assert sum(hours) < 32, "the pilot must stay an evening's work: give the new claim no point there"
    assert max(hours) < 2
    assert {spec.epochs for spec in specs.values()} == {0, 1, 16}


def test_a_smoke_network_with_nothing_trained_settles_its_statistics():
    """The running statistics forget their start by 0.9 a step; 15 steps make an epoch of the digits."""
    assert 0.9 ** (15 * cifar("smoke", 0, depth=8, trained="none").epochs) < 0.01
    assert cifar("paper", 0, depth=8, trained="none").epochs == 1
