"""Evidence: a check reads the runs it declared, all of them, and leaves findings."""

import pytest

from repro.compare import Levels, Outcome
from repro.errors import ClaimError, StoreError
from repro.judging.evidence import Evidence
from repro.recipes import cifar
from repro.runs.datasets import DATASETS
from repro.runs.drawn import named_fingerprints
from repro.runs.store import Store
from tests.judging.cases import boosted, pruned
from tests.made import check_of

LEVELS = Levels(accept=0.05, against=0.05)


def check():
    return check_of(
        lambda scale, seed: {
            "BatchNorm": cifar(scale, seed, depth=8),
            "output": cifar(scale, seed, depth=8, trained="output"),
        }
    )


@pytest.fixture
def evidence(tmp_path, finished):
    store = Store(tmp_path)
    arms = {
        arm: tuple(finished(store, spec, top1=top1 + spec.seed) for spec in specs)
        for (arm, specs), top1 in zip(check().arms(3).items(), (80.0, 40.0), strict=True)
    }
    return Evidence(check(), arms, LEVELS)


def test_runs_come_seed_by_seed(evidence):
    assert [run.spec.seed for run in evidence.runs("BatchNorm")] == [0, 1, 2]


def test_accuracy_is_one_value_per_seed(evidence):
    assert evidence.accuracy("BatchNorm").values == (80.0, 81.0, 82.0)


def test_accuracy_is_rounded_by_the_number_of_images(evidence):
    assert evidence.accuracy("BatchNorm").step == 100 / 899


@pytest.mark.parametrize(("ask", "step"), [("accuracy", 100 / 899), ("train_accuracy", 1 / 898)])
def test_a_sample_of_several_data_sets_is_rounded_by_the_smallest_of_them(tmp_path, finished, ask, step):
    runs = []
    for size, scale, seed in ((10_000, "paper", 0), (899, "smoke", 1), (10_000, "paper", 2)):
        measured = {"accuracy": {"top1": 90.0, "train_top1": 95.0, "images": size}}
        runs.append(finished(Store(tmp_path), cifar(scale, seed, depth=8), measurements=measured))
    assert getattr(Evidence(check(), {"a": tuple(runs)}, LEVELS), ask)("a").step == step


def test_neighbours_in_a_ticket_are_pairs_and_not_longer_rows_of_inputs(tmp_path):
    evidence = Evidence(check(), {"ticket": (pruned(Store(tmp_path)),)}, LEVELS)
    assert evidence.beside("ticket", "retrain 3").values == (0.3,)


def test_top_five_is_read_beside_top_one(evidence):
    sample = evidence.top5("BatchNorm", "top-5")
    assert (sample.values, sample.unit, sample.step, sample.label) == ((99.0,) * 3, "%", 100 / 899, "top-5")


def test_sample_is_named_after_its_arm_by_default(evidence):
    assert (evidence.accuracy("output").label, evidence.accuracy("output", "last layer").label) == (
        "output",
        "last layer",
    )


def test_clamped_accuracy_is_read_at_its_threshold(evidence):
    assert evidence.clamped_accuracy("BatchNorm", 0.1).values == (60.0, 61.0, 62.0)


def test_small_gamma_is_a_share_at_its_threshold(evidence):
    sample = evidence.small_gamma("BatchNorm", 0.01)
    assert (sample.values, sample.unit, sample.step) == ((0.25,) * 3, "share", 1 / 200)


def test_dead_relus_are_a_share_of_the_units(evidence):
    sample = evidence.dead_relus("BatchNorm")
    assert (sample.values, sample.unit, sample.step) == ((0.125,) * 3, "share", 1 / 400)


def test_counts_are_by_part(evidence):
    assert evidence.counts("output")["total"] == 19


def test_threshold_that_was_not_measured_is_an_error(evidence):
    with pytest.raises(StoreError, match=r"measured at 0\.01, 0\.1, not at 0\.5"):
        evidence.small_gamma("BatchNorm", 0.5)


def test_fingerprints_stand_beside_those_of_the_data_set(evidence):
    known = DATASETS["digits"].fingerprints
    assert evidence.fingerprints("BatchNorm") == {
        "train": (known["train"], known["train"]),
        "test": (known["test"], known["test"]),
    }


def test_fingerprints_stand_beside_those_of_what_the_seed_draws(tmp_path):
    known = named_fingerprints("hastie-10-2", 1)
    run = boosted(Store(tmp_path), seed=1, data=dict.fromkeys(("train", "test"), "a" * 64))
    assert Evidence(check(), {"tree": (run,)}, LEVELS).fingerprints("tree") == {
        split: ("a" * 64, known[split]) for split in ("train", "test")
    }


def test_fingerprints_of_unread_data_stand_for_themselves(tmp_path, finished):
    run = finished(Store(tmp_path), cifar("paper", 0, depth=14))
    found = Evidence(check(), {"BatchNorm": (run,)}, LEVELS).fingerprints("BatchNorm")
    assert all(read == named for read, named in found.values())


def test_undeclared_arm_is_refused_with_those_declared(evidence):
    with pytest.raises(ClaimError, match=r"reads arm 'all'.*declared: BatchNorm, output"):
        evidence.runs("all")


def test_unread_arm_is_refused_by_name(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0)
    with pytest.raises(ClaimError, match="declares arms output and does not read them"):
        evidence.close()


def test_no_finding_is_refused(evidence):
    evidence.runs("BatchNorm"), evidence.runs("output")
    with pytest.raises(ClaimError, match="recorded no finding"):
        evidence.close()


def test_sweep_is_no_finding(evidence):
    evidence.runs("BatchNorm"), evidence.runs("output")
    evidence.show(label="a", x_label="x", y_label="y", x=(1.0,), lines={"b": (2.0,)})
    with pytest.raises(ClaimError, match="recorded no finding"):
        evidence.close()


def test_finding_applies_the_claim_s_rule(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("output"))
    assert [finding.outcome for finding in evidence.findings] == [Outcome.ESTABLISHED]


def test_check_that_read_all_and_found_something_ends_well(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("output"))
    evidence.close()


def test_run_changed_by_hand_is_not_read(evidence):
    (evidence.runs("output")[1].folder / "measurements" / "accuracy.json").write_text("{}")
    with pytest.raises(StoreError, match="was changed after the run"):
        evidence.accuracy("output")
