"""Properties that each rule has over all samples."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.compare import Finding, Levels, Outcome, Sample
from tests.compare.made import ALPHA, no_change, ordering, point, sample, trend

REPEATABLE = settings(deadline=None, derandomize=True, database=None, max_examples=100)
SLOW = settings(REPEATABLE, max_examples=25)  # a trend of three levels costs 20 ms

hundredths = st.integers(0, 10_000).map(lambda value: value / 100)
samples = st.lists(hundredths, min_size=2, max_size=8).map(sample)
margins = st.floats(0.01, 60)
pairs = st.lists(st.tuples(hundredths, hundredths), min_size=2, max_size=8).map(
    lambda both: (sample([before for before, _ in both]), sample([after for _, after in both]))
)
# Three seeds at three levels, of which there are few enough arrangements to count them all.
level_lists = st.lists(
    st.lists(st.integers(0, 400).map(lambda value: value / 100), min_size=3, max_size=3).map(sample),
    min_size=3,
    max_size=3,
)
LADDER = {Outcome.RULED_OUT: 0, Outcome.UNDECIDED: 1, Outcome.ESTABLISHED: 2}


@REPEATABLE
@given(samples, hundredths, margins, margins)
def test_wider_margin_never_speaks_more_against_a_point(values, reference, one, two):
    narrow, wide = (point(values, margin, reference).outcome for margin in sorted((one, two)))
    assert LADDER[narrow] <= LADDER[wide]


@REPEATABLE
@given(pairs, margins, margins)
def test_wider_margin_never_speaks_more_against_no_change(both, one, two):
    narrow, wide = (no_change(*both, margin).outcome for margin in sorted((one, two)))
    assert LADDER[narrow] <= LADDER[wide]


@SLOW
@given(level_lists, st.floats(0.01, 6), st.floats(0.01, 6))
def test_wider_margin_never_speaks_more_against_a_trend(levels, one, two):
    narrow, wide = (trend(levels, margin).outcome for margin in sorted((one, two)))
    assert LADDER[narrow] <= LADDER[wide]


@REPEATABLE
@given(samples, samples, margins, margins)
def test_smaller_gap_never_turns_an_established_ordering_into_something_else(higher, lower, one, two):
    small, large = (ordering(higher, lower, gap).outcome for gap in sorted((one, two)))
    assert large is not Outcome.ESTABLISHED or small is Outcome.ESTABLISHED


@REPEATABLE
@given(samples, samples, margins, margins)
def test_smaller_gap_never_rules_an_undecided_ordering_out(higher, lower, one, two):
    small, large = (ordering(higher, lower, gap).outcome for gap in sorted((one, two)))
    assert large is not Outcome.UNDECIDED or small is not Outcome.RULED_OUT


@REPEATABLE
@given(samples, hundredths, margins, st.sampled_from([0.05, 0.0295, 0.0213]))
def test_point_is_decided_exactly_as_its_p_values_are_below_alpha(values, reference, margin, alpha):
    found = point(values, margin, reference, Levels(accept=alpha, against=alpha))
    assert (found.p_for < alpha) == (found.outcome is Outcome.ESTABLISHED)
    assert (found.p_against < alpha) == (found.outcome is Outcome.RULED_OUT)


@REPEATABLE
@given(pairs, margins)
def test_no_change_is_decided_exactly_as_its_p_values_are_below_alpha(both, margin):
    found = no_change(*both, margin)
    assert (found.p_for < ALPHA) == (found.outcome is Outcome.ESTABLISHED)
    assert (found.p_against < ALPHA) == (found.outcome is Outcome.RULED_OUT)


@REPEATABLE
@given(samples, samples | hundredths, st.just(0.0) | margins)
def test_ordering_is_established_exactly_when_its_p_value_is_below_alpha(higher, lower, gap):
    found = ordering(higher, lower, gap)
    assert (found.p_for < ALPHA) == (found.outcome is Outcome.ESTABLISHED)


@REPEATABLE
@given(samples, samples | hundredths, st.just(0.0) | margins)
def test_ordering_whose_gap_is_ruled_out_keeps_at_most_its_direction(higher, lower, gap):
    found = ordering(higher, lower, gap)
    assert (found.p_against < ALPHA) == (
        found.outcome is Outcome.RULED_OUT or (found.outcome is Outcome.DIRECTION_ONLY and found.interval[1] < gap)
    )


@SLOW
@given(level_lists, st.floats(0.01, 6))
def test_trend_is_ruled_out_exactly_when_its_p_value_against_is_below_alpha(levels, margin):
    found = trend(levels, margin)
    assert (found.p_against < ALPHA) == (found.outcome is Outcome.RULED_OUT)


@SLOW
@given(level_lists, st.floats(0.01, 6))
def test_established_trend_has_a_p_value_below_alpha(levels, margin):
    found = trend(levels, margin)
    assert found.outcome is not Outcome.ESTABLISHED or found.p_for < ALPHA


@REPEATABLE
@given(samples, hundredths)
def test_point_flips_at_the_margins_it_names(values, reference):
    out_below, in_above = point(values, 1.0, reference).flips
    nudge = 1e-6
    assert point(values, in_above + nudge, reference).outcome is Outcome.ESTABLISHED
    assert point(values, in_above - nudge, reference).outcome is not Outcome.ESTABLISHED
    assert point(values, out_below + nudge, reference).outcome is not Outcome.RULED_OUT
    assert out_below <= nudge or point(values, out_below - nudge, reference).outcome is Outcome.RULED_OUT


@REPEATABLE
@given(pairs)
def test_no_change_flips_at_the_margins_it_names(both):
    out_below, in_above = no_change(*both).flips
    nudge = 1e-6
    assert no_change(*both, in_above + nudge).outcome is Outcome.ESTABLISHED
    assert no_change(*both, in_above - nudge).outcome is not Outcome.ESTABLISHED
    assert no_change(*both, out_below + nudge).outcome is not Outcome.RULED_OUT
    assert out_below <= nudge or no_change(*both, out_below - nudge).outcome is Outcome.RULED_OUT


def moved(values: Sample, factor: float, shift: float):
    new = tuple(factor * value + shift for value in values.values)
    return dataclasses.replace(values, values=new, step=factor * values.step)


def same_decision(one: Finding, two: Finding):
    return (one.outcome, one.p_for, one.p_against) == (
        two.outcome,
        pytest.approx(two.p_for, abs=1e-6),
        pytest.approx(two.p_against, abs=1e-6),
    )


factors, shifts = st.sampled_from([0.01, 0.5, 3.0, 100.0]), st.integers(-100, 100)


@REPEATABLE
@given(samples, hundredths, margins, factors, shifts)
def test_point_does_not_depend_on_unit_and_zero(values, reference, margin, factor, shift):
    there = point(moved(values, factor, shift), factor * margin, factor * reference + shift)
    assert same_decision(point(values, margin, reference), there)


@REPEATABLE
@given(pairs, margins, factors, shifts)
def test_no_change_does_not_depend_on_unit_and_zero(both, margin, factor, shift):
    there = no_change(*(moved(values, factor, shift) for values in both), factor * margin)
    assert same_decision(no_change(*both, margin), there)


@REPEATABLE
@given(samples, samples, st.just(0.0) | margins, factors, shifts)
def test_ordering_does_not_depend_on_unit_and_zero(higher, lower, gap, factor, shift):
    there = ordering(moved(higher, factor, shift), moved(lower, factor, shift), factor * gap)
    assert same_decision(ordering(higher, lower, gap), there)


@SLOW
@given(level_lists, st.floats(0.01, 6), st.sampled_from([0.5, 2.0, 64.0]), shifts)
def test_trend_does_not_depend_on_unit_and_zero(levels, margin, factor, shift):
    levels = [moved(level, 100 / 64, 0) for level in levels]  # values in 64ths: moving them keeps ties
    there = trend([moved(level, factor, shift) for level in levels], factor * margin)
    assert same_decision(trend(levels, margin), there)


@REPEATABLE
@given(samples, hundredths, margins)
def test_order_of_seeds_does_not_matter_to_a_point(values, reference, margin):
    backwards = dataclasses.replace(values, values=values.values[::-1])
    assert same_decision(point(values, margin, reference), point(backwards, margin, reference))


@REPEATABLE
@given(pairs, margins)
def test_order_of_seeds_does_not_matter_to_no_change(both, margin):
    backwards = [dataclasses.replace(values, values=values.values[::-1]) for values in both]
    assert same_decision(no_change(*both, margin), no_change(*backwards, margin))


@REPEATABLE
@given(samples, samples, margins)
def test_order_of_seeds_does_not_matter_to_an_ordering(higher, lower, gap):
    backwards = dataclasses.replace(higher, values=higher.values[::-1])
    assert same_decision(ordering(higher, lower, gap), ordering(backwards, lower, gap))


@SLOW
@given(level_lists, st.floats(0.01, 6))
def test_order_of_seeds_does_not_matter_to_a_trend(levels, margin):
    backwards = [dataclasses.replace(levels[0], values=levels[0].values[::-1]), *levels[1:]]
    assert same_decision(trend(levels, margin), trend(backwards, margin))
