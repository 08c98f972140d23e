"""The largest error rates of every rule at its margin, through the looks, as the Markdown table of claims/RULES.md.

Every truth lies exactly on the edge of its rule: it may be accepted in 5 % and rejected in 5 % of reports. "before" are
the rules of the first edition: references without error, one level for and against, one spread for all levels of a
trend, t-intervals for shares. Accepted: of the point on the edge. Rejected: of a claim with all its points there.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from repro.compare import Levels, Outcome
from repro.compare.shares import NEAR
from repro.planning import replicate
from repro.statistics import against_level, exact_tail, nominal_alpha

LOOKS = (3, 5, 8)
GRIDS = (1, 7, 12)
SPREADS = (0.3, 0.5, 0.8)
SEEDS = max(LOOKS)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A truth on the edge of a rule, drawn many times."""

    rule: str
    what: str
    draw: Callable[[np.random.Generator, int], tuple]  # replications -> what is measured and published
    after: Callable[..., replicate.Tests]  # (seeds, *drawn) -> the tests of the rule
    before: Callable[..., replicate.Tests]


def rates(truth, points, replications, seed=0, edition="after"):
    """Shares of reports in which the truth is accepted, and in which a claim of so many such points is rejected."""
    alpha = nominal_alpha(LOOKS)
    against = against_level(LOOKS, points=points) if edition == "after" else alpha
    drawn = truth.draw(np.random.default_rng(seed), replications * points)
    test = getattr(truth, edition)
    ends = replicate.through_looks(
        lambda n, rows: test(n, *(part if part is None else part[rows] for part in drawn)),
        replications * points,
        LOOKS,
        Levels(accept=alpha, against=against),
    )
    out = ends[Outcome.RULED_OUT] | ends[Outcome.DIRECTION_ONLY]
    return ends[Outcome.ESTABLISHED].mean(), out.reshape(replications, points).any(1).mean()


def published_point(sd, u, known_sd, side=1, margin=2.0):
    def draw(rng, count):
        theirs = rng.normal(0, sd, (count, 5))
        values, read = rng.normal(side * margin, sd, (count, SEEDS)), rng.uniform(-u, u, count)
        return values, theirs.mean(1) + read, theirs.std(1, ddof=1) if known_sd else None

    return Truth(
        rule="Point",
        what=f"sd {sd}, reading error {u}, published sd {'known' if known_sd else 'unknown'}",
        draw=draw,
        after=lambda n, values, value, sds: replicate.point(values[:, :n], value, sds, 5, u, margin),
        before=lambda n, values, value, sds: known_point(values[:, :n], value, margin),
    )


def known_point(values, value, margin):
    return replicate.point(values, value, np.zeros(len(values)), 1, 0.0, margin)


def no_change(sd):
    def test(n, differences):
        return replicate.no_change(differences[:, :n], 0.6, 2.0)

    return Truth(
        rule="NoChange",
        what=f"sd {sd} of a difference, centre 0.6",
        draw=lambda rng, count: (rng.normal(2.6, sd, (count, SEEDS)),),
        after=test,
        before=test,
    )


def ordering(one, two, gap):
    def test(n, higher, lower):
        return replicate.ordering(higher[:, :n], lower[:, :n], gap)

    return Truth(
        rule="Ordering",
        what=f"sd {one} and {two}, gap {gap}",
        draw=lambda rng, count: (rng.normal(gap, one, (count, SEEDS)), rng.normal(0, two, (count, SEEDS))),
        after=test,
        before=test,
    )


def trend(means, spreads, margin=1.0):
    return Truth(
        rule="Trend",
        what=f"means {', '.join(map(str, means))}, sd {', '.join(map(str, spreads))}",
        draw=lambda rng, count: (
            np.array(means)[:, None] + np.array(spreads)[:, None] * rng.normal(size=(count, len(means), SEEDS)),
        ),
        after=lambda n, levels: replicate.trend(levels[:, :, :n], margin),
        before=lambda n, levels: pooled_trend(levels[:, :, :n], margin),
    )


def pooled_trend(levels, margin):
    """The first edition: one standard deviation for all levels."""
    count, n = levels.shape[1:]
    tail, df = exact_tail((n,) * count), count * (n - 1)
    pairs = sum(
        (levels[:, high, None, :] > levels[:, low, :, None]).sum((1, 2)) for high in range(count) for low in range(high)
    )
    error = np.sqrt(levels.var(2, ddof=1).mean(1) * 2 / n)
    below = stats.t.cdf((-np.diff(levels.mean(2), axis=1).T - margin) / error, df)
    p_against = count * np.minimum(tail[len(tail) - 1 - pairs], (1 - below).min(0))
    return np.maximum(tail[pairs], below.max(0)), p_against, np.ones(len(levels))


def shares(kind, mean, ratio):
    """Shares with this mean and this standard deviation in units of the mean."""

    def draw(rng, count):
        if kind == "exponential":
            return np.minimum(1, rng.exponential(mean, (count, SEEDS)))
        return replicate.shares(rng, mean, ratio * mean, (count, SEEDS))

    return draw


def bound(kind, limit, ratio):
    return Truth(
        rule="FractionBound",
        what=f"{kind} shares, mean {limit} = the limit, sd {ratio} of it",
        draw=lambda rng, count: (shares(kind, limit, ratio)(rng, count),),
        after=lambda n, values: replicate.share_bound(values[:, :n], limit, True),
        before=lambda n, values: known_point(values[:, :n], np.zeros(len(values)), limit),
    )


def fraction(reference, margin, sd):
    def draw(rng, count):
        values, theirs = (replicate.shares(rng, mean, sd, (count, SEEDS)) for mean in (reference + margin, reference))
        return values, theirs[:, :5].mean(1)

    return Truth(
        rule="Fraction",
        what=f"Beta shares of mean {reference + margin:.3g}, {reference:.3g} ± {abs(margin):.3g}, sd {sd}",
        draw=draw,
        after=lambda n, values, value: replicate.share(values[:, :n], value, None, 5, 0.0, abs(margin), NEAR),
        before=lambda n, values, value: known_point(values[:, :n], value, abs(margin)),
    )


TRUTHS = (
    *(published_point(sd, u, known) for sd in SPREADS for u in (0.3, 0.6) for known in (True, False)),
    *(no_change(sd) for sd in SPREADS),
    *(ordering(one, two, gap) for one, two in ((0.3, 0.3), (0.5, 0.5), (0.8, 0.8), (0.3, 0.8)) for gap in (0.0, 3.5)),
    *(
        trend((50.0, 60.0, 59.0), spreads)
        for spreads in ((0.3,) * 3, (0.5,) * 3, (0.8,) * 3, (0.3, 0.8, 0.8), (0.3, 0.3, 0.8))
    ),
    trend((50.0, 60.0, 59.0, 70.0, 71.0, 72.0, 73.0), (0.3, 0.8, 0.8, 0.3, 0.3, 0.3, 0.3)),
    trend((50.0, 50.0, 50.0), (0.3, 0.3, 0.3)),
    trend((50.0,) * 4, (0.3, 0.1, 0.1, 0.3)),
    trend((50.0,) * 6, (0.3, 0.1, 0.1, 0.1, 0.1, 0.3)),
    trend((50.0,) * 12, (0.3, 0.3, *(0.1,) * 10)),
    *(bound("Beta", limit, ratio) for limit in (0.05, 0.11) for ratio in (0.2, 0.5, 1.0)),
    bound("exponential", 0.05, 1.0),
    *(fraction(reference, margin, sd) for reference, margin in ((0.27, 0.02), (1 / 3, 1 / 12)) for sd in (0.005, 0.02)),
)


def beyond(rule, what, draw, test):
    return Truth(rule=rule, what=what, draw=draw, after=test, before=test)


def arms(what, draw):
    """Arms of equal means, higher and lower."""
    return beyond("Ordering", what, draw, lambda n, above, below: replicate.ordering(above[:, :n], below[:, :n], 0.0))


def two_arms(what, higher, lower):
    """Each drawn by a function of a generator and a shape."""
    return arms(what, lambda rng, count: (higher(rng, (count, SEEDS)), lower(rng, (count, SEEDS))))


def drops(what, draw):
    """Differences by seed whose mean is the margin, one point."""
    return beyond(
        "NoChange",
        what,
        lambda rng, count: (draw(rng, (count, SEEDS)),),
        lambda n, values: replicate.no_change(values[:, :n], 0.0, 1.0),
    )


def tight(mean, sd):
    return lambda rng, shape: rng.normal(mean, sd, shape)


def beta(mean, sd):
    return lambda rng, shape: replicate.shares(rng, mean, sd, shape)


def rarely(often, seldom, probability, sd):
    """Most seeds at one value, a rare one at another."""
    return lambda rng, shape: np.where(rng.random(shape) < probability, seldom, often) + rng.normal(0, sd, shape)


def opposed(rng, count):
    """Arms that the seed moves against each other, at a correlation of −0.5."""
    one, two = rng.normal(size=(2, count, SEEDS))
    return 0.5 * one, 0.5 * (-0.5 * one + np.sqrt(0.75) * two)


def around_digitised(rng, count):
    """A change at the margin around a difference of two means of five runs, each read to ± 0.6."""
    theirs = np.diff(rng.normal(0, 0.5, (2, count, 5)).mean(2) + rng.uniform(-0.6, 0.6, (2, count)), axis=0)[0]
    return rng.normal(2.0, 0.5, (count, SEEDS)), theirs


def wider_theirs(rng, count):
    theirs = rng.normal(0, 1.0, (count, 5)).mean(1) + rng.uniform(-0.3, 0.3, count)
    return rng.normal(2.0, 0.3, (count, SEEDS)), theirs


def narrow_theirs(rng, count):
    theirs = rng.normal(0, 0.05, (count, 3))
    read = rng.uniform(-0.3, 0.3, count)
    return rng.normal(2.0, 1.0, (count, SEEDS)), theirs.mean(1) + read, theirs.std(1, ddof=1)


def a_skewed_level(way):
    """Seven rising levels but for one drop of a point, from a level whose values are exponential one way."""

    def draw(rng, count):
        levels = np.array([0.0, 3, 6, 5, 9, 12, 15])[:, None] + rng.normal(0, 0.05, (count, 7, SEEDS))
        spread = rng.exponential(1.0, (count, SEEDS)) - 1
        levels[:, 2] = 6 + (spread if way == "upwards" else -spread)
        return (levels,)

    return draw


# Truths on the edge for which the 5 % are not claimed: what a rule assumes does not hold.
BEYOND = (
    two_arms("lower arm of Beta shares, mean 0.02, sd as large; the other tight", tight(0.02, 5e-4), beta(0.02, 0.02)),
    two_arms("the same, sd half the mean", tight(0.02, 5e-4), beta(0.02, 0.01)),
    two_arms("higher arm of Beta shares, mean 0.02, sd as large; the other tight", beta(0.02, 0.02), tight(0.02, 5e-4)),
    two_arms("one seed in ten of the higher arm ends 10 points lower", rarely(30, 20, 0.1, 0.3), tight(29, 0.3)),
    two_arms("spreads of 0.1 and 2.0", tight(0, 0.1), tight(0, 2.0)),
    arms("arms of the same seed at a correlation of −0.5", opposed),
    drops("exponential losses, mean 1", lambda rng, shape: -rng.exponential(1.0, shape)),
    drops("gamma losses, shape 4, mean 1", lambda rng, shape: -rng.gamma(4, 0.25, shape)),
    drops("one seed in five loses 5 points", rarely(0, -5, 0.2, 0.1)),
    beyond(
        "NoChange",
        "around a difference of two means of 5, each read to ± 0.6, sd 0.5, margin 2",
        around_digitised,
        lambda n, values, centre: known_point(values[:, :n], centre, 2.0),
    ),
    *(
        beyond(
            "Trend",
            f"seven levels, a drop at the margin from one that is exponential {way} to a tight one",
            a_skewed_level(way),
            lambda n, levels: replicate.trend(levels[:, :, :n], 1.0),
        )
        for way in ("upwards", "downwards")
    ),
    beyond(
        "Point",
        "published sd unknown and 1.0, ours 0.3, read to ± 0.3",
        wider_theirs,
        lambda n, values, value: replicate.point(values[:, :n], value, None, 5, 0.3, 2.0),
    ),
    beyond(
        "Point",
        "sd 1.0, published 0.05 over three runs, read to ± 0.3",
        narrow_theirs,
        lambda n, values, value, sds: replicate.point(values[:, :n], value, sds, 3, 0.3, 2.0),
    ),
    fraction(0.03, -0.02, 0.01),
    fraction(0.03, -0.02, 0.02),
    beyond(
        "FractionBound",
        "lognormal shares, σ 1, mean 0.05 = the limit",
        lambda rng, count: (np.minimum(1, rng.lognormal(np.log(0.05) - 0.5, 1.0, (count, SEEDS))),),
        lambda n, values: replicate.share_bound(values[:, :n], 0.05, True),
    ),
)


def tell_beyond(replications):
    """A row for each truth of BEYOND."""
    print(f"| rule | truth on the edge | accepted | rejected, 1 point | 12 points |\n{'|---' * 5}|")
    for truth in BEYOND:
        accepted, one = rates(truth, 1, replications)
        twelve = rates(truth, 12, replications // 12)[1]
        print(f"| {truth.rule} | {truth.what} | {' | '.join(f'{100 * x:.1f} %' for x in (accepted, one, twelve))} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=20_000, help="reports per row (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="a row for each truth, not only the largest rates of a rule")
    parser.add_argument("--beyond", action="store_true", help="the truths that break what the rules assume, instead")
    arguments = parser.parse_args()
    if arguments.beyond:
        tell_beyond(arguments.replications)
        return
    columns = "points | accepted, before | after | rejected, before | after |"
    print(f"| rule | {'truth on the edge' if arguments.all else 'truths on the edge'} | {columns}\n{'|---' * 7}|")
    for rule in dict.fromkeys(truth.rule for truth in TRUTHS):
        own = [truth for truth in TRUTHS if truth.rule == rule]
        for points in GRIDS:
            found = {truth.what: rates_of_both(truth, points, arguments.replications // points) for truth in own}
            if not arguments.all:
                found = {str(len(own)): [max(column) for column in zip(*found.values(), strict=True)]}
            for what, shares in found.items():
                print(
                    f"| {rule} | {what} | {points} | {' | '.join(f'{100 * one:.1f} %' for one in shares)} |", flush=True
                )


def rates_of_both(truth, points, replications):
    """Accepted before and after, rejected before and after."""
    before, after = (rates(truth, points, replications, edition=edition) for edition in ("before", "after"))
    return [rate for pair in zip(before, after, strict=True) for rate in pair]


if __name__ == "__main__":
    main()
