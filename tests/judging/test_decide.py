"""Decisions: the word for a check, given runs on disk whose accuracies are known."""

import pytest

from repro.claim import ONE_LOOK
from repro.compare import FractionBound, Measure, Outcome, Printed
from repro.judging.judge import judge_check
from repro.judging.verdict import Answer, Verdict
from repro.recipes import SCALES
from tests.judging.cases import (
    EDGE,
    EXACT,
    FAR,
    FOUR_WORDS,
    ON,
    ORDERING,
    REASON,
    above_output,
    is_equal,
    is_not_equal,
    near_82,
    only_measured,
    train,
    two_arms,
    value,
    verdict_of,
)
from tests.made import finished

BOUND = FractionBound(limit=0.1, side="at most", reason=REASON)


def few_dead(evidence):
    evidence.find(sample=evidence.dead_relus("batchnorm", label="dead ReLUs"))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [(ON, Verdict.REPRODUCED), (FAR, Verdict.NOT_REPRODUCED), (EDGE, Verdict.INCONCLUSIVE)],
)
def test_point_claim_is_judged_by_its_runs(store, make, values, verdict):
    row = verdict_of(store, make(), values)
    assert (row.verdict, row.answer) == (verdict, Answer.NONE)


@pytest.mark.parametrize(
    ("higher", "verdict"),
    [(60.0, Verdict.REPRODUCED), (41.0, Verdict.PARTIAL), (42.0, Verdict.INCONCLUSIVE), (40.0, Verdict.NOT_REPRODUCED)],
)
def test_ordering_claim_is_judged_by_both_arms(store, make, higher, verdict):
    check = make(above_output, rule=ORDERING, runs=two_arms)
    train(store, check, (39.9, 40.0, 40.1), arm="output")
    assert verdict_of(store, check, (higher - 0.1, higher, higher + 0.1)).verdict is verdict


@pytest.mark.parametrize("scale", SCALES)
def test_measure_is_measured(store, make, scale):
    row = verdict_of(store, make(only_measured, rule=Measure(reason=REASON), scale=scale), ON)
    assert (row.verdict, row.answer) == (Verdict.MEASURED, Answer.NONE)


def test_what_only_measures_keeps_its_interval_at_a_scale_that_cannot_test_it(store, make):
    claim = make(only_measured, rule=Measure(reason=REASON), untestable=SCALES)
    assert "interval [" in verdict_of(store, claim, ON).why


def test_truncated_number_is_the_papers_error(store, make):
    def truncated(evidence):
        evidence.runs("batchnorm")
        evidence.find(label="BatchNorm", measured=1129, printed="1.12K")

    check = make(truncated, rule=Printed(reason=REASON), looks=ONE_LOOK, exact=True)
    assert verdict_of(store, check, (82.0,)).verdict is Verdict.PAPER_ERROR


def test_one_finding_ruled_out_rules_the_claim_out(store, make):
    def one_of_two(evidence):
        near_82(evidence)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(70.0))

    row = verdict_of(store, make(one_of_two), ON)
    assert [finding.outcome for finding in row.findings] == [Outcome.ESTABLISHED, Outcome.RULED_OUT]
    assert row.verdict is Verdict.NOT_REPRODUCED


def test_one_finding_undecided_leaves_the_claim_inconclusive(store, make):
    def one_of_two(evidence):
        near_82(evidence)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(81.0))

    assert verdict_of(store, make(one_of_two), ON).verdict is Verdict.INCONCLUSIVE


def test_claim_without_runs_is_judged_by_its_findings(store, make_control):
    row = judge_check(make_control(), store, {})
    assert (row.verdict, row.runs, row.missing) == (Verdict.REPRODUCED, (), ())


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
@pytest.mark.parametrize(
    ("values", "answer"), [(ON, Answer.SEEN), (FAR, Answer.NOT_SEEN), (EDGE, Answer.OPEN)], ids=["on", "far", "edge"]
)
def test_small_scale_says_only_what_was_seen_there(store, make, scale, values, answer):
    row = verdict_of(store, make(scale=scale), values)
    assert (row.verdict, row.answer) == (Verdict[scale.upper()], answer)


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_partial_at_a_small_scale_is_not_called_so(store, make, scale):
    check = make(above_output, rule=ORDERING, runs=two_arms, scale=scale)
    train(store, check, (39.9, 40.0, 40.1), arm="output")
    assert verdict_of(store, check, (40.9, 41.0, 41.1)).verdict not in FOUR_WORDS


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("function", "verdict"), [(is_equal, Verdict.REPRODUCED), (is_not_equal, Verdict.NOT_REPRODUCED)]
)
def test_exact_claim_keeps_its_full_verdict_at_every_scale(store, make, scale, function, verdict):
    check = make(function, rule=EXACT, looks=ONE_LOOK, exact=True, scale=scale)
    assert verdict_of(store, check, (82.0,)).verdict is verdict


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_claim_whose_rule_is_exact_but_whose_runs_are_small_is_judged_at_that_scale(store, make, scale):
    check = make(is_equal, rule=EXACT, looks=ONE_LOOK, scale=scale)
    assert verdict_of(store, check, (82.0,)).verdict is Verdict[scale.upper()]


@pytest.mark.parametrize("values", [ON, FAR, EDGE], ids=["on", "far", "edge"])
def test_claim_that_a_scale_cannot_test_is_measured_there_with_no_mark_for_or_against(store, make, values):
    row = verdict_of(store, make(scale="smoke", untestable=("smoke",)), values)
    assert (row.verdict, row.answer) == (Verdict.MEASURED, Answer.NONE)
    assert (row.p_for, row.p_against, row.next_look) == (None, None, None)
    assert {(found.outcome, found.expected, found.criterion, found.consistent) for found in row.findings} == {
        (Outcome.MEASURED, "", None, None)
    }
    assert f"Not tested at scale smoke: {REASON}." in row.why


def test_a_bound_that_a_scale_cannot_test_is_told_with_students_interval(store, make):
    """Its own reaches over two scales, which is wider."""
    check = make(few_dead, rule=BOUND, scale="smoke", untestable=("smoke",))
    for spec, share in zip(check.arms(3)["batchnorm"], (0.02, 0.03, 0.05), strict=True):
        finished(store, spec, measurements={"relus": {"units": 1000, "channels": 40, "share_dead": share,
                                                      "share_dead_channels": 0.0}})  # fmt: skip
    row = judge_check(check, store, {})
    (found,) = row.findings
    alone = Measure(reason="").compare(levels=check.levels(), sample=found.samples[0])
    assert (found.interval, found.why) == (alone.interval, alone.why)
    assert row.why.startswith("dead ReLUs: 0.033, 90 % interval [0.008, 0.059] over 3 seeds. Not tested")


def test_a_difference_that_a_scale_cannot_test_is_told_with_its_interval(store, make):
    check = make(above_output, rule=ORDERING, runs=two_arms, scale="smoke", untestable=("smoke",))
    train(store, check, (39.9, 40.0, 40.1), arm="output")
    row = verdict_of(store, check, (60.9, 61.0, 61.1))
    assert row.why.startswith("batchnorm − output: +21.00 points, 90 % interval [20.83, 21.17]. Not tested at scale")


def test_printed_table_with_slips_of_the_source_is_no_failure(store, make):
    def two_cells(evidence):
        evidence.runs("batchnorm")
        evidence.find(label="BatchNorm", measured=1129, printed="1.12K")
        evidence.find(label="output", measured=650, printed="650")
        evidence.find(label="shortcut", measured=2560, printed="2560")

    row = verdict_of(store, make(two_cells, rule=Printed(reason=REASON), looks=ONE_LOOK, exact=True), (82.0,))
    assert row.stands == "for" and "2 of 3 agree, 1 is a slip of the source" in row.why
