"""What the findings of a check come to."""

import dataclasses

import pytest

from repro.compare import Outcome
from repro.errors import ClaimError
from repro.judging.decide import decide
from repro.judging.verdict import Verdict
from repro.recipes import SCALES
from repro.statistics import MOST_SEEDS
from tests.judging.cases import PAPER, SMOKE, arms, finding
from tests.made import check_of


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
        assert decide(PAPER, order).word == verdict
        assert decide(SMOKE, order).word == answer


@pytest.mark.parametrize("outcome", [Outcome.UNDECIDED, Outcome.RULED_OUT, Outcome.DIRECTION_ONLY])
def test_a_check_is_told_by_the_first_finding_that_decides_it_and_by_how_many_more(outcome):
    found = [finding(), *(dataclasses.replace(finding(outcome), why=f"{word} decides.") for word in ("One", "Two"))]
    assert decide(PAPER, found).why == "One decides (and 1 more of 3 findings)."
    assert decide(PAPER, found[:2]).why == "One decides."


def test_a_check_without_a_finding_is_refused_by_its_id():
    with pytest.raises(ClaimError, match="check a recorded no finding"):
        decide(PAPER, [])


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
        (
            [{"more_seeds": 7}, {"more_seeds": 133}],
            "It is undecided (and 1 more of 3 findings). 133 seeds would decide at this spread.",
        ),
        (
            [{"more_seeds": 7}, {"interval": (0, 1)}],
            f"It is undecided (and 1 more of 3 findings). Not even {MOST_SEEDS} seeds would decide at this spread.",
        ),
        ([{}], "It is undecided."),
        ([{}, {}], "It is undecided (and 1 more of 3 findings)."),
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
    assert decision.word == Verdict.MEASURED
    (left,) = decision.findings
    assert left == dataclasses.replace(finding(Outcome.MEASURED, **measured), expected="", why="x: 2.")
    assert decision.why.endswith("Not tested at scale smoke: a number belongs to its network.")
