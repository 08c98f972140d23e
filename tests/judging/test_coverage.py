"""Coverage: each row of the catalogue stands somewhere, with its reason or its price."""

import pytest

from repro.collecting.catalogue import Row, catalogue
from repro.collecting.collect import collect
from repro.judging.claims import ClaimEntry, claims_table
from repro.judging.coverage import Standing, coverage
from repro.judging.judge import judge
from repro.judging.verdict import Answer, Verdict
from repro.runs.store import Store


def row(name, reason=""):
    return Row(id=name, work="nobody2021", primary=False, reason=reason, sentence="A sentence.")


def entry(name, verdict, answer=Answer.NONE, points=None):
    return ClaimEntry(
        claim=name,
        work="nobody2021",
        verdict=verdict,
        answer=answer,
        marks=(),
        points=points or {str(verdict): 1},
        tested=verdict is not Verdict.MEASURED,
        rationale="a number belongs to its network",
        unit="%",
        primary=False,
        paper_points=(),
        paper_networks=(),
        same_as=None,
        p_for=None,
        p_against=None,
        p_against_holm=None,
        would_change="",
    )


def only(rows, claims=(), **options):
    (covered,) = coverage(rows, claims, **options)
    return covered


def test_row_without_a_check_says_why():
    covered = only([row("a", "nobody can train it")])
    assert (covered.standing, covered.reason, covered.word) == (Standing.NOT_ATTEMPTED, "nobody can train it", "")


def test_claim_that_was_left_out_says_so():
    assert only([row("a")]).standing is Standing.NOT_SELECTED


def test_claim_without_a_point_at_the_scale_says_why():
    covered = only([row("a")], pointless={"a": "it is about networks by name"})
    assert (covered.standing, covered.reason) == (Standing.NO_CHECK, "it is about networks by name")


def test_a_claim_whose_runs_are_there_says_why_it_waits():
    covered = only([row("a")], [entry("a", Verdict.PENDING)], withheld={"a": "its control does not hold"})
    assert (covered.standing, covered.reason) == (Standing.PENDING, "its control does not hold")


def test_pending_claim_has_its_price():
    waiting = entry("a", Verdict.PENDING, points={"PENDING": 2, "REPRODUCED": 1})
    covered = only([row("a")], [waiting], missing_seconds={"a": 7200.0})
    assert (covered.standing, covered.seconds) == (Standing.PENDING, 7200.0)
    assert covered.reason == "runs are missing for 2 of 3 points"


def test_measured_claim_says_why_it_is_only_that():
    covered = only([row("a")], [entry("a", Verdict.MEASURED)], missing_seconds={"a": 1.0})
    assert (covered.standing, covered.reason) == (Standing.MEASURED, "a number belongs to its network")
    assert covered.seconds is None


def test_failed_suite_is_no_failed_claim():
    assert only([row("a")], [entry("a", Verdict.BLOCKED)]).standing is Standing.PENDING


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.PENDING, Verdict.BLOCKED, Verdict.MEASURED}))
def test_every_other_word_is_a_judgement(verdict):
    covered = only([row("a")], [entry("a", verdict)])
    assert (covered.standing, covered.word) == (Standing.JUDGED, str(verdict))


def test_answer_of_a_scale_stands_in_for_its_name():
    assert only([row("a")], [entry("a", Verdict.PILOT, Answer.NOT_SEEN)]).word == "not seen"


def test_whole_catalogue_of_an_empty_store_stands_somewhere(tmp_path):
    """At the pilot: what trains nothing needs a run as well, so that all waits but what only reads the sources."""
    collected = collect(scale="pilot")
    claims = claims_table(judge(collected.selected, Store(tmp_path)), collected.selected)
    covered = coverage(catalogue(), claims, pointless=collected.pointless)
    assert [one.id for one in covered] == [one.id for one in catalogue()]
    assert [one.id for one in covered if one.standing is Standing.JUDGED] == ["m1d-33", "esl-factor"]
    covered = [one for one in covered if one.standing is not Standing.JUDGED]
    assert all(one.reason for one in covered)
    assert {one.standing for one in covered} == {Standing.PENDING, Standing.NO_CHECK, Standing.NOT_ATTEMPTED}
