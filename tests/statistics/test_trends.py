"""The trend test, against brute force and scipy."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from repro.statistics import (
    EXACT_UP_TO,
    exact_tail,
    jonckheere,
    rising_pairs,
)
from tests.statistics.made import drawn


def pairs_in_rising_order(groups):
    total = 0.0
    for low, high in itertools.combinations(groups, 2):
        total += sum(1.0 if b > a else 0.5 if b == a else 0.0 for a in low for b in high)
    return total


def brute_force_jonckheere(groups):
    """Share of all arrangements of the values over the groups with at least as many rising pairs."""
    values = [value for group in groups for value in group]
    seen = pairs_in_rising_order(groups)

    def arrangements(left, sizes):
        if not sizes:
            yield []
            return
        for chosen in itertools.combinations(left, sizes[0]):
            rest = [index for index in left if index not in chosen]
            for others in arrangements(rest, sizes[1:]):
                yield [[values[index] for index in chosen], *others]

    counts = [pairs_in_rising_order(one) for one in arrangements(range(len(values)), [len(group) for group in groups])]
    return sum(count >= seen for count in counts) / len(counts)


@pytest.mark.parametrize(
    "groups",
    [
        [(1.0, 2.0, 3.0), (4.0, 5.0, 6.0)],
        [(4.0, 5.0, 6.0), (1.0, 2.0, 3.0)],
        [(0.3, 1.1), (0.9, 1.7), (1.2, 0.1)],
        [(50.1, 49.0, 52.2), (51.3, 50.5, 53.1), (52.0, 54.4, 51.9)],
        [(1.0, 5.0), (2.0, 4.0, 6.0), (3.0, 7.0)],
    ],
)
def test_jonckheere_is_the_share_of_all_arrangements(groups):
    assert jonckheere(groups) == pytest.approx(brute_force_jonckheere(groups), abs=1e-12)


@pytest.mark.parametrize(
    "groups",
    [
        [(1.0, 1.0, 2.0), (2.0, 2.0, 3.0)],
        [(1.0, 1.0), (1.0, 2.0), (2.0, 2.0)],
        [(0.1, 0.2, 0.2), (0.2, 0.3, 0.3), (0.1, 0.3, 0.3)],
        [(2.0, 2.0), (2.0, 1.0), (1.0, 1.0)],
    ],
)
def test_jonckheere_counts_ties_as_halves(groups):
    assert jonckheere(groups) == pytest.approx(brute_force_jonckheere(groups), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_jonckheere_of_tied_values_is_scipys_permutation_test(seed):
    groups = [np.random.default_rng((seed, place)).integers(0, 5, 3).astype(float) for place in range(3)]
    expected = stats.permutation_test(
        groups, rising_pairs, permutation_type="independent", alternative="greater", n_resamples=EXACT_UP_TO
    )
    assert jonckheere(groups) == pytest.approx(expected.pvalue, abs=1e-12)


def test_jonckheere_of_values_that_are_all_equal_is_1():
    assert jonckheere([(5.0, 5.0, 5.0), (5.0, 5.0, 5.0)]) == 1.0


@pytest.mark.parametrize("sizes", [(3, 3, 3), (5, 2, 4), (8, 8), (3,) * 7])
def test_distribution_of_rising_pairs_is_a_distribution(sizes):
    tail = exact_tail(sizes)
    pairs = sum(one * two for one, two in itertools.combinations(sizes, 2))
    assert (len(tail), tail[0]) == (pairs + 1, pytest.approx(1.0))
    assert tail + np.append(tail[1:], 0)[::-1] == pytest.approx(1.0)  # symmetric


@pytest.mark.parametrize("seed", range(5))
def test_jonckheere_of_two_groups_is_the_mann_whitney_test(seed):
    one, two = drawn(seed, 5), drawn(seed + 100, 8, 0.5)
    expected = stats.mannwhitneyu(two, one, alternative="greater", method="exact").pvalue
    assert jonckheere([one, two]) == pytest.approx(expected)


def test_jonckheere_without_ties_is_scipys_permutation_test():
    groups = [drawn(seed, 3, 0.4 * seed) for seed in range(3)]
    expected = stats.permutation_test(
        groups, lambda *g: pairs_in_rising_order(g), alternative="greater", n_resamples=np.inf
    )
    assert jonckheere(groups) == pytest.approx(expected.pvalue)


def test_jonckheere_of_too_many_arrangements_is_near_its_normal_approximation():
    groups = [drawn(seed, 5, 0.4 * seed) for seed in range(4)]
    sizes, n = np.array([5] * 4), 20
    assert math.factorial(20) // math.factorial(5) ** 4 > EXACT_UP_TO
    mean = (n**2 - (sizes**2).sum()) / 4
    variance = (n**2 * (2 * n + 3) - (sizes**2 * (2 * sizes + 3)).sum()) / 72
    normal = stats.norm.sf((pairs_in_rising_order(groups) - 0.5 - mean) / math.sqrt(variance))
    assert jonckheere(groups) == pytest.approx(normal, abs=0.01)


def test_jonckheere_of_too_many_tied_arrangements_is_the_same_every_time():
    groups = [drawn(seed, 5, 0.4 * seed).round(1) for seed in range(4)]
    assert len(np.unique(np.concatenate(groups))) < 20
    assert jonckheere(groups) == jonckheere(groups)


def test_jonckheere_of_tied_values_that_no_drawn_arrangement_reaches_counts_their_own():
    """One of 20!/5!⁴ arrangements, 10¹⁰, which cannot be expected among those drawn; no p-value is 0."""
    groups = [(level, level, level + 0.1, level + 0.2, level + 0.3) for level in range(4)]
    assert jonckheere(groups) == 1 / (EXACT_UP_TO + 1)


@pytest.mark.parametrize("levels", [3, 4, 5])
@pytest.mark.parametrize("slope", [2.0, -2.0])
def test_jonckheere_points_where_pages_trend_test_points(levels, slope):
    groups = [drawn(10 + level, 3, slope * level, 0.5) for level in range(levels)]
    page = stats.page_trend_test(np.array(groups).T, method="exact").pvalue  # seed by level
    assert (jonckheere(groups) < 0.05) == (page < 0.05) == (slope > 0)


def test_two_values_a_group_are_enough_for_a_trend_and_one_is_not():
    assert jonckheere([(1.0, 2.0), (3.0, 4.0)]) == pytest.approx(1 / 6)
    assert jonckheere([(1.0,), (2.0, 3.0)]) == 1.0
