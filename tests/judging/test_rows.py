"""Rows: what they come to for a claim, and what a program exits with."""

import dataclasses
import itertools

import pytest

from repro.claim import LOOKS
from repro.compare import Published
from repro.judging.claims import claims_table
from repro.judging.judge import judge, judge_check
from repro.judging.verdict import Answer, Verdict, exit_code, to_json
from repro.recipes import SCALES
from repro.runs.store import Store
from tests.judging.cases import PAPER, SMOKE, above_half, arms
from tests.made import check_of, finished

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
    assert row.without_seed == ("open", "open", "open")
    assert row.would_change == "It would be open if any single seed were left out."


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


def types(made):
    """The exact types of a value and of everything in it."""
    inner = [*made, *made.values()] if isinstance(made, dict) else made if isinstance(made, list) else ()
    return {type(made)}.union(*map(types, inner))


def test_json_of_a_row_is_of_the_types_of_json_alone(tmp_path):
    store = Store(tmp_path)
    for spec in SMOKE.arms(3)["BatchNorm"]:
        finished(store, spec)
    row = judge_check(SMOKE, store, {"control": "holds"})
    assert types(to_json([row, *claims_table([row], [SMOKE])])) <= {dict, list, str, int, float, bool, type(None)}


def test_json_of_a_value_has_its_own_types_and_no_infinity():
    reference = Published(value=82.0, replicates=5, reading_error=0.0)
    assert to_json({1: (float("inf"), -1.5, True), "a": [Verdict.SMOKE, None]}) == {
        "1": [None, -1.5, True],
        "a": ["SMOKE", None],
    }
    assert to_json(reference) == {"value": 82.0, "sd": None, "replicates": 5, "reading_error": 0.0, "version": ""}
