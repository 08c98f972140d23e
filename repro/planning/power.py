"""The probability of each outcome when the source is right, through the looks, at a stated spread over seeds."""

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

from repro.compare.bounds import FractionBound
from repro.compare.finding import Outcome
from repro.compare.ordering import Ordering
from repro.compare.published import Published, undecidable
from repro.compare.ranges import Fraction, NoChange, Point
from repro.compare.shares import NEAR
from repro.compare.trend import Trend
from repro.errors import ClaimError
from repro.statistics import Levels

if TYPE_CHECKING:
    from repro.compare import Rule

REPLICATIONS = 20_000  # a simulation error of 0.004; a claim of many points, whose product it enters, has up to 0.02
ROUGH = 500  # enough to find a size to a tenth of the spread
FIRST, MOST = 16, 128  # tenths of the spread: the first and the largest size that is tried, the one doubled to another
# What the source gives: a value, a size (gap, change, share), or the means of a trend's levels; None if nothing.
Truth = Published | float | tuple[float, ...] | None


@cache
def expected(
    rule: "Rule",
    reference: Truth,
    sd: float,
    looks: tuple[int, ...],
    levels: Levels,
    replications: int = REPLICATIONS,
) -> Mapping[Outcome, float] | None:
    """The probability of each outcome of one finding if the source is right and seeds spread with ``sd``.

    ``sd`` is that of one arm, in the unit of the sample; arms are taken as independent, so that a paired difference has
    √2 of it. ``reference``: the published value of a Point or Fraction, the share of a FractionBound, the published gap
    of an Ordering (None: twice the rule's, which is half of it), the published change of a NoChange (None: 0), the
    published means of a Trend, in rising order. A published value is redrawn with its own error, a reading error
    uniformly. None if there is nothing to be right about: a rule without statistics, a look at one seed, or a size
    that no source gives.
    The simulation has a fixed seed.
    """
    import numpy as np

    from repro.planning import replicate

    if min(looks) < 2:
        return None
    rng, shape = np.random.default_rng(0), (replications, max(looks))
    match rule, reference:
        case (
            (Point(margin=margin) | Fraction(margin=margin)),
            Published(replicates=count, reading_error=u, value=value),
        ):
            theirs = sd if reference.sd is None else reference.sd
            draw = replicate.shares if isinstance(rule, Fraction) else replicate.normal
            values, own = draw(rng, value, sd, shape), draw(rng, value, theirs, (replications, count))
            published = own.mean(1) + rng.uniform(-u, u, replications)
            spread = None if reference.sd is None else own.std(1, ddof=1) if count > 1 else np.zeros(replications)
            never = bool(undecidable(reference, margin, levels.accept))

            def test(n: int, rows: replicate.Rows) -> replicate.Tests:
                drawn, sds = published[rows], None if spread is None else spread[rows]
                if isinstance(rule, Fraction):
                    found = replicate.share(values[rows, :n], drawn, sds, count, u, margin, NEAR, levels)
                else:
                    found = replicate.point(values[rows, :n], drawn, sds, count, u, margin, levels)
                return (np.ones_like(found[0]), *found[1:]) if never else found

        case FractionBound(limit=limit, side=side), (float() | int()) as size:
            values = replicate.shares(rng, size, sd, shape)

            def test(n: int, rows: replicate.Rows) -> replicate.Tests:
                return replicate.share_bound(values[rows, :n], limit, side == "at most", levels)

        case NoChange(margin=margin), (float() | int() | None) as size:
            centre = size or 0.0
            values = rng.normal(centre, sd * np.sqrt(2), shape)

            def test(n: int, rows: replicate.Rows) -> replicate.Tests:
                return replicate.no_change(values[rows, :n], centre, margin, levels)

        case Ordering(gap=gap), (float() | int() | None) as size if size or gap:
            higher, lower = rng.normal(size or 2 * gap, sd, shape), rng.normal(0, sd, shape)

            def test(n: int, rows: replicate.Rows) -> replicate.Tests:
                return replicate.ordering(higher[rows, :n], lower[rows, :n], gap, levels)

        case Trend(margin=margin), tuple() as means:
            rising = np.array(means)[None, :, None] + rng.normal(0, sd, (replications, len(means), max(looks)))

            def test(n: int, rows: replicate.Rows) -> replicate.Tests:
                return replicate.trend(rising[rows, :, :n], margin)

        case _:
            return None
    ends = replicate.through_looks(test, replications, looks, levels)
    return MappingProxyType({outcome: float(hits.mean()) for outcome, hits in ends.items()})


@cache
def smallest(
    rule: "Rule", groups: int, sd: float, looks: tuple[int, ...], levels: Levels, probability: float
) -> float | None:
    """The smallest difference (Ordering) or even step (Trend over ``groups``) that holds with a probability.

    To a tenth of ``sd``; None if no difference does, as with two groups of three seeds, whose trend has p ≥ 1/20.

    Raises:
        ClaimError: the rule is neither.
    """
    import numpy as np

    from repro.planning import replicate

    if min(looks) < 2:
        return None
    rng, seeds = np.random.default_rng(0), max(looks)
    match rule:  # the numbers that `expected` draws
        case Ordering(gap=gap):
            higher, lower = rng.normal(0, sd, (2, ROUGH, seeds))
            test = replicate.rising(np.stack([lower, higher], 1), looks, -gap, ranked=False, levels=levels)
        case Trend(margin=margin):
            noise = rng.normal(0, sd, (ROUGH, groups, seeds))
            test = replicate.rising(noise, looks, margin, ranked=True, levels=levels)
        case _:
            raise ClaimError(f"{rule.name} has no size to search for; only Ordering and Trend have one.")

    def holds(tenths: int) -> bool:
        ends = replicate.through_looks(test(tenths * sd / 10), ROUGH, looks, levels)
        return bool(ends[Outcome.ESTABLISHED].mean() >= probability)

    none, enough = 0, FIRST
    while not holds(enough):
        if enough == MOST:
            return None
        none, enough = enough, 2 * enough
    while enough - none > 1:
        middle = (none + enough) // 2
        none, enough = (none, middle) if holds(middle) else (middle, enough)
    return enough * sd / 10


def expected_whole(points: Sequence[Mapping[Outcome, float]]) -> Mapping[Outcome, float]:
    """The probability of each outcome of a claim from those of its points, taken as independent.

    Established when every point is; ruled out when one is; the direction alone when every point shows at least that.
    """
    all_hold = prod(point[Outcome.ESTABLISHED] for point in points)
    directed = prod(point[Outcome.ESTABLISHED] + point[Outcome.DIRECTION_ONLY] for point in points) - all_hold
    out = 1 - prod(1 - point[Outcome.RULED_OUT] for point in points)
    return {
        Outcome.ESTABLISHED: all_hold,
        Outcome.DIRECTION_ONLY: directed,
        Outcome.RULED_OUT: out,
        Outcome.UNDECIDED: max(0.0, 1 - all_hold - directed - out),
    }
