"""Rows: what findings come to, what rows come to, and what a program exits with."""

import dataclasses
import itertools

import pytest

from repro.claim import LOOKS, ONE_LOOK
from repro.compare import Finding, Outcome, Published
from repro.judging.claims import claims_table
from repro.judging.controls import failed, states
from repro.judging.decide import decide
from repro.judging.deviations import deviations, marks
from repro.judging.integrity import broken_controls, contradiction
from repro.judging.judge import judge, judge_check
from repro.judging.verdict import Answer, Verdict, exit_code, to_json
from repro.recipes import SCALES, built, cifar
from repro.runs.store import Store
from repro.statistics import MOST_SEEDS
from tests.made import check_of, finished


def arms(scale, seed):
    return {"BatchNorm": cifar(scale, seed, depth=8)}


def above_half(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0)


def finding(outcome=Outcome.ESTABLISHED, **fields):
    return Finding(label="x", expected="1", measured="2", outcome=outcome, why=f"It is {outcome}.", **fields)


PAPER = check_of(arms, above_half, scale="paper", looks=LOOKS)
SMOKE = check_of(arms, above_half)

# Findings


@pytest.mark.parametrize(
    ("outcomes", "verdict", "answer"),
    [
        ("EU", "INCONCLUSIVE", "open"),
        ("EDU", "INCONCLUSIVE", "open"),
        ("ED", "PARTIAL", "not seen"),
        ("EDUS", "PAPER_ERROR", "seen"),
        ("EDUSR", "NOT_REPRODUCED", "not seen"),
        ("EE", "REPRODUCED", "seen"),
    ],
)
def test_of_several_findings_the_worst_decides_wherever_it_stands(outcomes, verdict, answer):
    words = {
        "E": Outcome.ESTABLISHED,
        "D": Outcome.DIRECTION_ONLY,
        "U": Outcome.UNDECIDED,
        "S": Outcome.SOURCE_ERROR,
        "R": Outcome.RULED_OUT,
    }
    found = [finding(words[letter]) for letter in outcomes]
    for order in (found, found[::-1]):
        assert decide(PAPER, order).words == (Verdict[verdict], Answer.NONE)
        assert decide(SMOKE, order).words == (Verdict.SMOKE, Answer(answer))


def test_p_values_of_a_check_are_those_of_its_findings_corrected_for_their_number():
    found = [finding(p_for=0.01, p_against=0.4), finding(p_for=0.2, p_against=0.1), finding()]
    decision = decide(PAPER, found)
    assert (decision.p_for, decision.p_against) == (0.2, 0.2)
    assert decide(PAPER, [finding(p_against=0.6), finding(p_against=0.9)]).p_against == 1.0
    assert (decide(PAPER, [finding()]).p_for, decide(PAPER, [finding()]).p_against) == (None, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([{"more_seeds": 7}], "It is undecided. 7 seeds would decide at this spread."),
        ([{"interval": (0, 1)}], f"It is undecided. Not even {MOST_SEEDS} seeds would decide at this spread."),
        ([{}], "It is undecided."),
        ([{}, {}], "It is undecided. (and 1 more of 3 findings)"),
    ],
)
def test_an_undecided_check_says_what_would_decide_it(fields, words):
    found = [finding(), *(finding(Outcome.UNDECIDED, **one) for one in fields)]
    assert decide(PAPER, found).why == words


def test_a_finding_that_only_measures_keeps_nothing_for_or_against():
    check = check_of(arms, untestable=dict.fromkeys(SCALES, "a number belongs to its network."))
    for_or_against = {
        "would_change": "x", "criterion": (0, 1), "reference": 1.0, "assumption": "x", "prediction": (0, 1),
        "consistent": True, "p_for": 0.1, "p_against": 0.1, "flips": (0, 1), "more_seeds": 5,
    }  # fmt: skip
    measured = {"estimate": 3.0, "interval": (2.0, 4.0)}
    decision = decide(check, [finding(**for_or_against, **measured)])
    assert decision.words == (Verdict.MEASURED, Answer.NONE)
    (left,) = decision.findings
    assert left == dataclasses.replace(finding(Outcome.MEASURED, **measured), expected="", why="x: 2.")
    assert decision.why.endswith("Not tested at scale smoke: a number belongs to its network.")


# Rows


@pytest.fixture
def pending(tmp_path):
    return judge_check(SMOKE, Store(tmp_path), {})


WHOLE = [
    "BLOCKED",
    "PENDING",
    "INVALID",
    "NOT_REPRODUCED",
    "PAPER_ERROR",
    "INCONCLUSIVE",
    "PARTIAL",
    "SMOKE",
    "PILOT",
    "REPRODUCED",
    "MEASURED",
]


@pytest.mark.parametrize(("first", "second"), list(itertools.pairwise(WHOLE)))
def test_of_two_points_the_worse_is_the_verdict_of_a_claim(pending, first, second):
    rows = [dataclasses.replace(pending, verdict=Verdict[word]) for word in (first, second)]
    for order in (rows, rows[::-1]):
        assert claims_table(order, [SMOKE])[0].verdict is Verdict[first]


@pytest.mark.parametrize(("first", "second"), [("not seen", "open"), ("open", "seen"), ("seen", "none")])
def test_of_two_answers_the_worse_is_that_of_a_claim(pending, first, second):
    rows = [dataclasses.replace(pending, verdict=Verdict.SMOKE, answer=Answer(word)) for word in (first, second)]
    for order in (rows, rows[::-1]):
        (entry,) = claims_table(order, [SMOKE])
        assert entry.answer is Answer(first)
        assert entry.points == {first: 1, second if second != "none" else "SMOKE": 1}


def test_a_claim_has_each_mark_once_and_the_largest_p_value_for_it(pending):
    rows = [
        dataclasses.replace(pending, marks=("provisional",), p_for=0.1, p_against=0.001),
        dataclasses.replace(pending, marks=("provisional", "rule changed after its runs"), p_for=0.3, p_against=0.9),
        dataclasses.replace(pending, marks=(), p_for=None, p_against=None),
    ]
    (entry,) = claims_table(rows, [SMOKE])
    assert entry.marks == ("provisional", "rule changed after its runs")
    assert (entry.p_for, entry.p_against) == (0.3, 0.001)
    assert (entry.tested, entry.rationale) == (True, "the networks and data of its runs")


def test_a_claim_with_nothing_judged_has_no_p_values(pending):
    check = check_of(arms, primary=True)
    (entry,) = claims_table([pending], [check])
    assert (entry.p_for, entry.p_against, entry.p_against_holm) == (None, None, None)


def test_a_p_value_against_a_claim_never_exceeds_one(pending):
    (entry,) = claims_table([dataclasses.replace(pending, p_against=0.9)], [check_of(arms, scale="paper", looks=LOOKS)])
    assert entry.p_against == 1.0


def test_a_row_is_corrected_for_the_looks_of_its_claim(tmp_path):
    store = Store(tmp_path)
    for spec in PAPER.arms(3)["BatchNorm"]:
        finished(store, spec, top1=50.0 - spec.seed)
    row = judge_check(PAPER, store, {})
    assert 0 < row.p_against < 1 / 3
    assert row.p_against_corrected == pytest.approx(3 * row.p_against)


def test_a_row_says_how_many_of_its_runs_are_missing(tmp_path):
    store = Store(tmp_path)
    specs = SMOKE.arms(3)["BatchNorm"]
    finished(store, specs[0])
    row = judge_check(SMOKE, store, {})
    assert row.why == f"2 of 3 runs are missing, the first is {specs[1].name}."
    assert [entry.key for entry in row.missing] == [spec.key for spec in specs[1:]]
    assert (row.runs, row.findings, row.would_change) == ((), (), "")


@pytest.mark.parametrize(("seed_by_seed", "words"), [(True, "No single one of the 3 seeds decides it."), (False, "")])
def test_a_row_is_judged_without_each_seed_only_where_that_is_asked(tmp_path, seed_by_seed, words):
    store = Store(tmp_path)
    for spec in SMOKE.arms(3)["BatchNorm"]:
        finished(store, spec, top1=90.0 + spec.seed / 100)
    assert judge([SMOKE], store, seed_by_seed=seed_by_seed)[0].would_change == words


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_to_leave_one_out_say_nothing(tmp_path, seeds):
    check = check_of(arms, above_half, looks=dict.fromkeys(SCALES, (seeds,)))
    store = Store(tmp_path)
    for spec in check.arms(seeds)["BatchNorm"]:
        finished(store, spec, top1=90.0 + spec.seed)
    assert judge_check(check, store, {}).would_change == ""


def test_seeds_that_each_change_the_verdict_are_named_together(tmp_path):
    store = Store(tmp_path)
    for spec, top1 in zip(SMOKE.arms(3)["BatchNorm"], (50.6, 51.0, 51.4), strict=True):
        finished(store, spec, top1=top1)
    row = judge_check(SMOKE, store, {})
    assert row.answer is Answer.SEEN
    assert row.would_change == "It would be open without any one of the seeds 0, 1, 2."


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


# Deviations


def test_runs_that_were_only_built_are_no_mixture(tmp_path):
    store = Store(tmp_path)
    check = check_of(lambda scale, seed: {"built": built(depth=14)}, looks=ONE_LOOK)
    run = finished(store, built(depth=14), part={"commit": "c0ffee+changes", "device": "another"})
    trained = finished(store, cifar("smoke", 0, depth=8), criteria={f"smoke:{check.id}": check.criterion_sha256})
    found = deviations(check, {run.spec.key: run, trained.spec.key: trained}, 1, (), {})
    assert found == ("rule: written after 1 of the 2 runs were trained for other claims",)


def test_a_row_counts_the_runs_that_have_another_rule(tmp_path):
    store = Store(tmp_path)
    frozen = ({"smoke:a": "0" * 64}, {}, {"smoke:a": SMOKE.criterion_sha256})
    found = {
        spec.key: finished(store, spec, criteria=criteria)
        for spec, criteria in zip(SMOKE.arms(3)["BatchNorm"], frozen, strict=True)
    }
    assert deviations(SMOKE, found, 3, (), {}) == (
        "rule: written after 1 of the 3 runs were trained for other claims",
        "rule: changed after 1 of the 3 runs were trained",
    )
    assert set(marks(SMOKE, found, {})) == {"rule changed after its runs", "rule written after its runs"}


def test_the_same_rule_in_changed_judging_code_is_no_changed_rule(tmp_path):
    store, older = Store(tmp_path), "0" * 64
    criteria = {"smoke:a": SMOKE.criterion_under(older), "judging code": older}
    found = {spec.key: finished(store, spec, criteria=criteria) for spec in SMOKE.arms(2)["BatchNorm"]}
    assert deviations(SMOKE, found, 2, (), {}) == (
        "judging code: changed after 2 of the 2 runs were trained, the rule did not",
    )
    assert marks(SMOKE, found, {}) == ("judging code changed after its runs",)
    forged = {"smoke:a": SMOKE.criterion_under(older), "judging code": "1" * 64}
    found = {spec.key: finished(store, spec, criteria=forged) for spec in SMOKE.arms(2)["BatchNorm"]}
    assert marks(SMOKE, found, {}) == ("rule changed after its runs",)


@pytest.mark.parametrize(
    ("scale", "replicates", "expected"),
    [
        ("paper", (3,), ()),
        ("paper", (5, 3, 1), ("replicates: 3 seeds, and 1, 5 behind the published values",)),
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
        ({"data": {"train": "1" * 64, "test": "2" * 64}}, ["read train images of", "read test images of"]),
        ({}, []),
    ],
    ids=["frozen", "images", "sound"],
)
def test_each_broken_control_of_a_run_is_one_sentence(tmp_path, fields, words):
    sound = finished(Store(tmp_path / "sound"), cifar("smoke", 1, depth=8))
    only_built = finished(Store(tmp_path / "built"), built(depth=14))
    run = finished(Store(tmp_path), cifar("smoke", 0, depth=8), **fields)
    messages = broken_controls([only_built, sound, run])
    assert len(messages) == len(words)
    assert all(word in sentence for word, sentence in zip(words, messages, strict=True))


def test_a_run_whose_frozen_tensors_moved_makes_its_row_invalid_and_keeps_its_findings(tmp_path):
    store = Store(tmp_path)
    for spec in SMOKE.arms(3)["BatchNorm"]:
        finished(store, spec, **({"frozen_after": "e" * 64} if spec.seed == 2 else {}))
    row = judge_check(SMOKE, store, {})
    assert (row.verdict, row.answer, row.would_change) == (Verdict.INVALID, Answer.NONE, "")
    assert row.why.endswith("So no conclusion can be drawn.") and "seed 2" in row.why
    assert len(row.findings) == 1


# What a program exits with


@pytest.mark.parametrize(
    ("judged", "code"),
    [
        ([], 3),
        (["REPRODUCED", "MEASURED", "PAPER_ERROR", "INCONCLUSIVE"], 0),
        (["REPRODUCED", "NOT_REPRODUCED"], 1),
        (["PARTIAL"], 1),
        (["INVALID"], 1),
        (["REPRODUCED", "PENDING", "NOT_REPRODUCED"], 3),
        (["PENDING", "BLOCKED", "NOT_REPRODUCED"], 2),
        ([("SMOKE", "seen"), ("SMOKE", "open")], 0),
        ([("SMOKE", "seen"), ("PILOT", "not seen")], 1),
    ],
    ids=str,
)
def test_exit_code_is_that_of_the_worst_row(judged, code):
    pairs = [(one, "none") if isinstance(one, str) else one for one in judged]
    assert exit_code(pairs) == exit_code(pairs[::-1]) == code


@pytest.mark.parametrize(
    ("verdict", "answer", "stands"),
    [
        ("REPRODUCED", "none", "for"),
        ("PAPER_ERROR", "none", "for"),
        ("NOT_REPRODUCED", "none", "against"),
        ("PARTIAL", "none", "against"),
        ("INCONCLUSIVE", "none", "open"),
        ("SMOKE", "seen", "for"),
        ("SMOKE", "not seen", "against"),
        ("PILOT", "open", "open"),
        ("PENDING", "none", ""),
        ("MEASURED", "none", ""),
    ],
)
def test_a_row_speaks_for_or_against_a_claim_or_neither(pending, verdict, answer, stands):
    assert dataclasses.replace(pending, verdict=Verdict[verdict], answer=Answer(answer)).stands == stands


def test_json_of_a_value_has_its_own_types_and_no_infinity():
    reference = Published(value=82.0, replicates=5, reading_error=0.0)
    assert to_json({1: (float("inf"), -1.5, True), "a": [Verdict.SMOKE, None]}) == {
        "1": [None, -1.5, True],
        "a": ["SMOKE", None],
    }
    assert to_json(reference) == {"value": 82.0, "sd": None, "replicates": 5, "reading_error": 0.0, "version": ""}
