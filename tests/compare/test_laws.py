"""Laws that tie the parts of a finding to each other and to its words."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.compare import Fraction, FractionBound, Measure, Outcome, Published
from tests.compare.made import (
    ONE_LOOK,
    REASON,
    THREE_LOOKS,
    digitised,
    known,
    no_change,
    ordering,
    point,
    sample,
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
