"""Rows: what the verdict on a check says, carries and leaves untouched."""

import json
from pathlib import Path

import pytest

from repro.compare import Point
from repro.judging.judge import judge, judge_check
from repro.judging.verdict import in_a_word, to_json
from tests.judging.cases import (
    EDGE,
    FAR,
    ON,
    ORDERING,
    REASON,
    above_output,
    near_82,
    train,
    two_arms,
    value,
    verdict_of,
)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((81.5, 81.6, 81.4), "No single one of the 3 seeds decides it."),
        ((81.9, 82.0, 83.9), "It would be REPRODUCED if seed 2 were left out."),
    ],
)
def test_row_says_without_which_seed_it_would_be_another(store, make, values, words):
    row = verdict_of(store, make(rule=Point(margin=2.0, reason=REASON)), values)
    assert row.would_change == words


def test_row_lists_every_run_with_the_hash_of_its_record(store, make):
    check = make(above_output, rule=ORDERING, runs=two_arms)
    train(store, check, FAR, arm="output")
    row = verdict_of(store, check, ON)
    expected = {
        (arm, spec.seed, spec.key, store.run(spec).sha256) for arm, specs in check.arms(3).items() for spec in specs
    }
    assert {(run.arm, run.seed, run.key, run.run_json_sha256) for run in row.runs} == expected


@pytest.fixture
def two_findings(store, make):
    """A row with two findings on the edge."""

    def twice(evidence):
        near_82(evidence)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(81.9))

    return verdict_of(store, make(twice), EDGE)


def test_p_value_for_a_check_is_the_largest_of_its_findings(two_findings):
    assert two_findings.p_for == max(finding.p_for for finding in two_findings.findings)


def test_p_value_against_a_check_is_corrected_for_its_findings(two_findings):
    smallest = min(finding.p_against for finding in two_findings.findings)
    assert smallest < 0.5
    assert two_findings.p_against == pytest.approx(2 * smallest)


def test_check_without_p_values_has_none(store, make_control):
    row = judge_check(make_control(), store, {})
    assert (row.p_for, row.p_against) == (None, None)


def test_same_runs_give_the_same_rows(store, make, make_control):
    checks = [make(depends_on=("control-one",)), make(name="other", depends_on=("control-one", "control-two"))]
    train(store, checks[0], EDGE)
    controls = [make_control(), make_control(name="control-two")]
    assert judge(checks, store, controls=controls) == judge(checks, store, controls=controls)


def test_order_of_checks_does_not_change_their_rows(store, make, make_control):
    checks = [make(depends_on=("control-one",)), make(name="other"), make_control()]
    train(store, checks[0], EDGE)
    assert judge(checks, store) == judge(checks[::-1], store)[::-1]


def test_judging_writes_nothing(store, make):
    check = make()
    train(store, check, EDGE)

    def files():
        return {path: path.stat().st_mtime_ns for path in Path(store.root).rglob("*")}

    before = files()
    judge([check], store, thorough=True)
    assert files() == before


@pytest.mark.parametrize(
    ("verdict", "answer", "word"),
    [("SMOKE", "seen", "seen"), ("PILOT", "open", "open"), ("REPRODUCED", "none", "REPRODUCED"),
     ("PENDING", "seen", "PENDING"), ("BLOCKED", "not seen", "BLOCKED"), ("INVALID", "seen", "INVALID")],
)  # fmt: skip
def test_points_with_an_answer_do_not_speak_for_a_claim_that_waits_or_is_invalid(verdict, answer, word):
    assert in_a_word(verdict, answer) == word


def test_row_is_json_without_infinities(store, make):
    check = make(above_output, rule=ORDERING, runs=two_arms)
    train(store, check, FAR, arm="output")
    made = to_json(verdict_of(store, check, ON))
    assert made["findings"][0]["criterion"] == [2.0, None]
    assert json.loads(json.dumps(made, allow_nan=False)) == made
