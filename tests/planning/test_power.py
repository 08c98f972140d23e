"""What is expected if the source is right: the simulated rules are the rules, and the rates are as stated."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.special
from scipy import stats

from repro.compare import (
    Exact,
    Fraction,
    FractionBound,
    Levels,
    Measure,
    NoChange,
    Ordering,
    Outcome,
    Point,
    Published,
    Trend,
)
from repro.planning import replicate
from repro.planning.power import REPLICATIONS, expected, expected_whole, smallest
from tests.compare.made import REASON, THREE_LOOKS, digitised, no_change, ordering, point, sample, trend

LOOKS = (3, 5, 8)
R = 40


def drawn(seed, mean, sd, n=5):
    return np.random.default_rng(seed).normal(mean, sd, (R, n))


def noise(replications=R):
    return np.random.default_rng(11).normal(0, 0.5, (replications, 4, 5))


def same(findings, tests):
    """Whether findings have the p-values that arrays of tests have."""
    findings = list(findings)
    assert [found.p_for for found in findings] == pytest.approx(list(tests[0]), abs=1e-9)
    assert [found.p_against for found in findings] == pytest.approx(list(np.minimum(1, tests[1])), abs=1e-9)


def fine(values, **fields):
    return sample(values, step=0, **fields)


@pytest.mark.parametrize("known_sd", [True, False])
def test_simulated_point_is_the_rule(known_sd):
    values, theirs = drawn(0, 82.5, 0.8), drawn(1, 82, 0.8)
    published, sds = theirs.mean(1), theirs.std(1, ddof=1) if known_sd else None
    references = [digitised(p, u=0.3, sd=sds[i] if known_sd else None) for i, p in enumerate(published)]
    found = (point(fine(v), 2.0, ref) for v, ref in zip(values, references, strict=True))
    same(found, replicate.point(values, published, sds, 5, 0.3, 2.0))


@pytest.mark.parametrize(("ranked", "groups"), [(True, 4), (False, 2)])
def test_levels_that_rise_by_a_step_are_tested_as_levels_with_those_means(ranked, groups):
    noise = np.random.default_rng(3).normal(0, 0.5, (R, groups, 5))
    levels = noise[:, :, :3] + 0.7 * np.arange(groups)[:, None]
    whole = replicate.trend(levels, 0.2) if ranked else replicate.ordering(levels[:, 1], levels[:, 0], -0.2)
    stepped = replicate.rising(noise, (3, 5), 0.2, ranked=ranked)(0.7)(3, np.arange(R))
    for one, two in zip(stepped[:2], whole[:2], strict=True):
        assert list(one) == pytest.approx(list(two), abs=1e-12)


@pytest.mark.parametrize("centre", [0.03, 0.27, 0.97])
def test_simulated_fraction_is_the_rule(centre):
    rng = np.random.default_rng(2)
    values, published = rng.normal(centre, 0.005, (R, 3)), rng.normal(centre, 0.003, R)
    rule = Fraction(margin=0.02, reason=REASON)
    found = (
        rule.compare(levels=THREE_LOOKS, sample=fine(v, unit="share"), reference=digitised(p, u=0.005))
        for v, p in zip(values, published, strict=True)
    )
    same(found, replicate.share(values, published, None, 5, 0.005, 0.02, 0.05))


@pytest.mark.parametrize(("limit", "side"), [(0.05, "at most"), (0.95, "at least"), (0.05, "at least")])
def test_simulated_bound_is_the_rule(limit, side):
    values = np.random.default_rng(3).beta(100 * limit, 100 * (1 - limit), (R, 5))
    rule = FractionBound(limit=limit, side=side, reason=REASON)
    found = (rule.compare(levels=THREE_LOOKS, sample=fine(v, unit="share")) for v in values)
    same(found, replicate.share_bound(values, limit, side == "at most"))


def test_simulated_no_change_is_the_rule():
    before, after = drawn(4, 70, 2.0), drawn(5, 70.6, 2.0)
    found = (no_change(fine(b), fine(a), 2.0, 0.6) for b, a in zip(before, after, strict=True))
    same(found, replicate.no_change(after - before, 0.6, 2.0))


def test_simulated_ordering_is_the_rule():
    higher, lower = drawn(6, 61, 2.0), drawn(7, 60, 1.0)
    pairs = [(fine(a), fine(b)) for a, b in zip(higher, lower, strict=True)]
    tests = replicate.ordering(higher, lower, 1.5)
    same((ordering(*pair, 1.5) for pair in pairs), tests)
    assert [ordering(*pair, 0.0).p_for for pair in pairs] == pytest.approx(list(tests[2]))


def test_simulated_trend_is_the_rule():
    levels = np.random.default_rng(8).normal([[[50], [51], [50.5]]], 0.5, (R, 3, 3))
    same((trend([fine(one) for one in level]) for level in levels), replicate.trend(levels, 1.0))


def decisions(tests, levels):
    """What arrays of p-values say at the levels of a look, by replication."""
    p_for, p_against, p_direction = tests
    found = (p_for < levels.accept, p_against < levels.against, p_direction < levels.accept)
    return [one.tolist() for one in found]


@pytest.mark.parametrize("against", [0.05 / 3, 0.0002])
@pytest.mark.parametrize(
    "test",
    [
        lambda levels: replicate.point(drawn(0, 83, 0.8), drawn(1, 82, 0.8).mean(1), None, 5, 0.3, 2.0, levels),
        lambda levels: replicate.share(
            drawn(2, 0.05, 0.01), drawn(3, 0.04, 0.01).mean(1), None, 5, 0.005, 0.02, 0.05, levels
        ),
        lambda levels: replicate.share_bound(drawn(4, 0.95, 0.01).clip(0, 1), 0.94, False, levels),
        lambda levels: replicate.share_bound(drawn(5, 0.05, 0.01).clip(0, 1), 0.06, True, levels),
        lambda levels: replicate.no_change(drawn(6, 0.6, 2.0), 0.6, 2.0, levels),
        lambda levels: replicate.ordering(drawn(7, 61, 2.0), drawn(8, 60, 1.0), 1.5, levels),
        lambda levels: replicate.ordering(drawn(9, 60, 0.1), drawn(10, 61, 0.1), 0.5, levels),
        lambda levels: replicate.ordering(
            noise(4000)[:, 0] + 2 * noise(4000)[:, 1, :1], noise(4000)[:, 2], 0.0, levels
        ),
        lambda levels: replicate.rising(noise(), (3, 5), 0.2, ranked=True, levels=levels)(0.3)(5, np.arange(R)),
        lambda levels: replicate.rising(noise(4000), (3, 5), 0.2, ranked=True, levels=levels)(0)(5, np.arange(4000)),
        lambda levels: replicate.rising(noise()[:, :2], (3, 5), 0.2, ranked=False, levels=levels)(0.3)(5, np.arange(R)),
    ],
    ids=["point", "share", "at least", "at most", "no change", "ordering", "reversed", "any", "trend", "none", "step"],
)
def test_p_values_for_given_levels_decide_as_exact_ones_do(test, against):
    levels = replace(THREE_LOOKS, against=against)
    assert decisions(test(levels), levels) == decisions(test(None), levels)


def test_p_values_that_decide_nothing_are_not_computed(monkeypatch):
    """Student's distribution function takes most of the time of a plan's simulations."""
    computed, stdtr = [], scipy.special.stdtr
    monkeypatch.setattr("scipy.special.stdtr", lambda df, value: computed.append(value.size) or stdtr(df, value))
    replicate.ordering(drawn(6, 61, 2.0), drawn(7, 61, 1.0), 0.0, THREE_LOOKS)  # no difference
    replicate.ordering(drawn(6, 99, 2.0), drawn(7, 61, 1.0), 0.0, THREE_LOOKS)  # nothing else
    assert sum(computed) <= R / 4
    replicate.ordering(drawn(6, 61, 2.0), drawn(7, 61, 1.0), 0.0)
    assert computed[-1] == R


def test_looks_stop_at_the_first_that_decides():
    """Three replications that are decided at the first, at the second and at no look."""
    p = {3: [0.01, 0.3, 0.3], 5: [0.9, 0.01, 0.3], 8: [0.9, 0.9, 0.3]}

    def test(n, rows):
        p_for = np.array(p[n])[rows]
        return p_for, np.where(p_for > 0.8, 0.0, 1.0), np.ones(len(rows))

    ends = replicate.through_looks(test, 3, LOOKS, THREE_LOOKS)
    assert ends[Outcome.ESTABLISHED].tolist() == [True, True, False]
    assert ends[Outcome.UNDECIDED].tolist() == [False, False, True]
    assert not ends[Outcome.RULED_OUT].any()


def test_the_direction_is_shown_at_the_level_for_though_the_size_is_ruled_out_at_the_one_against():
    between = (THREE_LOOKS.accept + THREE_LOOKS.against) / 2
    p = np.ones(1), np.zeros(1), np.full(1, between)
    ends = replicate.through_looks(lambda n, rows: p, 1, (3,), THREE_LOOKS)
    assert ends[Outcome.DIRECTION_ONLY].tolist() == [True]


@pytest.mark.parametrize(
    ("sd", "u", "stated"), [(0.5, 0.3, 1.00), (0.5, 0.6, 0.99), (0.8, 0.3, 0.91), (0.8, 0.6, 0.83)]
)
def test_right_point_is_established_as_often_as_is_stated(sd, u, stated):
    shares = expected(Point(margin=2.0, reason=REASON), digitised(82.0, u), sd, LOOKS, THREE_LOOKS)
    error = np.sqrt(max(stated * (1 - stated), 0.005 * 0.995) / REPLICATIONS)
    assert shares[Outcome.ESTABLISHED] == pytest.approx(stated, abs=0.005 + 3 * error)


RIGHT = {
    "Point": (Point(margin=2.0, reason=REASON), digitised(82.0)),
    "Fraction": (Fraction(margin=0.2, reason=REASON), digitised(0.27, 0.005)),
    "FractionBound": (FractionBound(limit=0.5, side="at most", reason=REASON), 0.3),
    "NoChange": (NoChange(margin=2.0, reason=REASON), 0.6),
    "Ordering": (Ordering(gap=3.5, reason=REASON), 7.0),
    "Ordering, half the gap": (Ordering(gap=3.5, reason=REASON), None),
    "Trend": (Trend(margin=1.0, reason=REASON), (50.0, 60.0, 70.0)),
}


@pytest.mark.parametrize("rule", RIGHT)
def test_outcomes_of_a_rule_add_up_and_shrink_with_the_spread(rule):
    of_shares = rule.startswith("Fraction")
    spreads = (0.001, 0.3) if of_shares else (0.01, 8.0)
    quiet, loud = (expected(*RIGHT[rule], sd, LOOKS, THREE_LOOKS) for sd in spreads)
    assert quiet[Outcome.ESTABLISHED] == 1.0
    assert loud[Outcome.ESTABLISHED] < 0.9
    assert sum(loud.values()) == pytest.approx(1.0)


def test_unequal_sd_of_the_source_lowers_what_can_be_expected():
    known = Published(value=32.0, sd=2.0, replicates=3, reading_error=0.5)
    rule = Point(margin=2.0, reason=REASON)
    wide, narrow = (expected(rule, ref, 0.5, LOOKS, THREE_LOOKS) for ref in (known, replace(known, sd=0.2)))
    assert wide[Outcome.ESTABLISHED] < 0.2 < 0.9 < narrow[Outcome.ESTABLISHED]


def chance(margin, sd, n, alpha):
    """The exact probability that the mean of n normal values around 0 is established to lie within a margin."""
    t = stats.t.ppf(1 - alpha, n - 1) / np.sqrt(n)
    room = stats.chi(n - 1, scale=sd / np.sqrt(n - 1))  # of their standard deviation; beyond margin / t there is none
    return room.expect(lambda s: 2 * stats.norm.cdf((margin - t * s) * np.sqrt(n) / sd) - 1, lb=0, ub=margin / t)


def test_the_published_mean_and_spread_are_redrawn_as_those_of_so_many_replicates():
    """Ours do not spread: what is tested is the published mean, with its own spread."""
    reference = Published(value=32.0, sd=1.0, replicates=3, reading_error=0.0)
    found = expected(Point(margin=4.0, reason=REASON), reference, 1e-3, LOOKS, THREE_LOOKS, 4000)
    # Within four errors of the simulation.
    assert found[Outcome.ESTABLISHED] == pytest.approx(chance(4.0, 1.0, 3, THREE_LOOKS.accept), abs=0.025)


def test_a_difference_of_two_arms_spreads_by_root_two_more_than_one():
    found = expected(NoChange(margin=2.0, reason=REASON), None, 1.0, (5,), THREE_LOOKS, 4000)
    exact = chance(2.0, np.sqrt(2), 5, THREE_LOOKS.accept)
    assert found[Outcome.ESTABLISHED] == pytest.approx(exact, abs=0.03)  # four errors of the simulation


@pytest.mark.parametrize(
    ("rule", "hopeless", "known"),
    [
        # Beyond the margin at the level of a look, and not at that of a single one.
        (
            Point(margin=2.0, reason=REASON),
            Published(value=82.0, sd=1.0, replicates=3, reading_error=0.0),
            digitised(82.0),
        ),
        (Point(margin=2.0, reason=REASON), digitised(82.0, 6.0), digitised(82.0, 0.6)),
        (Fraction(margin=0.02, reason=REASON), digitised(0.27, 0.06), digitised(0.27, 0.006)),
    ],
)
def test_a_reference_whose_own_error_exceeds_the_margin_is_never_expected_to_be_established(rule, hopeless, known):
    sd = 0.5 if isinstance(rule, Point) else 0.005
    never, sometimes = (expected(rule, reference, sd, LOOKS, THREE_LOOKS) for reference in (hopeless, known))
    assert never[Outcome.ESTABLISHED] == 0.0 < sometimes[Outcome.ESTABLISHED]
    assert sum(never.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rule", "reference", "looks"),
    [
        (Exact(reason=REASON), None, LOOKS),
        (Measure(reason=REASON), None, LOOKS),
        (Ordering(gap=0.0, reason=REASON), None, LOOKS),
        (Trend(margin=1.0, reason=REASON), None, LOOKS),
        (Point(margin=1.0, reason=REASON), digitised(82.0), (1,)),
    ],
    ids=["exact", "measure", "no published gap", "no published means", "one seed"],
)
def test_nothing_is_expected_where_nothing_can_be_right(rule, reference, looks):
    assert expected(rule, reference, 0.5, looks, Levels(accept=0.05, against=0.05)) is None


def test_whole_claim_holds_when_all_points_do_and_falls_with_one():
    one = {Outcome.ESTABLISHED: 0.9, Outcome.DIRECTION_ONLY: 0.0, Outcome.RULED_OUT: 0.01, Outcome.UNDECIDED: 0.09}
    whole = expected_whole([one] * 12)
    assert whole[Outcome.ESTABLISHED] == pytest.approx(0.9**12)
    assert whole[Outcome.RULED_OUT] == pytest.approx(1 - 0.99**12)
    assert sum(whole.values()) == pytest.approx(1.0)


def test_whole_claim_shows_its_direction_when_every_point_shows_at_least_that():
    one = {Outcome.ESTABLISHED: 0.5, Outcome.DIRECTION_ONLY: 0.25, Outcome.RULED_OUT: 0.0, Outcome.UNDECIDED: 0.25}
    assert expected_whole([one] * 2)[Outcome.DIRECTION_ONLY] == 0.75**2 - 0.5**2


def test_a_size_that_holds_more_often_is_larger():
    rule = Ordering(gap=0.0, reason=REASON)
    sizes = [smallest(rule, 2, 0.5, (3,), THREE_LOOKS, probability) for probability in (0.5, 0.9, 0.99)]
    assert sizes == sorted(set(sizes))
