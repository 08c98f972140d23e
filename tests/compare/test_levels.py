"""Findings at two levels: for the criterion at that of the look, against it at that of the whole claim."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from repro.compare import (
    Finding,
    Fraction,
    FractionBound,
    Levels,
    NoChange,
    Ordering,
    Outcome,
    Point,
    Trend,
    flips_over_looks,
    would_change_over_looks,
)
from repro.errors import ClaimError
from repro.statistics import jonckheere, paired_differences
from tests.compare.made import ONE_LOOK, REASON, around, no_change, ordering, point, rising_by, sample, trend

# A claim of twelve points and eight primaries: what rules one point out must rule the claim out.
STRICT = Levels(accept=0.0213, against=0.05 / (3 * 12 * 8))
LOOSE = Levels(accept=0.0213, against=0.0213)
OUT_BEFORE_CORRECTION = {
    "Point": lambda levels: point(around(84, (-0.1, 0.0, 0.1)), 1.5, levels=levels),
    "NoChange": lambda levels: no_change(around(70), sample((71.5, 71.8, 71.6)), levels=levels),
    "Ordering": lambda levels: ordering(around(40, (-0.5, 0, 0.5)), around(42, (-0.5, 0, 0.5)), levels=levels),
    "Trend": lambda levels: trend(
        [around(50), around(52.2, (-0.2, 0, 0.2)), around(50, (-0.2, 0, 0.2))], levels=levels
    ),
    "FractionBound": lambda levels: FractionBound(limit=0.05, side="at most", reason=REASON).compare(
        levels=levels, sample=sample((0.08, 0.09, 0.11), unit="share", step=1e-4)
    ),
}


@pytest.mark.parametrize("rule", OUT_BEFORE_CORRECTION)
def test_point_is_ruled_out_only_at_the_level_at_which_its_claim_falls(rule):
    loose, strict = (OUT_BEFORE_CORRECTION[rule](levels) for levels in (LOOSE, STRICT))
    assert loose.outcome is Outcome.RULED_OUT
    assert strict.outcome is Outcome.UNDECIDED
    assert strict.p_against == loose.p_against


@pytest.mark.parametrize("rule", OUT_BEFORE_CORRECTION)
def test_seeds_are_named_that_would_rule_it_out_at_that_level(rule):
    if rule != "Trend":  # a trend names the seeds that would establish it
        assert OUT_BEFORE_CORRECTION[rule](STRICT).more_seeds > 3


@pytest.mark.parametrize("levels", [LOOSE, STRICT])
def test_interval_is_labelled_by_what_it_covers_over_all_looks(levels):
    found = point(around(82.3), levels=levels)
    assert found.interval == pytest.approx(stats.t.interval(1 - 2 * 0.0213, 2, loc=82.3, scale=0.1 / math.sqrt(3)))
    assert found.interval_level == pytest.approx(0.9)
    assert "90 % over all looks" in found.why


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_point_flips_at_the_margins_it_names_at_two_levels(spread):
    values = around(83.0, (-spread, 0.0, spread))
    out_below, in_above = point(values, levels=STRICT).flips
    assert point(values, in_above * 1.001, levels=STRICT).outcome is Outcome.ESTABLISHED
    assert point(values, in_above * 0.999, levels=STRICT).outcome is Outcome.UNDECIDED
    if out_below:
        assert point(values, out_below * 0.999, levels=STRICT).outcome is Outcome.RULED_OUT


def numbers(text):
    words = [word.strip(",.").replace("−", "-") for word in text.split()]
    return [float(word) for word in words if word.lstrip("-")[:1].isdigit()]


def test_ordering_flips_at_the_gaps_it_names():
    pair = around(45, (-0.5, 0.0, 0.5)), around(42, (-0.5, 0.0, 0.5))
    holds, out = numbers(ordering(*pair, 1.0, STRICT).would_change)
    assert ordering(*pair, holds * 0.99, STRICT).outcome is Outcome.ESTABLISHED
    assert ordering(*pair, holds * 1.01, STRICT).outcome is Outcome.UNDECIDED
    assert ordering(*pair, out * 0.99, STRICT).outcome is Outcome.UNDECIDED
    assert ordering(*pair, out * 1.01, STRICT).outcome is Outcome.DIRECTION_ONLY


def test_trend_flips_at_the_margins_it_names():
    levels = rising_by(50, 60, 58, 70)
    holds, out = numbers(trend(levels, 1.0).would_change)
    assert trend(levels, holds * 1.01).outcome is Outcome.ESTABLISHED
    assert trend(levels, holds * 0.99).outcome is Outcome.UNDECIDED
    assert trend(levels, out * 1.01).outcome is Outcome.UNDECIDED
    assert trend(levels, out * 0.99).outcome is Outcome.RULED_OUT


@pytest.mark.parametrize("side", ["at most", "at least"])
def test_bound_flips_at_the_limits_it_names(side):
    values = (0.08, 0.09, 0.11) if side == "at most" else (0.92, 0.91, 0.89)

    def bound(limit):
        rule = FractionBound(limit=limit, side=side, reason=REASON)
        return rule.compare(levels=LOOSE, sample=sample(values, unit="share", step=1e-4))

    holds, out = numbers(bound(0.1 if side == "at most" else 0.9).would_change)
    outward = 0.002 if side == "at most" else -0.002
    assert bound(holds + outward).outcome is Outcome.ESTABLISHED
    assert bound(holds - outward).outcome is Outcome.UNDECIDED
    assert bound(out + outward).outcome is Outcome.UNDECIDED
    assert bound(out - outward).outcome is Outcome.RULED_OUT


def test_flips_over_looks_are_the_first_margin_that_any_look_reaches():
    looks = [point(around(82.5, (-s, 0.0, s)), levels=LOOSE) for s in (0.1, 0.5)]
    assert flips_over_looks(looks) == looks[0].flips
    first, last = (f"It is established at any margin above {one.flips[1]:.3g}" for one in looks)
    text = would_change_over_looks(looks)
    assert text.startswith(first)
    assert f" By its last look alone: i{last[1:]}" in text
    assert would_change_over_looks(looks[:1]) == looks[0].would_change


def test_one_seed_has_no_margins_to_flip_at():
    found = point(sample([82.0]))
    assert flips_over_looks([found]) is None
    assert would_change_over_looks([found]) == found.would_change


def test_a_bound_is_ruled_out_at_the_limits_it_names_at_the_level_of_the_whole_claim():
    shares = sample((0.27, 0.29, 0.30, 0.31, 0.33), unit="share", step=1e-4)

    def at(limit):
        return FractionBound(limit=limit, side="at most", reason=REASON).compare(levels=STRICT, sample=shares)

    named = float(re.search(r"ruled out at any limit below (\S+)\.$", at(0.3).would_change)[1])
    assert at(0.99 * named).outcome is Outcome.RULED_OUT  # named to three digits, half of one of which is 0.5 % at most
    assert at(1.01 * named).outcome is Outcome.UNDECIDED


# Arms that contain the same runs


def with_runs(values, keys, **fields):
    return sample(values, runs=tuple(keys), **fields)


def test_arms_that_share_runs_are_compared_seed_by_seed():
    before, after = (70.0, 75.0, 80.0), (70.4, 75.5, 80.6)
    apart = ordering(with_runs(after, "abc"), with_runs(before, "def"))
    paired = ordering(with_runs(after, "abc"), with_runs(before, "abc"))
    assert (apart.outcome, paired.outcome) == (Outcome.UNDECIDED, Outcome.ESTABLISHED)
    expected = stats.ttest_rel(after, before, alternative="greater").pvalue
    assert paired.p_for == pytest.approx(expected)
    assert "paired" in paired.why
    assert "Welch" in apart.why


def test_one_run_in_common_is_enough_to_pair():
    found = ordering(with_runs((1.0, 2.0, 3.0), ("a+x", "b+y", "c+z")), with_runs((0.0, 1.2, 2.1), ("q", "r", "z")))
    assert "paired" in found.why


def test_arms_without_known_runs_are_taken_as_independent():
    assert "Welch" in ordering(around(41), around(40)).why


def test_difference_of_two_arms_keeps_their_runs():
    both = paired_differences(with_runs((1.0, 2.0), "ab"), with_runs((2.0, 4.0), "cd"))
    assert both.runs == ("a+c", "b+d")


def test_trend_over_levels_that_share_a_run_is_refused():
    with pytest.raises(ClaimError, match="same runs"):
        trend([with_runs((1.0, 2.0), "ab"), with_runs((2.0, 4.0), "bc")])


def test_trend_over_levels_that_share_a_run_is_refused_though_they_are_no_neighbours():
    with pytest.raises(ClaimError, match="same runs"):
        trend([with_runs((1.0, 2.0), "ab"), with_runs((2.0, 4.0), "cd"), with_runs((4.0, 5.0), "be")])


def test_pairs_of_other_seeds_are_refused():
    one, two = with_runs((1.0, 2.0), "ab"), with_runs((2.0, 4.0, 5.0), "abc")
    with pytest.raises(ClaimError, match="same seeds"):
        ordering(one, two)


# A trend's steps


@pytest.mark.parametrize("seed", range(5))
def test_each_step_of_a_trend_is_a_welch_test_of_its_own(seed):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(mean, sd, 3) for mean, sd in ((50, 0.2), (60, 3.0), (59, 0.1))]
    found = trend([sample(group, step=0) for group in groups])
    steps = [
        stats.ttest_ind(one, two + 1.0, equal_var=False, alternative="less").pvalue for one, two in pairwise(groups)
    ]
    assert found.p_for == pytest.approx(max(jonckheere(groups), *steps))


def test_wide_level_elsewhere_does_not_hide_a_drop():
    """One pooled spread over unequal levels hid, or made, a drop between two quiet ones."""
    quiet = rising_by(50, 60, 58.2)
    wide = [*quiet, around(80, (-6.0, 0.0, 6.0))]
    assert trend(quiet).outcome is Outcome.RULED_OUT
    assert trend(wide).outcome is Outcome.RULED_OUT


# What is refused before anything is judged


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("rule", [Point, Fraction, NoChange, Trend])
def test_margin_that_no_test_can_use_is_refused(rule, value):
    with pytest.raises(ClaimError, match="margin"):
        rule(margin=value, reason=REASON)


@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan])
def test_gap_that_no_test_can_use_is_refused(value):
    with pytest.raises(ClaimError, match="gap"):
        Ordering(gap=value, reason=REASON)


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1, 5.0, math.nan])
def test_limit_that_is_no_share_is_refused(limit):
    with pytest.raises(ClaimError, match="limit"):
        FractionBound(limit=limit, side="at most", reason=REASON)


def test_side_that_is_none_is_refused():
    with pytest.raises(ClaimError, match="side"):
        FractionBound(limit=0.1, side="below", reason=REASON)


def test_centre_that_is_not_finite_is_refused():
    with pytest.raises(ClaimError, match="centre"):
        no_change(around(70), around(70), centre=math.nan)


def test_bound_on_what_is_no_share_is_refused():
    with pytest.raises(ClaimError, match="shares"):
        FractionBound(limit=0.1, side="at most", reason=REASON).compare(levels=ONE_LOOK, sample=around(5.0))


@pytest.mark.parametrize(
    ("limit", "side", "values", "outcome"),
    [
        (0.05, "at most", (0.0, 0.0, 0.0), Outcome.ESTABLISHED),
        (0.05, "at most", (0.010, 0.012, 0.011), Outcome.ESTABLISHED),
        (0.05, "at most", (0.04, 0.05, 0.06), Outcome.UNDECIDED),
        (0.05, "at most", (0.20, 0.21, 0.22), Outcome.RULED_OUT),
        (0.95, "at least", (1.0, 1.0, 1.0), Outcome.ESTABLISHED),
        (0.95, "at least", (0.990, 0.988, 0.989), Outcome.ESTABLISHED),
        (0.95, "at least", (0.94, 0.95, 0.96), Outcome.UNDECIDED),
        (0.95, "at least", (0.80, 0.79, 0.78), Outcome.RULED_OUT),
        (0.95, "at most", (0.80, 0.79, 0.78), Outcome.ESTABLISHED),
        (0.05, "at least", (0.20, 0.21, 0.22), Outcome.ESTABLISHED),
    ],
)
def test_bound_is_decided_by_its_side_of_the_limit(limit, side, values, outcome):
    rule = FractionBound(limit=limit, side=side, reason=REASON)
    found: Finding = rule.compare(levels=ONE_LOOK, sample=sample(values, unit="share", step=1e-3))
    assert found.outcome is outcome


def test_bound_mirrored_at_a_half_says_the_same():
    values = (0.01, 0.03, 0.02)
    few = FractionBound(limit=0.05, side="at most", reason=REASON)
    most = FractionBound(limit=0.95, side="at least", reason=REASON)
    one = few.compare(levels=ONE_LOOK, sample=sample(values, unit="share", step=1e-3))
    two = most.compare(levels=ONE_LOOK, sample=sample([1 - v for v in values], unit="share", step=1e-3))
    assert (one.p_for, one.p_against) == pytest.approx((two.p_for, two.p_against))


@pytest.mark.parametrize("values", [(0.01, 0.03, 0.08), (0.045, 0.05, 0.052)])
@pytest.mark.parametrize(
    ("near_one", "side"), [(False, "at most"), (False, "at least"), (True, "at most"), (True, "at least")]
)
def test_bound_is_tested_as_angles_and_as_logarithms_of_the_distance_to_the_nearer_end(near_one, side, values):
    logs, angles, limit = np.log(values), np.arcsin(np.sqrt(values)), 0.05
    variance = logs.var(ddof=1)
    cox = (math.log(limit) - logs.mean() - variance / 2) / math.sqrt(variance / 3 + variance**2 / 4)
    students = ((np.arcsin(np.sqrt(limit)) - angles.mean()) / angles.std(ddof=1) * math.sqrt(3), cox)
    below, above = (max(tail(t, 2) for t in students) for tail in (stats.t.sf, stats.t.cdf))

    rule = FractionBound(limit=1 - limit if near_one else limit, side=side, reason=REASON)
    shares = sample([1 - v if near_one else v for v in values], unit="share", step=1e-6)
    found = rule.compare(levels=ONE_LOOK, sample=shares)
    is_below = (side == "at most") != near_one
    assert (found.p_for, found.p_against) == pytest.approx((below, above) if is_below else (above, below), rel=1e-4)


@pytest.mark.parametrize(("side", "holds", "fails"), [("at most", "above", "below"), ("at least", "below", "above")])
def test_bound_says_at_which_limits_it_would_be_decided_otherwise(side, holds, fails):
    rule = FractionBound(limit=0.05, side=side, reason=REASON)
    words = rule.compare(levels=ONE_LOOK, sample=sample((0.04, 0.05, 0.06), unit="share", step=1e-4)).would_change
    assert re.fullmatch(
        rf"It is established at any limit {holds} [\d.]+, and ruled out at any limit {fails} [\d.]+\.", words
    )


def test_undecided_bound_names_the_seeds_that_decide():
    values = (0.03, 0.04, 0.045)
    rule = FractionBound(limit=0.05, side="at most", reason=REASON)
    found = rule.compare(levels=ONE_LOOK, sample=sample(values, unit="share", step=1e-4))
    assert found.outcome is Outcome.UNDECIDED
    assert 3 < found.more_seeds < 20


def test_what_is_told_of_the_last_look_alone_says_so():
    found = Finding(label="a", expected="", measured="", outcome=Outcome.UNDECIDED, why="", would_change="It flips.")
    assert would_change_over_looks([found]) == "It flips."
    assert would_change_over_looks([found, found]) == "By its last look alone: it flips."
