"""What is expected of a claim before it has runs: read off the claim files, without a store."""

import dataclasses
import json

import pytest

from repro.check import Check
from repro.cli.main import main
from repro.collecting.collect import collect
from repro.compare import Ordering, Point, Published, Trend
from repro.judging import expectation as expectations
from repro.judging.expectation import expectation, whole
from repro.planning.power import expected, smallest
from repro.statistics import Levels
from tests.judging.test_multiverse import arms_of, check_of, one_arm

LEVELS = Levels(accept=0.05, against=0.05)


def points(scale):
    found: dict[str, list[Check]] = {}
    for check in collect(scale=scale).selected:
        found.setdefault(check.claim.id, []).append(check)
    return found


@pytest.fixture(scope="module")
def paper():
    return points("paper")


@pytest.mark.parametrize("scale", ["smoke", "pilot", "paper"])
def test_every_claim_that_statistics_decide_has_an_expectation_and_no_other(scale):
    for name, own in points(scale).items():
        claim = own[0].claim
        decided = claim.tested(scale) and not claim.exact and claim.rule.kind not in "XM"
        assert (whole(own) is not None) == decided, name


def test_a_number_is_awaited_with_the_error_that_it_was_read_with(paper):
    found = whole(paper["bn-only-cifar"])
    assert found.right == "82 as the mean of 5 runs, read to ± 0.5"
    assert found.words["REPRODUCED"] > 0.98 and found.short == f"{found.words['REPRODUCED']:.2f}"


def test_points_are_less_likely_together_than_one_by_one(paper):
    own = paper["bn-only-by-depth"]
    singly = [expectation(check).words["REPRODUCED"] for check in own]
    assert whole(own).words["REPRODUCED"] < min(singly)


def test_a_gain_too_small_for_its_seeds_is_reported_before_a_run(paper):
    found = whole(paper["affine-helps-cifar"])
    assert found.words["REPRODUCED"] < 0.05 and "INCONCLUSIVE 0.99" in found.sentence


def test_a_direction_without_a_size_names_the_smallest_that_holds(paper):
    found = whole(paper["beats-random-k"])
    assert found.words == {} and 0.5 < found.needed < 2.5
    assert f"a difference of {found.size} or more holds with probability 0.9" in found.sentence


def test_a_change_within_one_network_spreads_as_one_does(paper):
    found = whole(paper["clamp-harmless"])
    assert "in each network" in found.right and found.words["REPRODUCED"] > 0.9


def test_a_reference_more_uncertain_than_its_margin_is_named():
    def find(evidence):
        vague = Published(value=32.0, sd=2.0, replicates=3, reading_error=0.5)
        evidence.find(sample=evidence.accuracy("a"), reference=vague)

    found = expectation(check_of(Point(margin=1.0, reason="r"), find, runs=one_arm))
    assert "no number of seeds establishes it" in found.undecidable and found.short == "never"


def test_two_levels_of_three_seeds_are_reported_to_have_no_trend():
    def find(evidence):
        evidence.find(samples=[evidence.accuracy("a"), evidence.accuracy("b")])

    found = expectation(check_of(Trend(margin=1.0, reason="r"), find, runs=arms_of))
    assert found.short == "never" and "with so few seeds" in found.sentence


def test_what_cannot_be_known_before_the_runs_is_left_open():
    def find(evidence):
        raise KeyError(evidence.runs("a")[0].record["seconds"])

    assert expectation(check_of(Point(margin=1.0, reason="r"), find, runs=one_arm)) is None


def test_smallest_size_holds_as_often_as_asked_and_one_step_less_does_not():
    rule = Ordering(gap=0.0, reason="")
    size = smallest(rule, 2, 0.5, (3, 5, 8), LEVELS, 0.9)
    holds = [expected(rule, size + step, 0.5, (3, 5, 8), LEVELS)["established"] for step in (-0.15, 0.05)]
    assert holds[0] < 0.9 < holds[1]


def test_two_differences_must_be_larger_to_hold_together_than_one_alone():
    def once(evidence):
        evidence.find(higher=evidence.accuracy("b"), lower=evidence.accuracy("a"))

    def twice(evidence):
        once(evidence), once(evidence)

    one, two = (expectation(check_of(Ordering(gap=0.0, reason="any"), find)) for find in (once, twice))
    assert two.needed > one.needed


def test_answers_of_a_small_scale_add_up():
    found = whole(points("pilot")["accuracy-by-bn-count"])
    assert set(found.words) <= {"seen", "not seen", "open"} and sum(found.words.values()) == pytest.approx(1, abs=0.005)


def test_assumed_spreads_are_those_in_the_text():
    assert {f"{expectations.SDS[unit]:g}" in expectations.ASSUMED for unit in expectations.SDS} == {True}


def test_plan_shows_it_for_each_claim(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    assert main(["plan", "tiny.py"]) == 0
    _, first, _, note, *_ = capsys.readouterr().out.splitlines()
    assert first.split()[-3:] == [
        "from",
        *expectations.whole(collect(scale="smoke", paths=["tiny.py"]).selected).size.split(),
    ]
    assert note.startswith("holds: the probability")
    assert main(["plan", "tiny.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["expected"]["tiny"]["needed"] > 0


def test_a_gap_that_is_half_of_a_published_one_is_taken_twice(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    check = collect(scale="paper", paths=["tiny.py"]).selected[0]
    rule = dataclasses.replace(check.claim.rule, gap=3.5)
    found = expectation(dataclasses.replace(check, claim=dataclasses.replace(check.claim, rule=rule)))
    assert found.right == "a gap of 7, twice the rule's"
