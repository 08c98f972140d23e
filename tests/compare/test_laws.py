"""Laws that tie the parts of a finding to each other and to its words."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from repro.compare import Fraction, FractionBound, Measure, Outcome, Published, own_error, undecidable
from repro.compare.finding import amount, at_margins, between, finite_interval, rounded, unit_of_difference, where
from repro.compare.shares import angle, as_angle, as_angles, edge, log_mean, share
from tests.compare.made import (
    ONE_LOOK,
    REASON,
    THREE_LOOKS,
    WIDE,
    around,
    digitised,
    known,
    no_change,
    ordering,
    point,
    rising_by,
    sample,
    trend,
)

REPEATABLE = settings(deadline=None, derandomize=True, database=None, max_examples=50)

hundredths = st.integers(0, 10_000).map(lambda value: value / 100)
samples = st.lists(hundredths, min_size=2, max_size=8).map(sample)
shares = st.lists(st.integers(0, 1000).map(lambda value: value / 1000), min_size=2, max_size=8).map(
    lambda values: sample(values, unit="share", step=0.001)
)
gaps, margins = st.integers(0, 60), st.integers(1, 60)


def with_moments(n, mean, deviation, **fields):
    """n values with exactly this mean and standard deviation."""
    z = np.arange(n) - (n - 1) / 2
    return sample(mean + deviation * z / z.std(ddof=1), step=1e-9, **fields)


def keeps_its_laws(found):
    """The interval holds the estimate; it is established exactly when the criterion holds the interval."""
    (low, high), (least, most) = found.interval, found.criterion
    assert low <= found.estimate <= high
    assert (found.outcome is Outcome.ESTABLISHED) == (least < low and high < most)
    if found.outcome in (Outcome.RULED_OUT, Outcome.DIRECTION_ONLY):
        assert high < least or low > most
    assert found.interval_level == pytest.approx(0.9)
    assert (found.more_seeds is None) or found.outcome is Outcome.UNDECIDED


@REPEATABLE
@given(samples, hundredths, margins, st.sampled_from([0.0, 0.3]))
def test_a_point_is_established_exactly_when_its_criterion_holds_its_interval(values, value, margin, u):
    found = point(values, margin, digitised(value, u), THREE_LOOKS)
    keeps_its_laws(found)
    assert (found.reference, found.criterion) == (value, (value - margin, value + margin))
    assert found.flips[0] <= found.flips[1] == pytest.approx(max(abs(end - value) for end in found.interval))


@REPEATABLE
@given(samples, st.integers(-20, 20), margins, st.integers(-5, 5))
def test_no_change_is_established_exactly_when_its_criterion_holds_its_interval(before, step, margin, centre):
    after = dataclasses.replace(before, values=tuple(value + step for value in before.values[::-1]))
    found = no_change(before, after, margin, centre, THREE_LOOKS)
    keeps_its_laws(found)
    assert found.estimate == pytest.approx(step)
    assert (found.samples, found.unit) == ((before, after), "points")
    assert found.criterion == (centre - margin, centre + margin)


@REPEATABLE
@given(samples, samples | hundredths, gaps)
def test_an_ordering_is_established_exactly_when_its_criterion_holds_its_interval(higher, lower, gap):
    found = ordering(higher, lower, gap, THREE_LOOKS)
    keeps_its_laws(found)
    assert (found.criterion, found.unit) == ((gap, math.inf), "points")
    assert found.samples == ((higher,) if isinstance(lower, float) else (higher, lower))


@REPEATABLE
@given(shares, st.integers(1, 99).map(lambda value: value / 100), st.sampled_from(["at most", "at least"]))
def test_a_bound_is_established_exactly_when_its_criterion_holds_its_interval(values, limit, side):
    found = FractionBound(limit=limit, side=side, reason=REASON).compare(levels=THREE_LOOKS, sample=values)
    (low, high), inside = found.interval, found.outcome is Outcome.ESTABLISHED
    assert 0 <= low <= high <= 1
    assert inside == (high < limit if side == "at most" else low > limit)
    assert found.criterion == ((0.0, limit) if side == "at most" else (limit, 1.0))
    assert found.degrees_of_freedom == len(values.values) - 1


@REPEATABLE
@given(shares, st.sampled_from([0.01, 0.3, 0.99]), st.sampled_from([0.005, 0.1]))
def test_a_fraction_shows_shares_whatever_its_scale(values, value, margin):
    rule = Fraction(margin=margin, reason=REASON)
    found = rule.compare(levels=THREE_LOOKS, sample=values, reference=digitised(value, 0.002))
    if not 0.05 <= value <= 0.95:  # on the scale of angles, every interval holds shares alone
        assert all(0 <= end <= 1 for end in (*found.interval, *found.prediction))
    least, most = found.criterion
    if least > 0 and most < 1:
        assert (found.outcome is Outcome.ESTABLISHED) == (least < found.interval[0] and found.interval[1] < most)
    assert found.reference == value


@pytest.mark.parametrize("u", [0.0, 0.3])
@pytest.mark.parametrize("mean", [82.0, 82.4, 84.0, 80.2])
def test_the_seeds_that_a_point_names_decide_it_and_one_less_does_not(mean, u):
    reference = Published(value=82.0, sd=0.0, replicates=5, reading_error=u)

    def found(n):
        return point(with_moments(n, mean, 1.3), 1.0, reference, THREE_LOOKS)

    named = found(3).more_seeds
    assert found(3).outcome is found(named - 1).outcome is Outcome.UNDECIDED
    assert found(named).outcome is (Outcome.ESTABLISHED if abs(mean - 82) < 1 else Outcome.RULED_OUT)


@pytest.mark.parametrize(("mean", "outcome"), [(43.0, Outcome.ESTABLISHED), (41.0, Outcome.DIRECTION_ONLY)])
def test_the_seeds_that_an_ordering_names_decide_it_and_one_less_does_not(mean, outcome):
    def found(n):
        return ordering(with_moments(n, mean, 1.0), with_moments(n, 40.0, 2.0), 2.0, THREE_LOOKS)

    named = found(3).more_seeds
    assert found(named - 1).outcome is Outcome.UNDECIDED
    assert found(named).outcome is outcome


@pytest.mark.parametrize(
    ("limit", "side", "values"),
    [
        (0.05, "at most", (0.03, 0.04, 0.045)),
        (0.05, "at most", (0.05, 0.06, 0.07)),
        (0.9, "at least", (0.91, 0.95, 0.99)),
    ],
)
def test_the_seeds_that_a_bound_names_decide_it_with_the_same_shares_over_and_over(limit, side, values):
    rule = FractionBound(limit=limit, side=side, reason=REASON)

    def found(times):
        shares = sample(values * times, unit="share", step=1e-4)
        return rule.compare(levels=THREE_LOOKS, sample=shares)

    now = found(1)
    assert now.outcome is Outcome.UNDECIDED and now.more_seeds > 3
    assert found(now.more_seeds // 3 + 2).outcome is not Outcome.UNDECIDED


# References


@pytest.mark.parametrize("accept", [0.05, 0.0213])
@pytest.mark.parametrize("sd", [None, 0.0])
def test_the_own_error_of_a_reference_without_a_spread_is_that_of_its_reading(sd, accept):
    error = own_error(Published(value=1.0, sd=sd, replicates=5, reading_error=0.3), accept)
    assert error == pytest.approx(0.3 / math.sqrt(3) * stats.norm.ppf(1 - accept))
    assert own_error(Published(value=1.0, sd=sd, replicates=5, reading_error=0.0), accept) == 0.0


def test_the_own_error_of_a_reference_without_a_reading_error_is_that_of_its_replicates():
    error = own_error(Published(value=1.0, sd=2.0, replicates=4, reading_error=0.0))
    assert error == pytest.approx(2.0 / 2 * stats.t.ppf(0.95, 3))


@pytest.mark.parametrize(
    ("u", "sd", "shown"), [(0.0, 0.0, False), (0.3, 0.0, True), (0.0, None, True), (0.0, 1.0, True)]
)
def test_a_prediction_is_made_only_from_a_reference_with_an_error(u, sd, shown):
    found = point(around(82.0), 2.0, digitised(82.5, u, sd))
    assert (found.prediction is not None) == (found.consistent is not None) == shown
    assert ("the reference's own error included" in found.why) == shown


@pytest.mark.parametrize(("sd", "words"), [(None, "no sd over 3 runs"), (2.0, "sd 2 over 3 runs")])
def test_a_reference_that_exceeds_the_margin_is_told_with_what_is_known_of_it(sd, words):
    reference = Published(value=32.0, sd=sd, replicates=3, reading_error=0.5)
    assert f"The reference 32 ({words}, reading error 0.5) is itself uncertain" in undecidable(reference, 0.4)


@pytest.mark.parametrize("sd", [None, 0.0])
def test_a_reference_at_whose_error_the_margin_lies_is_undecidable(sd):
    reference = Published(value=32.0, sd=sd, replicates=3, reading_error=0.5)
    assert undecidable(reference, own_error(reference))
    assert not undecidable(reference, own_error(reference) * 1.001)


def test_a_prediction_is_the_two_sided_t_interval_of_95_percent_around_the_published_value():
    values = np.array([81.0, 82.0, 83.5])
    low, high = point(sample(values, step=0), 2.0, digitised(80.0, 0.0)).prediction
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) * math.sqrt(1 / 3 + 1 / 5)
    assert (low, high) == pytest.approx((80 - half, 80 + half))


# Shares on other scales


@REPEATABLE
@given(st.floats(0, 1))
def test_an_angle_is_that_of_its_share(value):
    assert share(angle(value)) == pytest.approx(value)
    assert angle(value) == pytest.approx(np.arcsin(np.sqrt(value)))


@pytest.mark.parametrize(("turn", "value", "end"), [(angle, -0.1, 0.0), (angle, 1.1, math.pi / 2), (share, -0.1, 0.0)])
def test_what_lies_beyond_an_end_is_at_the_end(turn, value, end):
    assert turn(value) == end
    assert share(2.0) == 1.0


@pytest.mark.parametrize(("value", "found"), [(0.0, -math.inf), (-0.1, -math.inf), (1.0, math.inf), (1.1, math.inf)])
def test_an_edge_beyond_which_no_share_lies_is_endless(value, found):
    assert edge(value) == found
    assert edge(0.25) == pytest.approx(math.pi / 6)


@pytest.mark.parametrize("sd", [None, 0.02])
def test_the_errors_of_a_published_share_are_as_wide_as_around_it(sd):
    turned = as_angle(Published(value=0.1, sd=sd, replicates=3, reading_error=0.01))
    assert turned.value == angle(0.1)
    assert turned.reading_error == pytest.approx((angle(0.11) - angle(0.09)) / 2)
    assert turned.sd == (None if sd is None else pytest.approx((angle(0.12) - angle(0.08)) / 2))


def test_the_step_of_angles_is_that_at_their_mean():
    turned = as_angles(sample((0.2, 0.4), unit="share", step=0.1))
    assert turned.values == (angle(0.2), angle(0.4))
    assert turned.step == pytest.approx(angle(0.35) - angle(0.25))


@pytest.mark.parametrize("seeds", [None, 12])
def test_the_logarithm_of_a_mean_is_by_coxs_method(seeds):
    values = np.array([0.01, 0.03, 0.08])
    found, logs = log_mean(sample(values, unit="share", step=1e-9), seeds), np.log(values)
    n, variance = seeds or 3, logs.var(ddof=1)
    assert found.estimate == pytest.approx(logs.mean() + variance / 2)
    assert found.error == pytest.approx(math.sqrt(variance / n + variance**2 / (2 * (n - 1))))
    assert (found.degrees_of_freedom, found.seeds) == (n - 1, n)


def test_the_logarithm_of_no_share_is_that_of_half_a_step_with_the_spread_of_rounding():
    found = log_mean(sample((0.0, 0.0, 0.0), unit="share", step=0.01))
    variance = 2**2 / 12  # the step over the mean, which is half a step
    assert found.estimate == pytest.approx(math.log(0.005) + variance / 2)
    assert log_mean(sample((0.5,), unit="share")).error == 0.0


# Words


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
        (rising_by(70, 60, 50), "No margin changes it: the opposite trend has p ="),
        (rising_by(50, 60, 70, spread=(-30, 0, 30)), "No margin establishes it, as the trend has p ="),
        (rising_by(50, 70, 65), "and ruled out at margins below 4."),
    ],
    ids=["rises", "falls", "too wide", "drops"],
)
def test_a_trend_says_which_margins_would_change_it(levels, words):
    assert words in trend(levels).would_change


@pytest.mark.parametrize(
    ("higher", "words"),
    [(around(60), "established for any gap below 19.8 points"), (around(30), "for no gap, as the lower bound is not")],
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


def test_a_trend_names_the_step_that_is_least_sure_to_stay_within_the_margin():
    found = trend(rising_by(50, 60, 59.5, 70))
    assert "least sure to stay within the margin is level 1 to level 2, a drop of 0.50 points, at most" in found.why
    assert (found.measured, found.unit) == ("50.00 % → 60.00 % → 59.50 % → 70.00 %", "points")
    assert found.degrees_of_freedom == pytest.approx(4)


@pytest.mark.parametrize("values", [(82.0,), (81.0, 83.0), (81.0, 83.0, 85.0)])
def test_a_measurement_has_an_interval_from_two_seeds_on(values):
    found = Measure(reason=REASON).compare(levels=ONE_LOOK, sample=sample(values))
    assert (found.interval is None) == (found.degrees_of_freedom is None) == (len(values) == 1)
    assert ("90 % interval" in found.why) == (len(values) > 1)
    assert found.estimate == pytest.approx(sum(values) / len(values))


def test_one_seed_has_no_degrees_of_freedom_and_no_interval_in_any_rule():
    single = sample([0.3], unit="share")
    bound = FractionBound(limit=0.5, side="at most", reason=REASON).compare(levels=ONE_LOOK, sample=single)
    for found in (point(single, 0.1, known(0.3)), no_change(single, single), ordering(single, 0.1), bound):
        assert (found.interval, found.degrees_of_freedom, found.flips, found.more_seeds) == (None, None, None, None)
