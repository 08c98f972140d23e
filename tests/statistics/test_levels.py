"""Levels over points, claims and looks, against statsmodels and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from repro.errors import ClaimError
from repro.statistics import (
    Levels,
    against_level,
    claim_p_against,
    holm,
    nominal_alpha,
)
from tests.statistics.made import REPEATABLE


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


def test_level_against_a_claim_that_is_not_primary_is_that_of_a_single_one():
    assert against_level((3, 5), points=4) == against_level((3, 5), points=4, primaries=1)


def test_points_without_a_p_value_yet_count_all_the_same():
    assert claim_p_against([0.001], (3, 5, 8), points=12) == pytest.approx(0.036)


def test_corrected_p_value_against_a_claim_is_at_most_1():
    assert claim_p_against([0.5, 0.9], (3, 5, 8), points=2) == 1.0


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


def test_holm_of_nothing_is_nothing():
    assert holm([]) == []


@pytest.mark.parametrize("looks", [(1,), (3,), (8,)])
def test_one_look_has_the_whole_five_percent(looks):
    assert nominal_alpha(looks) == 0.05


@pytest.mark.parametrize("looks", [(), (5, 8), (3, 8), (3, 5, 8, 13), (8, 5, 3), (3, 3), (0,), (-3,)])
def test_schedule_without_a_known_constant_is_refused(looks):
    with pytest.raises(ClaimError, match="allowed are one look"):
        nominal_alpha(looks)


@pytest.mark.parametrize(
    ("looks", "told"), [((5, 8), False), ((3, 5, 8, 13), False), ((3, 3), True), ((3, 8, 5), True), ((8, 5, 3), True)]
)
def test_looks_that_do_not_rise_are_told_so(looks, told):
    with pytest.raises(ClaimError) as refused:
        nominal_alpha(looks)
    assert ("which do not rise" in str(refused.value)) == told


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


@pytest.mark.parametrize(("accept", "against"), [(0.05, 0.05), (0.499, 1e-9)])
def test_levels_at_their_edges_are_levels(accept, against):
    assert Levels(accept=accept, against=against).against == against
