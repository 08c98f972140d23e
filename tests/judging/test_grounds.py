"""What a row rests on: controls, deviations, and the runs themselves."""

import dataclasses

import pytest

from repro.claim import ONE_LOOK
from repro.judging.controls import failed, states
from repro.judging.deviations import deviations, marks
from repro.judging.integrity import broken_controls, contradiction
from repro.judging.judge import judge_check
from repro.judging.verdict import Answer, Verdict
from repro.recipes import built, cifar
from repro.runs.drawn import named_fingerprints
from repro.runs.store import Store
from tests.judging.cases import SMOKE, arms, boosted
from tests.made import check_of, finished

# Controls


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([("REPRODUCED", "none"), ("REPRODUCED", "none")], "holds"),
        ([("REPRODUCED", "none"), ("NOT_REPRODUCED", "none")], "failed"),
        ([("PENDING", "none"), ("INVALID", "none")], "failed"),
        ([("SMOKE", "not seen"), ("SMOKE", "seen")], "failed"),
        ([("SMOKE", "seen"), ("SMOKE", "open")], "open"),
        ([("REPRODUCED", "none"), ("PENDING", "none")], "pending"),
        ([("BLOCKED", "none"), ("REPRODUCED", "none")], "blocked"),
        ([], "not collected"),
    ],
)
def test_a_control_holds_only_where_all_its_points_do(pending, verdicts, state):
    control = check_of(arms, id="control")
    check = check_of(arms, depends_on=("control",))
    judged = [
        (control, dataclasses.replace(pending, verdict=Verdict[word], answer=Answer(answer)))
        for word, answer in verdicts
    ]
    found = states(check, [*judged, (SMOKE, dataclasses.replace(pending, verdict=Verdict.INVALID))])
    assert found == {"control": state}
    assert failed(found) == (["control"] if state == "failed" else [])


def test_a_network_without_a_point_of_its_control_is_named_by_depth_and_width(pending):
    control = check_of(arms, id="control", per_network=True)
    wide = check_of(lambda scale, seed: {"wide": cifar(scale, seed, depth=8, width=2)}, depends_on=("control",))
    row = dataclasses.replace(pending, verdict=Verdict.SMOKE, answer=Answer.SEEN)
    assert states(wide, [(control, row)]) == {"control": "no point for wrn-8-2"}


def test_a_network_that_is_only_built_needs_no_point_of_a_control(pending):
    control = check_of(arms, id="control", per_network=True)
    check = check_of(lambda scale, seed: {**arms(scale, seed), "built": built(depth=14)}, depends_on=("control",))
    row = dataclasses.replace(pending, verdict=Verdict.SMOKE, answer=Answer.SEEN)
    assert states(check, [(control, row)]) == {"control": "holds"}


# Deviations


def test_runs_that_were_only_built_are_no_mixture(tmp_path):
    store = Store(tmp_path)
    check = check_of(lambda scale, seed: {"built": built(depth=14)}, looks=ONE_LOOK)
    run = finished(store, built(depth=14), part={"commit": "c0ffee+changes", "device": "another"})
    trained = finished(store, cifar("smoke", 0, depth=8), criteria={f"smoke:{check.id}": check.criterion_sha256})
    found = deviations(check, {run.spec.key: run, trained.spec.key: trained}, 1, (), {})
    assert found == ("rule: 1 of the 2 runs was trained for other claims or points, and does not have it on record",)


def test_a_row_counts_the_runs_that_have_another_rule(tmp_path):
    store = Store(tmp_path)
    frozen = ({"smoke:a": "0" * 64}, {}, {"smoke:a": SMOKE.criterion_sha256})
    found = {
        spec.key: finished(store, spec, criteria=criteria)
        for spec, criteria in zip(SMOKE.arms(3)["BatchNorm"], frozen, strict=True)
    }
    assert deviations(SMOKE, found, 3, (), {}) == (
        "rule: 1 of the 3 runs was trained for other claims or points, and does not have it on record",
        "rule: changed after 1 of the 3 runs were trained",
    )
    assert set(marks(SMOKE, found, {})) == {"rule changed after its runs", "rule not on record with its runs"}


def test_the_same_rule_in_changed_judging_code_is_no_changed_rule(tmp_path):
    store, older = Store(tmp_path), "0" * 64
    criteria = {"smoke:a": SMOKE.criterion_under(older), "judging code": older}
    found = {spec.key: finished(store, spec, criteria=criteria) for spec in SMOKE.arms(2)["BatchNorm"]}
    assert deviations(SMOKE, found, 2, (), {}) == (
        "judging code: changed after runs were trained; the claim’s rule has not",
    )
    assert marks(SMOKE, found, {}) == ("judging code changed after its runs",)
    forged = {"smoke:a": SMOKE.criterion_under(older), "judging code": "1" * 64}
    found = {spec.key: finished(store, spec, criteria=forged) for spec in SMOKE.arms(2)["BatchNorm"]}
    assert marks(SMOKE, found, {}) == ("rule changed after its runs",)


@pytest.mark.parametrize("at", ["paper:a", "smoke:a-a", "a"])
def test_the_rule_of_another_scale_or_check_is_none_on_record(tmp_path, at):
    (spec,) = SMOKE.arms(1)["BatchNorm"]
    run = finished(Store(tmp_path), spec, criteria={at: SMOKE.criterion_sha256})
    assert marks(SMOKE, {spec.key: run}, {}) == ("rule not on record with its runs",)


@pytest.mark.parametrize(
    ("scale", "replicates", "expected"),
    [
        ("paper", (3,), ()),
        ("paper", (5, 3, 1), ("replicates: 3 seeds, but 1, 5 behind the published values",)),
        ("smoke", (5,), ()),
    ],
)
def test_replicates_are_a_deviation_only_under_the_protocol(tmp_path, scale, replicates, expected):
    assert deviations(check_of(arms, scale=scale), {}, 3, replicates, {}) == expected


@pytest.mark.parametrize(
    ("state", "expected", "marked"),
    [("holds", (), ()), ("failed", (), ()), ("pending", ("control c: pending",), ("provisional",))],
)
def test_a_control_that_neither_holds_nor_failed_is_a_deviation(state, expected, marked):
    assert deviations(SMOKE, {}, 3, (), {"c": state}) == expected
    assert marks(SMOKE, {}, {"c": state}) == marked
    assert marks(SMOKE, {}, {"before": "holds", "c": state, "after": "holds"}) == marked


# Runs as evidence


@pytest.mark.parametrize(
    ("device_type", "images", "sound"),
    [
        ("cpu", 0, True),
        ("cpu", 1, False),
        ("cuda", 5, True),
        ("cuda", -5, True),
        ("cuda", 6, False),
        ("cuda", -6, False),
    ],
)
def test_on_a_gpu_alone_a_few_images_may_fall_on_another_side(tmp_path, device_type, images, sound):
    found = {"accuracy": {"top1": 80.0 + 100 * images / 899, "images": 899}}
    spec = cifar("smoke", 0, depth=8)
    run = finished(Store(tmp_path), spec, top1=80.0, device_type=device_type, measurements=found)
    assert (contradiction(run) == "") == sound


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frozen_after": "e" * 64}, ["frozen tensors of resnet-8 batchnorm 12 epochs seed 0 (digits) are not"]),
        (
            {"frozen_after": "e" * 64, "outcome": "diverged"},
            ["frozen tensors of resnet-8 batchnorm 12 epochs seed 0 (digits) are not"],
        ),
        ({"data": {"train": "1" * 64, "test": "2" * 64}}, ["read train images of", "read test images of"]),
        ({}, []),
    ],
    ids=["frozen", "frozen, diverged", "images", "sound"],
)
def test_each_broken_control_of_a_run_is_one_sentence(tmp_path, fields, words):
    sound = finished(Store(tmp_path / "sound"), cifar("smoke", 1, depth=8))
    only_built = finished(Store(tmp_path / "built"), built(depth=14))
    run = finished(Store(tmp_path), cifar("smoke", 0, depth=8), **fields)
    messages = broken_controls([only_built, sound, run])
    assert len(messages) == len(words)
    assert all(word in sentence for word, sentence in zip(words, messages, strict=True))


def test_runs_must_have_read_one_copy_of_data_whose_fingerprint_nobody_knows(tmp_path):
    data = [{"train": "1" * 64, "test": "2" * 64}, {"train": "1" * 64, "test": "3" * 64}]
    one, other = (
        finished(Store(tmp_path / str(seed)), cifar("paper", seed, depth=14), data=read)
        for seed, read in enumerate(data)
    )
    assert broken_controls([one, one]) == []
    (sentence,) = broken_controls([one, other])
    assert "read test images of fingerprint 333333333333…, and another run read 222222222222…" in sentence


@pytest.mark.parametrize(("drawn", "count"), [(1, 0), (0, 2)])
def test_a_run_must_have_read_the_examples_that_its_own_seed_draws(tmp_path, drawn, count):
    run = boosted(Store(tmp_path), seed=1, data=named_fingerprints("hastie-10-2", drawn))
    assert len(broken_controls([run])) == count


def test_a_row_names_the_first_run_whose_frozen_tensors_moved(tmp_path):
    for spec in SMOKE.arms(3)["BatchNorm"]:
        finished(Store(tmp_path), spec, **({"frozen_after": "e" * 64} if spec.seed else {}))
    assert "seed 1" in judge_check(SMOKE, Store(tmp_path), {}).why


def test_a_run_whose_frozen_tensors_moved_makes_its_row_invalid_and_keeps_its_findings(tmp_path):
    store = Store(tmp_path)
    for spec in SMOKE.arms(3)["BatchNorm"]:
        finished(store, spec, **({"frozen_after": "e" * 64} if spec.seed == 2 else {}))
    row = judge_check(SMOKE, store, {})
    assert (row.verdict, row.answer, row.would_change) == (Verdict.INVALID, Answer.NONE, "")
    assert row.why.endswith("So no conclusion can be drawn.") and "seed 2" in row.why
    assert len(row.findings) == 1
