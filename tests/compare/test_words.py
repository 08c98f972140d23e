"""The words and numbers in which a finding is told."""

import math
import re

import pytest

from repro.compare import Outcome
from repro.compare.finding import amount, at_margins, between, finite_interval, rounded, unit_of_difference, where
from tests.compare.made import (
    WIDE,
    around,
    ordering,
    point,
    rising_by,
    sample,
    trend,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (82.345, "%", "82.34"), (-1.0, "points", "−1.00"), (0.1234, "share", "0.123"), (0.0, "", "0.00"),
        (-0.0, "share", "0.000"), (0.001, "%", "0.001"), (-0.0004, "share", "−0.0004"), (0.004, "share", "0.004"),
        (-4.7e-15, "points", "0.00"),
    ],
)  # fmt: skip
def test_a_number_is_rounded_and_never_to_nothing(value, unit, text):
    assert rounded(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [(1.5, "%", False, "1.50 %"), (0.0, "points", True, "+0.00 points"), (-1.0, "points", True, "−1.00 points"),
     (2.0, "count", False, "2.00"), (0.5, "share", True, "+0.500")],
)  # fmt: skip
def test_an_amount_has_its_unit_and_where_it_is_wanted_its_sign(value, unit, signed, text):
    assert amount(value, unit, signed) == text


@pytest.mark.parametrize(
    ("low", "high", "text", "finite"),
    [
        (1.0, 2.0, "[1.00, 2.00]", True), (2.0, math.inf, "[2.00, ∞]", False), (-math.inf, 2.0, "[−∞, 2.00]", False),
        (-math.inf, math.inf, "unknown, as one seed gives no interval", False),
    ],
)  # fmt: skip
def test_an_interval_is_shown_with_its_ends_or_as_unknown(low, high, text, finite):
    assert between(low, high, "%") == text
    assert finite_interval(low, high) == ((low, high) if finite else None)


@pytest.mark.parametrize(("unit", "other"), [("%", "points"), ("share", "share"), ("", ""), ("points", "points")])
def test_percentages_alone_differ_by_points(unit, other):
    assert unit_of_difference(unit) == other


@pytest.mark.parametrize(("unit", "words"), [("%", "82.00 % ± 1.00 points"), ("", "82.00 ± 1.00")])
def test_a_margin_around_a_percentage_is_in_points(unit, words):
    assert point(around(82, unit=unit)).expected == words


@pytest.mark.parametrize(
    ("flips", "words"),
    [
        (None, "A second seed"),
        ((0.0, 1.5), "established at any margin above 1.5, and no margin rules it out"),
        ((0.25, 1.5), "established at any margin above 1.5, and ruled out at margins below 0.25"),
    ],
)
def test_margins_at_which_a_finding_flips_are_told(flips, words):
    assert words in at_margins(flips)


@pytest.mark.parametrize(
    ("interval", "outcome", "words"),
    [
        (None, Outcome.UNDECIDED, "one seed gives no interval to hold against [1.00, 2.00]"),
        ((1.2, 1.8), Outcome.ESTABLISHED, "lies inside"),
        ((2.5, 3.0), Outcome.RULED_OUT, "lies wholly outside"),
        ((1.5, 3.0), Outcome.UNDECIDED, "lies across the edge of"),
        ((1.5, 2.0), Outcome.UNDECIDED, "lies across the edge of"),
        ((1.0, 1.5), Outcome.UNDECIDED, "lies across the edge of"),
        ((2.5, 3.0), Outcome.UNDECIDED, "lies outside, but not at the level at which the whole claim would fall"),
        ((0.0, 0.5), Outcome.UNDECIDED, "lies outside, but not at the level at which the whole claim would fall"),
    ],
)
def test_where_an_interval_lies_is_told_as_it_was_decided(interval, outcome, words):
    assert words in where(interval, (1.0, 2.0), "%", outcome, "")


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (rising_by(50, 60, 70), "established at any margin above 0, and no margin rules it out"),
        (rising_by(70, 60, 50), "No margin changes it: the opposite trend has p <"),
        (rising_by(50, 60, 70, spread=(-30, 0, 30)), "No margin establishes it, as the trend has p ="),
        (rising_by(50, 70, 65), "and ruled out at margins below 4."),
    ],
    ids=["rises", "falls", "too wide", "drops"],
)
def test_a_trend_says_which_margins_would_change_it(levels, words):
    assert words in trend(levels).would_change


@pytest.mark.parametrize(
    ("higher", "words"),
    [
        (around(60), "Any gap below 19.8 points would be established"),
        (around(30), "No gap would be established (the lower bound is not"),
    ],
)
def test_an_ordering_says_which_gaps_would_change_it(higher, words):
    assert words in ordering(higher, around(40)).would_change


@pytest.mark.parametrize(
    ("higher", "lower", "gap", "words"),
    [
        (around(60), around(40), 2.0, "the lower one is above the gap of 2"),
        (around(60), around(40), 0.0, "the lower one is above 0"),
        (around(30), around(40), 2.0, "the upper one is below the gap of 2"),
        (around(41), around(40), 2.0, "the lower one is above 0 and the upper one below the gap of 2"),
        (around(42), around(40), 2.0, "they lie on both sides of the gap of 2"),
        (around(40, WIDE), 50.0, 0.0, "they lie on both sides of 0"),
    ],
)
def test_an_ordering_says_where_its_bounds_lie(higher, lower, gap, words):
    assert f": {words}." in ordering(higher, lower, gap).why


def test_an_ordering_gives_its_bounds_at_their_coverage_over_all_looks():
    assert "+20.00 points (Welch); its bounds, 90 % over all looks, are [19." in ordering(around(60), around(40)).why


def test_a_trend_with_one_level_of_one_seed_has_no_margin_to_change_it():
    assert trend([*rising_by(50, 60), sample([70.0])]).would_change.startswith("A second seed")


def test_a_trend_names_the_step_that_is_least_sure_to_stay_within_the_margin():
    found = trend(rising_by(50, 60, 59.5, 70))
    assert "the weakest step is level 1 to level 2, −0.50 points, at least −" in found.why
    assert re.search(r"\(90 % over all looks, Welch\); a drop of 1 point is allowed \(p = 0\.\d+\)\.$", found.why)
    assert (found.measured, found.unit) == ("50.00 % → 60.00 % → 59.50 % → 70.00 %", "points")
    assert found.degrees_of_freedom == pytest.approx(4)
