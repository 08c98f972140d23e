"""What a reference's own error does to a point, against statsmodels, scipy and formulas written out."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from repro.compare import Fraction, Levels, NoChange, Outcome, Point, Published, own_error, undecidable
from repro.errors import ClaimError
from tests.compare.made import ONE_LOOK, REASON, THREE_LOOKS, digitised, known, no_change, point, sample

CASES = [(seed, n, n_p) for seed in range(4) for n, n_p in ((3, 5), (5, 3), (8, 5))]


def both(seed, n, n_p):
    rng = np.random.default_rng(seed)
    return rng.normal(82, 0.5, n), rng.normal(82.3, 1.5, n_p)


def published(values):
    return Published(value=values.mean(), sd=values.std(ddof=1), replicates=len(values), reading_error=0.0)


@pytest.mark.parametrize(("seed", "n", "n_p"), CASES)
def test_point_against_a_published_mean_and_sd_is_the_tost_of_two_samples(seed, n, n_p):
    ours, theirs = both(seed, n, n_p)
    expected = ttost_ind(ours, theirs, -2.0, 2.0, usevar="unequal")[0]
    assert point(sample(ours, step=0), 2.0, published(theirs)).p_for == pytest.approx(expected)


@pytest.mark.parametrize(("seed", "n", "n_p"), CASES)
def test_consistent_is_a_welch_test_that_does_not_reject(seed, n, n_p):
    ours, theirs = both(seed, n, n_p)
    theirs = theirs + 2 * (seed - 1.5)
    p = stats.ttest_ind(ours, theirs, equal_var=False).pvalue
    found = point(sample(ours, step=0), 2.0, published(theirs))
    assert found.consistent == (p >= 0.05)
    assert found.consistent == (found.prediction[0] <= ours.mean() <= found.prediction[1])


@pytest.mark.parametrize(("seed", "n", "n_p"), CASES)
def test_no_change_is_the_paired_tost_around_the_published_change(seed, n, n_p):
    ours, _ = both(seed, n, n_p)
    after = ours + np.random.default_rng(seed + 9).normal(0.6, 0.4, n)
    expected = ttost_paired(after, ours, 0.6 - 1, 0.6 + 1)[0]
    assert no_change(sample(ours, step=0), sample(after, step=0), centre=0.6).p_for == pytest.approx(expected)


def test_unknown_published_sd_is_taken_as_ours_and_stated():
    values = (81.0, 82.0, 83.0)  # s = 1
    found = point(sample(values), 2.0, digitised(82.0, u=0.6))
    parts, u = 1 / 3 + 1 / 5, 0.6**2 / 3
    df = (parts + u) ** 2 / (parts**2 / 2)
    half = stats.t.ppf(0.95, df) * math.sqrt(parts + u)
    assert found.degrees_of_freedom == pytest.approx(df)
    assert found.interval == pytest.approx((82 - half, 82 + half))
    assert found.assumption == "published sd unknown: taken as ours"


def test_reading_error_lends_no_certainty_to_a_finding_against():
    """Three seeds that agree by chance leave t with 2 degrees of freedom, however large the error beside them."""
    values = (84.30, 84.31, 84.32)
    s, u = 0.01, 0.3
    error = math.sqrt(s**2 * (1 / 3 + 1 / 5) + u**2 / 3)
    found = point(sample(values, step=0), 2.0, digitised(82.0, u=u))
    assert found.p_against == pytest.approx(stats.t.sf((84.31 - 84.0) / error, 2))
    assert found.degrees_of_freedom > 100


def test_known_published_sd_needs_no_assumption():
    assert not point(sample((81.0, 82.0, 83.0)), 2.0, digitised(82.0, sd=0.5)).assumption


def test_reading_error_makes_an_interval_wider():
    values = sample((81.9, 82.0, 82.1))
    widths = [np.ptp(point(values, 2.0, digitised(82.0, u=u)).interval) for u in (0.0, 0.3, 0.6)]
    assert widths == sorted(set(widths))


def test_consistency_decides_nothing():
    wide = point(sample((80.0, 82.0, 84.0)), 1.0, digitised(82.5))
    narrow = point(sample((85.0, 85.01, 85.02)), 5.0, digitised(82.0, u=0.1, sd=0.1))
    assert (wide.outcome, wide.consistent) == (Outcome.UNDECIDED, True)
    assert (narrow.outcome, narrow.consistent) == (Outcome.ESTABLISHED, False)


def test_number_known_without_error_has_no_prediction_interval():
    found = point(sample((81.0, 82.0, 83.0)), 2.0, known(82.0))
    assert (found.prediction, found.consistent) == (None, None)


def test_share_near_an_end_is_judged_as_angles_with_all_three_errors():
    values, ref = np.array([0.020, 0.026, 0.031]), digitised(0.02, u=0.005)
    found = Fraction(margin=0.02, reason=REASON).compare(
        levels=ONE_LOOK, sample=sample(values, unit="share", step=0), reference=ref
    )
    angles = np.arcsin(np.sqrt(values))
    u = (np.arcsin(np.sqrt(0.025)) - np.arcsin(np.sqrt(0.015))) / 2
    part = angles.var(ddof=1) * (1 / 3 + 1 / 5)
    variance = part + u**2 / 3
    half = stats.t.ppf(0.95, variance**2 / (part**2 / 2)) * math.sqrt(variance)
    assert found.interval == pytest.approx(tuple(np.sin(angles.mean() + np.array([-half, half])) ** 2))
    assert "arcsine" in found.why


@pytest.mark.parametrize(
    ("value", "as_a_point"),
    [(0.049, False), (0.05, True), (0.07, True), (0.27, True), (0.93, True), (0.95, True), (0.951, False)],
)
def test_share_away_from_the_ends_is_judged_as_a_point(value, as_a_point):
    values, reference = sample(value + np.array([-0.01, 0.0, 0.02]), unit="share"), digitised(value, 0.005)
    share = Fraction(margin=0.04, reason=REASON).compare(levels=ONE_LOOK, sample=values, reference=reference)
    same = Point(margin=0.04, reason=REASON).compare(levels=ONE_LOOK, sample=values, reference=reference)
    assert ((share.p_for, share.interval) == (same.p_for, same.interval)) == as_a_point


@pytest.mark.parametrize(
    ("rule", "values", "reference"),
    [
        (Point, sample((84.30, 84.31, 84.32)), digitised(82.0, u=0.3)),
        (Fraction, sample((0.05, 0.06, 0.07), unit="share"), known(0.02)),
    ],
    ids=["with a reading error", "of a share near an end"],
)
def test_a_finding_flips_at_the_margins_it_names(rule, values, reference):
    def at(margin):
        return rule(margin=margin, reason=REASON).compare(levels=ONE_LOOK, sample=values, reference=reference)

    out_below, in_above = at(0.5).flips
    margins = (0.999 * out_below, 1.001 * out_below, 0.999 * in_above, 1.001 * in_above)
    outcomes = [Outcome.RULED_OUT, Outcome.UNDECIDED, Outcome.UNDECIDED, Outcome.ESTABLISHED]
    assert [at(margin).outcome for margin in margins] == outcomes


@pytest.mark.parametrize("accept", [0.05, 0.0213])
def test_own_error_is_what_is_left_with_endless_seeds(accept):
    ref = Published(value=32.0, sd=2.0, replicates=3, reading_error=0.5)
    many = sample(np.random.default_rng(0).normal(32, 0.01, 4000), step=0)
    low, high = point(many, 2.0, ref, Levels(accept=accept, against=accept)).interval
    assert own_error(ref, accept) == pytest.approx((high - low) / 2, rel=1e-3)


def test_reference_that_alone_exceeds_the_margin_is_named():
    ref = Published(value=32.0, sd=2.0, replicates=3, reading_error=0.0)
    assert "± 3.4" in undecidable(ref, 2.0)
    assert not undecidable(ref, 3.5)


def test_point_that_no_seed_can_establish_requests_none():
    ref = Published(value=32.0, sd=2.0, replicates=3, reading_error=0.5)
    found = point(sample((31.9, 32.0, 32.1)), 2.0, ref)
    assert (found.outcome, found.consistent, found.more_seeds) == (Outcome.UNDECIDED, True, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"value": math.nan},
        {"sd": -1.0},
        {"sd": math.inf},
        {"sd": 1.0, "replicates": 1},
        {"replicates": 0},
        {"reading_error": -0.1},
        {"reading_error": math.nan},
    ],
    ids=str,
)
def test_published_value_that_no_test_can_use_is_refused(fields):
    with pytest.raises(ClaimError):
        Published(**{"value": 82.0, "sd": None, "replicates": 5, "reading_error": 0.3} | fields)


def test_no_change_is_around_no_change_unless_the_source_prints_one():
    before, after = sample((70.0, 71.0, 72.0)), sample((71.0, 72.0, 73.1))
    found = NoChange(margin=0.5, reason=REASON).compare(levels=ONE_LOOK, before=before, after=after)
    assert (found.criterion, found.outcome) == ((-0.5, 0.5), Outcome.RULED_OUT)


@pytest.mark.parametrize("margin", [0.0, 1.0, 1.5])
def test_margin_of_a_fraction_is_a_share_between_none_and_all(margin):
    with pytest.raises(ClaimError, match="margin"):
        Fraction(margin=margin, reason=REASON)


def test_two_replicates_have_a_spread():
    assert Published(value=82.0, sd=1.0, replicates=2, reading_error=0.3).sd == 1.0


@pytest.mark.parametrize("values", [(97.0, 98.0, 99.0), (-0.1, 0.2, 0.3), (1.2, 0.9, 0.8)])
def test_values_of_a_fraction_must_be_shares(values):
    with pytest.raises(ClaimError, match=r"allowed are shares in \[0, 1\]"):
        Fraction(margin=0.1, reason=REASON).compare(
            levels=THREE_LOOKS, sample=sample(values, unit="share"), reference=digitised(0.27)
        )


@pytest.mark.parametrize("value", [-0.1, 1.1, 27.0])
def test_reference_of_a_fraction_must_be_a_share(value):
    with pytest.raises(ClaimError, match="share"):
        Fraction(margin=0.1, reason=REASON).compare(
            levels=THREE_LOOKS, sample=sample((0.2, 0.3), unit="share"), reference=digitised(value)
        )
