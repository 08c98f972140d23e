"""How many seeds would decide: the number named does, and one less does not."""

import math
from functools import partial

import pytest
from scipy import stats

from repro.statistics import (
    MOST_SEEDS,
    Estimate,
    Levels,
    mean_of,
    seeds_for_trend,
    seeds_to_decide,
    welch,
    with_seeds,
)
from tests.statistics.made import sample, with_moments


def by_seeds(now, alpha, inside):
    return seeds_to_decide(now.seeds, partial(with_seeds, now), Levels(accept=alpha, against=alpha), inside)


def decides(estimate, alpha, inside):
    low, high = estimate.interval(alpha)
    return (inside[0] < low and high < inside[1]) or high < inside[0] or low > inside[1]


@pytest.mark.parametrize("alpha", [0.05, 0.0213])
@pytest.mark.parametrize(
    ("mean", "deviation", "inside"),
    [
        (0.0, 1.0, (-1.0, 1.0)),
        (0.5, 1.0, (-1.0, 1.0)),
        (1.5, 1.0, (-1.0, 1.0)),
        (-1.5, 1.0, (-1.0, 1.0)),
        (0.3, 1.0, (0.0, math.inf)),
        (-0.3, 1.0, (0.0, math.inf)),
    ],
)
def test_number_of_seeds_named_decides_and_one_less_does_not(mean, deviation, inside, alpha):
    now = mean_of(sample(with_moments(3, mean, deviation)))
    assert not decides(now, alpha, inside)
    named = by_seeds(now, alpha, inside)
    assert decides(mean_of(sample(with_moments(named, mean, deviation))), alpha, inside)
    assert not decides(mean_of(sample(with_moments(named - 1, mean, deviation))), alpha, inside)


def test_number_of_seeds_named_for_a_difference_is_per_arm():
    inside = (0.0, math.inf)
    named = by_seeds(welch(sample(with_moments(3, 1, 1)), sample(with_moments(3, 0, 2))), 0.05, inside)
    assert decides(welch(sample(with_moments(named, 1, 1)), sample(with_moments(named, 0, 2))), 0.05, inside)
    fewer = named - 1
    assert not decides(welch(sample(with_moments(fewer, 1, 1)), sample(with_moments(fewer, 0, 2))), 0.05, inside)


@pytest.mark.parametrize("mean", [0.0, 9.0])
def test_the_number_of_seeds_named_is_more_than_there_are_even_where_these_decide(mean):
    now = mean_of(sample(with_moments(3, mean, 0.1)))
    assert decides(now, 0.05, (-1.0, 1.0))
    assert by_seeds(now, 0.05, (-1.0, 1.0)) == 4


@pytest.mark.parametrize(("seeds", "named"), [(MOST_SEEDS, MOST_SEEDS), (MOST_SEEDS + 1, None)])
def test_the_most_seeds_that_are_named_are_named(seeds, named):
    """A mean that only so many seeds would separate from 0."""
    quantiles = stats.t.ppf(0.95, seeds - 1) + stats.t.ppf(0.95, seeds - 2)
    shift = quantiles / (math.sqrt(seeds) + math.sqrt(seeds - 1))  # between what this many need and one fewer
    assert by_seeds(mean_of(sample(with_moments(3, shift, 1.0))), 0.05, (0.0, math.inf)) == named


def test_no_number_of_seeds_is_named_for_a_mean_on_the_edge():
    assert by_seeds(mean_of(sample(with_moments(3, 1.0, 1.0))), 0.05, (-1.0, 1.0)) is None


def test_no_number_of_seeds_above_the_most_is_named():
    now = Estimate(estimate=0.01, error=1.0, degrees_of_freedom=2, seeds=3)
    assert not decides(
        Estimate(estimate=0.01, error=math.sqrt(3 / MOST_SEEDS), degrees_of_freedom=199, seeds=200), 0.05, (0, 9)
    )
    assert by_seeds(now, 0.05, (0.0, math.inf)) is None


def test_one_seed_names_no_number_of_seeds():
    assert by_seeds(mean_of(sample([82.0])), 0.05, (81.0, 83.0)) is None


def drop(estimate, error=1.0, seeds=3):
    return Estimate(estimate=estimate, error=error, degrees_of_freedom=2 * (seeds - 1), seeds=seeds)


LOOK = Levels(accept=0.05, against=0.05)


@pytest.mark.parametrize("p_rise", [0.06, 0.1, 0.25])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_trend_needs_seeds_in_the_square_of_its_normal_quantiles(p_rise, seeds):
    ratio = stats.norm.isf(0.05) / stats.norm.isf(p_rise)
    named = seeds_for_trend(p_rise, [drop(-9.0, 0.1, seeds)], LOOK, 1.0)
    assert named == math.ceil(seeds * ratio**2) > seeds


def test_a_trend_whose_drops_are_open_needs_as_many_seeds_as_the_most_open_of_them():
    drops = [drop(0.0, 0.6), drop(0.5, 0.6), drop(-9.0, 0.1)]
    alone = [seeds_to_decide(3, partial(with_seeds, one), LOOK, (-math.inf, 1.0)) for one in drops[:2]]
    assert 3 < alone[0] < alone[1]
    assert seeds_for_trend(0.01, drops, LOOK, 1.0) == alone[1]
    assert seeds_for_trend(0.05, drops[2:], LOOK, 1.0) is None  # decided as it is


@pytest.mark.parametrize(
    ("p_rise", "drops"),
    [
        (0.5, [drop(-9.0, 0.1)]),
        (0.9, [drop(-9.0, 0.1)]),
        (0.49, [drop(-9.0, 0.1)]),
        (0.1, [drop(1.0)]),
        (0.1, [drop(-9.0, 0.1), drop(-9.0, 0.1, seeds=1)]),
    ],
    ids=["flat", "falling", "too many seeds", "drop on the margin", "one seed"],
)
def test_a_trend_that_no_number_of_seeds_decides_names_none(p_rise, drops):
    assert seeds_for_trend(p_rise, drops, LOOK, 1.0) is None
