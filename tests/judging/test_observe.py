"""Observing: a check function that breaks a rule is refused with what mends it."""

import sys

import pytest

from repro.compare import Levels, Measure
from repro.errors import ClaimError, ReproError
from repro.judging.judge import judge_check
from repro.judging.observe import sensitivity
from tests.judging.cases import ON, REASON, near_82, one_arm, only_measured, train, two_arms, value, verdict_of


def reads_undeclared_arm(evidence):
    evidence.find(sample=evidence.accuracy("everything"), reference=value(82.0))


def finds_nothing(evidence):
    evidence.accuracy("batchnorm")


def crashes(evidence):
    evidence.find(sample=evidence.accuracy("batchnorm"), reference={}["82"])


def leaves(evidence):
    near_82(evidence)
    sys.exit(0)


def skips(evidence):
    pytest.skip("not today")


@pytest.mark.parametrize(
    ("function", "runs", "found", "mending"),
    [
        (reads_undeclared_arm, one_arm, "'everything'", "declared: batchnorm. Add it there, or read one of those"),
        (near_82, two_arms, "output", "read them, or take them out of its runs()"),
        (finds_nothing, one_arm, "no finding", "call evidence.find(...) at least once"),
        (crashes, one_arm, "KeyError: '82'", "a_claim.py"),
        (leaves, one_arm, "ended by SystemExit: 0", "records findings, nothing else"),
        (skips, one_arm, "ended by Skipped: not today", "records findings, nothing else"),
    ],
    ids=["undeclared arm", "unread arm", "no finding", "crash", "sys.exit(0)", "pytest.skip"],
)
def test_faulty_check_is_refused_with_its_fix(store, make, function, runs, found, mending):
    check = make(function, runs=runs)
    for arm in check.arms(3):
        train(store, check, ON, arm=arm)
    with pytest.raises(ClaimError) as refused:
        judge_check(check, store, {})
    message = str(refused.value)
    assert all(part in message for part in ("a-claim", found, mending))


def test_check_that_crashes_keeps_its_cause(store, make):
    check = make(crashes)
    train(store, check, ON)
    with pytest.raises(ReproError) as refused:
        judge_check(check, store, {})
    assert isinstance(refused.value.__cause__, KeyError)


def test_check_that_mixes_measuring_with_deciding_is_refused(store, make):
    def mixed(evidence):
        near_82(evidence)
        measured = Measure(reason=REASON).compare(
            levels=Levels(accept=0.05, against=0.05), sample=evidence.accuracy("batchnorm")
        )
        evidence.findings.append(measured)

    with pytest.raises(ClaimError, match="split the claim"):
        verdict_of(store, make(mixed), ON)


@pytest.mark.parametrize(
    ("without_seed", "words"),
    [
        ((), ""),
        (("seen", "seen", "seen"), "No single one of the 3 seeds decides it."),
        (("seen", "open", "seen"), "It would be open if seed 1 were left out."),
        (
            ("open", "seen", "not seen", "open"),
            "It would be open if any one of the seeds 0, 3 were left out; not seen if seed 2 were left out.",
        ),
        (("open", "open", "open"), "It would be open if any single seed were left out."),
    ],
)
def test_the_seeds_without_which_a_verdict_would_be_another_are_told(without_seed, words):
    assert sensitivity("seen", without_seed) == words


def test_without_which_seed_something_else_would_be_measured_is_not_asked(store, make):
    row = verdict_of(store, make(only_measured, rule=Measure(reason=REASON)), ON)
    assert (row.without_seed, row.would_change) == ((), "")
