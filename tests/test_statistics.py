"""Estimates over seeds, against statsmodels, scipy and brute force."""

import dataclasses
import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW, ttost_ind, ttost_paired

from repro.errors import ClaimError
from repro.statistics import (
    EXACT_UP_TO,
    MOST_SEEDS,
    Estimate,
    Levels,
    Sample,
    against_level,
    claim_p_against,
    deviation_of,
    exact_tail,
    finite,
    holm,
    jonckheere,
    mean_of,
    nominal_alpha,
    paired_differences,
    satterthwaite,
    seeds_for_trend,
    seeds_to_decide,
    share_a_run,
    welch,
    with_seeds,
)

NOTHING = 1e-12  # a rounding step that never floors anything
REPEATABLE = settings(deadline=None, derandomize=True, database=None, max_examples=60)


def sample(values, *, step=NOTHING, unit="%", seeds=None):
    seeds = tuple(range(len(values))) if seeds is None else seeds
    return Sample(label="x", values=tuple(float(value) for value in values), seeds=seeds, unit=unit, step=step)


def drawn(seed, n, mean=0.0, spread=1.0):
    return np.random.default_rng(seed).normal(mean, spread, n)


def with_moments(n, mean, deviation):
    """n values with exactly this mean and standard deviation."""
    z = np.arange(n) - (n - 1) / 2
    return mean + deviation * z / z.std(ddof=1)


CASES = [(seed, n) for seed in range(5) for n in (2, 3, 5, 8)]


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


@settings(REPEATABLE, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(list(expected))


@settings(REPEATABLE, max_examples=20)
@given(st.lists(st.none() | st.floats(0, 1), max_size=8), st.integers(0, 6))
def test_holm_counts_what_was_not_judged_as_p_1(p_values, more):
    whole = [1.0 if value is None else value for value in p_values] + [1.0] * more
    expected = multipletests(whole, method="holm")[1][: len(p_values)] if whole else []
    assert holm(p_values, len(whole)) == pytest.approx(list(expected))


def test_holm_does_not_depend_on_what_else_was_judged():
    assert holm([0.004], 8)[0] == holm([0.004, None, None], 8)[0] == pytest.approx(0.032)


@pytest.mark.parametrize(("p_values", "total"), [([0.1, 0.2], 1), ([1.2], None), ([-0.1], None), ([math.nan], None)])
def test_holm_refuses_what_is_no_list_of_p_values(p_values, total):
    with pytest.raises(ClaimError, match="p-values"):
        holm(p_values, total)


@pytest.mark.parametrize(
    ("looks", "points", "primaries", "expected"),
    [((3, 5, 8), 12, 1, 0.05 / 36), ((3, 5, 8), 7, 9, 0.05 / 189), ((3, 5), 1, 1, 0.025), ((3,), 1, 1, 0.05)],
)
def test_level_against_a_point_is_that_at_which_its_claim_falls(looks, points, primaries, expected):
    level = against_level(looks, points=points, primaries=primaries)
    assert level == pytest.approx(expected)
    for factor in (0.999, 1.001):
        p_claim = claim_p_against([factor * level], looks, points=points)
        assert (holm([p_claim], primaries)[0] < 0.05) == (factor < 1)


def test_points_without_a_p_value_yet_count_all_the_same():
    assert claim_p_against([0.001], (3, 5, 8), points=12) == pytest.approx(0.036)
    assert claim_p_against([], (3, 5, 8), points=12) == 1.0


@pytest.mark.parametrize("counts", [{"points": 0}, {"points": 1, "primaries": 0}])
def test_level_of_a_claim_without_points_is_refused(counts):
    with pytest.raises(ClaimError, match="at least one"):
        against_level((3, 5, 8), **counts)


@pytest.mark.parametrize("looks", [(), (5, 8), (8, 5, 3)])
def test_level_against_a_point_of_an_unknown_schedule_is_refused(looks):
    with pytest.raises(ClaimError, match="allowed are one look"):
        against_level(looks, points=1)


@pytest.mark.parametrize(("accept", "against"), [(0.02, 0.05), (0.5, 0.1), (0.05, 0.0), (math.nan, 0.01)])
def test_levels_that_no_look_has_are_refused(accept, against):
    with pytest.raises(ClaimError, match="allowed is 0 < against"):
        Levels(accept=accept, against=against)


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


def test_holm_of_nothing_is_nothing():
    assert holm([]) == []


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


@pytest.mark.parametrize("levels", [3, 4, 5])
@pytest.mark.parametrize("slope", [2.0, -2.0])
def test_jonckheere_points_where_pages_trend_test_points(levels, slope):
    groups = [drawn(10 + level, 3, slope * level, 0.5) for level in range(levels)]
    page = stats.page_trend_test(np.array(groups).T, method="exact").pvalue  # seed by level
    assert (jonckheere(groups) < 0.05) == (page < 0.05) == (slope > 0)


@pytest.mark.parametrize("looks", [(1,), (3,), (8,)])
def test_one_look_has_the_whole_five_percent(looks):
    assert nominal_alpha(looks) == 0.05


@pytest.mark.parametrize("looks", [(), (5, 8), (3, 8), (3, 5, 8, 13), (8, 5, 3), (3, 3), (0,), (-3,)])
def test_schedule_without_a_known_constant_is_refused(looks):
    with pytest.raises(ClaimError, match="allowed are one look"):
        nominal_alpha(looks)


@pytest.fixture(scope="module")
def at_the_edge():
    """200,000 replications of 8 seeds, true mean on the edge of a margin so wide that only one side counts."""
    return np.random.default_rng(1).normal(0.0, 1.0, (200_000, 8))


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["established", "ruled out"])
@pytest.mark.parametrize("looks", [(3,), (3, 5), (3, 5, 8)])
def test_all_looks_together_keep_five_percent(at_the_edge, looks, side):
    """Either error at any look: at most 5 % to a tenth of a percent, plus three standard errors of the simulation."""
    alpha = nominal_alpha(looks)
    wrong = np.zeros(len(at_the_edge), dtype=bool)
    for n in looks:
        seen = side * at_the_edge[:, :n]
        wrong |= seen.mean(1) - stats.t.ppf(1 - alpha, n - 1) * seen.std(1, ddof=1) / math.sqrt(n) > 0
    assert wrong.mean() <= 0.05 + 0.0005 + 3 * math.sqrt(0.05 * 0.95 / len(wrong))


@pytest.mark.parametrize("looks", [(3, 5), (3, 5, 8)])
def test_the_looks_spend_nearly_all_of_the_five_percent(at_the_edge, looks):
    alpha = nominal_alpha(looks)
    wrong = np.zeros(len(at_the_edge), dtype=bool)
    for n in looks:
        seen = at_the_edge[:, :n]
        wrong |= seen.mean(1) - stats.t.ppf(1 - alpha, n - 1) * seen.std(1, ddof=1) / math.sqrt(n) > 0
    assert wrong.mean() >= 0.048 - 3 * math.sqrt(0.05 * 0.95 / len(wrong))


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


@pytest.mark.parametrize(("accept", "against"), [(0.05, 0.05), (0.499, 1e-9)])
def test_levels_at_their_edges_are_levels(accept, against):
    assert Levels(accept=accept, against=against).against == against


def test_two_values_a_group_are_enough_for_a_trend_and_one_is_not():
    assert jonckheere([(1.0, 2.0), (3.0, 4.0)]) == pytest.approx(1 / 6)
    assert jonckheere([(1.0,), (2.0, 3.0)]) == 1.0
