"""Estimates over seeds, against statsmodels and scipy."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW, ttost_ind, ttost_paired

from repro.errors import ClaimError
from repro.statistics import (
    Sample,
    deviation_of,
    finite,
    mean_of,
    paired_differences,
    satterthwaite,
    share_a_run,
    slope,
    welch,
)
from tests.statistics.made import CASES, REPEATABLE, drawn, sample


@pytest.mark.parametrize("tail", [0.05, 0.0213, 0.025])
@pytest.mark.parametrize(("seed", "n"), CASES)
def test_t_interval_is_that_of_scipy(seed, n, tail):
    values = drawn(seed, n, 82.0)
    expected = stats.t.interval(1 - 2 * tail, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert mean_of(sample(values)).interval(tail) == pytest.approx(expected)


@pytest.mark.parametrize(("seed", "n"), CASES)
def test_one_sample_p_values_are_those_of_statsmodels_tost(seed, n):
    values = drawn(seed, n, 0.3)
    p, (_, above, _), (_, below, _) = DescrStatsW(values).ttost_mean(-1.0, 1.0)
    mean = mean_of(sample(values))
    assert (mean.p_above(-1.0), mean.p_below(1.0)) == pytest.approx((above, below))
    assert max(mean.p_above(-1.0), mean.p_below(1.0)) == pytest.approx(p)


@pytest.mark.parametrize(("seed", "n"), CASES)
def test_welch_p_values_are_those_of_statsmodels_tost(seed, n):
    one, two = drawn(seed, n, 0.3, 2.0), drawn(seed + 100, n + 1)
    p, (_, above, _), (_, below, _) = ttost_ind(one, two, -1.0, 1.0, usevar="unequal")
    difference = welch(sample(one), sample(two))
    assert (difference.p_above(-1.0), difference.p_below(1.0)) == pytest.approx((above, below))
    assert max(difference.p_above(-1.0), difference.p_below(1.0)) == pytest.approx(p)


@pytest.mark.parametrize("alternative", ["greater", "less"])
@pytest.mark.parametrize(("seed", "n"), CASES)
def test_welch_p_values_are_those_of_scipy(seed, n, alternative):
    one, two = drawn(seed, n, 0.3, 2.0), drawn(seed + 100, n + 1)
    expected = stats.ttest_ind(one, two, equal_var=False, alternative=alternative).pvalue
    difference = welch(sample(one), sample(two))
    assert (difference.p_above(0.0) if alternative == "greater" else difference.p_below(0.0)) == pytest.approx(expected)


@pytest.mark.parametrize(("seed", "n"), CASES)
def test_welch_interval_is_that_of_scipy(seed, n):
    one, two = drawn(seed, n, 0.3, 2.0), drawn(seed + 100, n + 1)
    expected = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.9)
    assert welch(sample(one), sample(two)).interval(0.05) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("seed", "n"), CASES)
def test_welch_against_a_known_number_is_the_one_sample_t_test(seed, n):
    values = drawn(seed, n, 0.3)
    expected = stats.ttest_1samp(values, 0.1, alternative="greater").pvalue
    assert welch(sample(values), 0.1).p_above(0.0) == pytest.approx(expected)


@pytest.mark.parametrize(("seed", "n"), CASES)
def test_paired_p_values_are_those_of_statsmodels_tost(seed, n):
    before = drawn(seed, n, 70.0, 3.0)
    after = before + drawn(seed + 100, n, 0.2, 0.5)
    p, (_, above, _), (_, below, _) = ttost_paired(after, before, -1.0, 1.0)
    mean = mean_of(paired_differences(sample(before), sample(after)))
    assert (mean.p_above(-1.0), mean.p_below(1.0)) == pytest.approx((above, below))
    assert max(mean.p_above(-1.0), mean.p_below(1.0)) == pytest.approx(p)


def test_paired_differences_are_after_minus_before():
    assert paired_differences(sample([1.0, 2.0]), sample([1.5, 1.0])).values == (0.5, -1.0)


def test_paired_differences_of_percentages_are_in_points():
    assert paired_differences(sample([1.0]), sample([1.0])).unit == "points"


def test_paired_differences_of_other_seeds_are_refused():
    with pytest.raises(ClaimError, match="same seeds"):
        paired_differences(sample([1.0, 2.0]), sample([1.0, 2.0], seeds=(0, 2)))


@pytest.mark.parametrize("values", [(82.0, 82.0, 82.0), (82.0, 82.001, 82.0)])
def test_standard_deviation_is_floored_at_step_over_root_12(values):
    assert mean_of(sample(values, step=0.1)).error == pytest.approx(0.1 / math.sqrt(12) / math.sqrt(3))


def test_standard_deviation_above_the_floor_is_left_alone():
    values = (81.0, 82.0, 83.0)
    assert mean_of(sample(values, step=0.1)).error == pytest.approx(1 / math.sqrt(3))


def test_welch_floors_each_arm_at_its_own_step():
    same = (82.0, 82.0, 82.0)
    floors = math.hypot(0.1, 0.4) / math.sqrt(12) / math.sqrt(3)
    assert welch(sample(same, step=0.1), sample(same, step=0.4)).error == pytest.approx(floors)


def test_one_seed_has_an_endless_interval():
    assert mean_of(sample([82.0])).interval(0.05) == (-math.inf, math.inf)


@pytest.mark.parametrize("bound", [-1000.0, 0.0, 1000.0])
def test_one_seed_has_p_values_of_1(bound):
    mean = mean_of(sample([82.0], step=0.01))
    assert (mean.p_above(bound), mean.p_below(bound)) == (1.0, 1.0)


def test_one_seed_in_one_arm_leaves_a_difference_without_interval():
    assert welch(sample([60.0, 61.0, 62.0]), sample([10.0])).interval(0.05) == (-math.inf, math.inf)


@REPEATABLE
@given(
    st.lists(st.integers(0, 10_000), min_size=2, max_size=8),
    st.integers(0, 10_000),
    st.floats(0.001, 0.2),
)
def test_bound_lies_outside_the_interval_exactly_when_its_p_value_is_below_alpha(hundredths, bound, alpha):
    mean = mean_of(sample([value / 100 for value in hundredths], step=0.01))
    low, high = mean.interval(alpha)
    assert (bound / 100 < low) == (mean.p_above(bound / 100) < alpha)
    assert (bound / 100 > high) == (mean.p_below(bound / 100) < alpha)


@pytest.mark.parametrize(
    "fields",
    [
        {"values": ()},
        {"values": (1.0, math.nan)},
        {"values": (1.0, math.inf)},
        {"step": -1.0},
        {"seeds": (0,)},
        {"runs": ("a",)},
    ],
    ids=str,
)
def test_sample_that_no_test_can_use_is_refused(fields):
    usual = {"label": "x", "values": (1.0, 2.0), "seeds": (0, 1), "unit": "%", "step": 0.1, "runs": ()}
    with pytest.raises(ClaimError, match="sample 'x'"):
        Sample(**usual | fields)


def test_samples_share_a_run_only_when_the_same_key_is_behind_both():
    def of(*runs):
        return Sample(label="x", values=(1.0,) * len(runs), seeds=tuple(range(len(runs))), unit="%", step=0, runs=runs)

    assert share_a_run(of("a", "b"), of("c", "b"))
    assert share_a_run(of("a+b"), of("b+c"))
    assert not share_a_run(of("ab", "c"), of("a", "b"))
    assert not share_a_run(sample([1.0]), sample([1.0]))


@pytest.mark.parametrize(("bound", "above", "below"), [(81.0, 0.0, 1.0), (82.0, 1.0, 1.0), (83.0, 1.0, 0.0)])
def test_without_any_error_a_bound_is_passed_or_not(bound, above, below):
    exact = mean_of(sample([82.0, 82.0], step=0.0))
    assert (exact.error, exact.p_above(bound), exact.p_below(bound)) == (0.0, above, below)


def test_one_seed_has_no_spread_and_two_have():
    assert deviation_of(sample([82.0], step=1.0)) == 0.0
    assert deviation_of(sample([82.0, 84.0], step=1.0)) == pytest.approx(math.sqrt(2))


def test_a_mean_with_more_seeds_keeps_its_spread():
    more = mean_of(sample([81.0, 82.0, 83.0]), 12)
    assert (more.estimate, more.error, more.degrees_of_freedom, more.seeds) == (82.0, pytest.approx(12**-0.5), 11, 12)


def test_degrees_of_freedom_without_any_spread_are_those_of_all_parts():
    assert satterthwaite(0.0, [(0.0, 2), (0.0, 4)]) == 6
    assert satterthwaite(2.0, [(1.0, 2), (1.0, 4)]) == pytest.approx(4 / 0.75)
    assert satterthwaite(2.0, [(1.0, 2), (1.0, 0)]) == 0


def test_a_difference_has_the_smaller_number_of_seeds_and_the_error_of_both():
    difference = welch(sample([1.0, 2.0, 3.0]), sample([0.0, 4.0]))
    assert (difference.estimate, difference.seeds) == (0.0, 2)
    assert difference.error == pytest.approx(math.sqrt(1 / 3 + 4))


def test_a_slope_has_the_smallest_number_of_seeds():
    assert slope([sample([1.0, 2.0, 3.0]), sample([0.0, 4.0]), sample([2.0, 3.0, 5.0, 6.0])]).seeds == 2


def test_paired_differences_have_the_coarser_step_and_both_runs():
    before = Sample(label="a", values=(1.0,), seeds=(0,), unit="share", step=0.5, runs=("x",))
    after = Sample(label="b", values=(3.0,), seeds=(0,), unit="share", step=0.25, runs=("y",))
    found = paired_differences(before, after)
    assert (found.label, found.step, found.runs, found.unit) == ("b − a", 0.5, ("x+y",), "share")
    assert paired_differences(dataclasses.replace(before, runs=()), after).runs == ()


@pytest.mark.parametrize(
    ("value", "limits", "fits"),
    [
        (0.0, {}, True),
        (0.0, {"least": 0}, True),
        (-0.1, {"least": 0}, False),
        (0.0, {"above": 0}, False),
        (0.1, {"above": 0}, True),
        (math.inf, {}, False),
        (-math.inf, {}, False),
        (math.nan, {"least": 0}, False),
    ],
)
def test_a_number_of_a_rule_is_finite_and_within_its_limits(value, limits, fits):
    if fits:
        finite("margin", value, **limits)
        return
    allowed = {"least": "at least 0", "above": "above 0"}.get(next(iter(limits), ""), "a finite number")
    with pytest.raises(ClaimError, match=f"margin is .*{allowed}"):
        finite("margin", value, **limits)
