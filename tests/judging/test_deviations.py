"""Deviations: what differs from the protocol stands beside the verdict."""

import pytest

from repro.claim import ONE_LOOK, PRECISION
from repro.compare import Measure, Published
from repro.judging.claims import claims_table
from repro.judging.deviations import deviations
from repro.judging.judge import judge_check
from repro.judging.verdict import HOLDS, Verdict
from repro.recipes import cifar, imagenet
from repro.runs.store import Store
from tests.judging.cases import EXACT, ON, REASON, in_bfloat16, is_equal, only_measured, store_run, train, verdict_of
from tests.made import check_of, finished


def test_runs_under_the_protocol_have_no_deviation(store, make):
    row = verdict_of(store, make(only_measured, rule=Measure(reason=REASON)), ON)
    assert row.deviations == ()


def test_jpeg_copy_is_a_deviation(store, make):
    row = verdict_of(store, make(dataset="cifar10-jpeg"), ON)
    assert row.verdict is Verdict.REPRODUCED
    assert ["JPEG" in text for text in row.deviations] == [True]


def test_bfloat16_is_a_deviation(store, make):
    check = make(runs=in_bfloat16)
    train(store, check, ON)
    assert judge_check(check, store, {PRECISION: HOLDS}).deviations == ("precision: bfloat16",)


def test_runs_on_another_gpu_than_the_rest_are_a_deviation(store, make):
    """VERDICTS: "what differs from it (data re-encoded as JPEG, bfloat16, another GPU) is listed … as a deviation"."""
    check = make()
    train(store, check, ON)
    record = {"criteria": {f"paper:{check.id}": check.criterion_sha256}}
    part = {"device": "NVIDIA H100", "device_type": "cuda"}
    store_run(store, check.arms(3)["batchnorm"][2], ON[2], part=part, **record)
    assert any("NVIDIA H100" in text for text in judge_check(check, store, {}).deviations)


def test_steps_taken_in_other_ways_than_the_rest_are_a_deviation(store, make):
    check = make()
    train(store, check, ON[:1])
    criteria = {f"paper:{check.id}": check.criterion_sha256}
    for seed, way in ((1, "eager"), (2, "captured")):
        store_run(store, check.arms(3)["batchnorm"][seed], ON[seed], part={"way": way}, criteria=criteria)
    mixed = "ways to take steps: runs of this comparison were trained with captured, eager"
    assert mixed in judge_check(check, store, {}).deviations


@pytest.mark.parametrize(("dataset", "told"), [("imagenet", True), ("cifar10", False)])
def test_data_that_nothing_vouches_for_are_a_deviation(tmp_path, dataset, told):
    spec = imagenet("paper", 0, depth=18) if dataset == "imagenet" else cifar("paper", 0, depth=14)
    check = check_of(lambda scale, seed: {"batchnorm": spec}, id="any")
    run = finished(Store(tmp_path), spec)
    listed = deviations(check, {spec.key: run}, 1, (), {})
    assert (f"data: nothing here vouches for the copy of {dataset}" in listed) == told


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"code": "another"}, "training code: runs of this comparison were trained with another, c0de"),
        (
            {"code": "0123456789abcdef"},
            "training code: runs of this comparison were trained with 0123456789ab, c0de",
        ),
        (
            {"torch": "2.0.1+cu130.experimental"},
            "torch versions: runs of this comparison were trained with 2.0.1+cu130.experimental, 2.14.1",
        ),
        ({"torch": "2.0"}, "torch versions: runs of this comparison were trained with 2.0, 2.14.1"),
        ({"commit": "c0ffee+changes"}, "dirty tree: 1 of the 3 runs were trained by code that no commit holds"),
        ({"way": "fused"}, "engine: fused, which agreed with the eager step over ten steps"),
    ],
)
def test_runs_trained_by_other_code_than_the_rest_are_a_deviation(store, make, part, words):
    check = make()
    train(store, check, ON[:2])
    criteria = {f"paper:{check.id}": check.criterion_sha256}
    store_run(store, check.arms(3)["batchnorm"][2], ON[2], part=part, criteria=criteria)
    assert judge_check(check, store, {}).deviations == (words,)


def test_another_number_of_replicates_than_the_source_had_is_a_deviation(store, make):
    def digitised(evidence):
        reference = Published(value=82.0, replicates=5, reading_error=0.0)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    row = verdict_of(store, make(digitised), ON)
    assert row.deviations == ("replicates: 3 seeds, but 5 behind the published values",)


def test_definition_that_the_source_leaves_open_is_a_deviation(store, make):
    row = verdict_of(store, make(definition_open="whether a unit or a channel is dead"), ON)
    assert row.deviations[-1] == "definition: the source leaves open whether a unit or a channel is dead"


@pytest.fixture
def one_diverged(store, make):
    """A claim one of whose three runs diverged to chance."""
    check = make()
    train(store, check, (82.0, 82.1))
    criteria = {f"paper:{check.id}": check.criterion_sha256}
    store_run(store, check.arms(3)["batchnorm"][2], 10.0, criteria=criteria, outcome="diverged")
    return judge_check(check, store, {})


def test_diverged_run_is_a_deviation(one_diverged):
    (text,) = one_diverged.deviations
    assert text.startswith("diverged: ")
    assert "seed 2" in text


def test_diverged_run_counts_as_it_is(one_diverged):
    assert one_diverged.findings[0].samples[0].values == (82.0, 82.1, 10.0)


def test_rule_written_after_the_runs_is_a_deviation(store, make):
    row = verdict_of(store, make(), ON, criteria={})
    (text,) = row.deviations
    assert text == "rule: 3 of the 3 runs were trained for other claims or points, and do not have it on record"


def test_rule_changed_after_the_runs_is_a_deviation(store, make):
    row = verdict_of(store, make(), ON, criteria={"paper:a-claim": "0" * 64})
    assert row.deviations == ("rule: changed after 3 of the 3 runs were trained",)


def test_rule_of_an_exact_claim_may_be_written_after_its_runs(store, make):
    check = make(is_equal, rule=EXACT, looks=ONE_LOOK, exact=True)
    assert verdict_of(store, check, (82.0,), criteria={}).deviations == ()


@pytest.mark.parametrize(
    ("criteria", "mark"),
    [({}, "rule not on record with its runs"), ({"paper:a-claim": "0" * 64}, "rule changed after its runs")],
)
def test_verdict_whose_rule_came_after_its_runs_is_marked_wherever_it_is_shown(store, make, criteria, mark):
    check = make()
    row = verdict_of(store, check, ON, criteria=criteria)
    (entry,) = claims_table([row], [check])
    assert row.marks == entry.marks == (mark,)
