"""The rules that a mean lies within a range: around a published value, around no change, below or above a limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from repro.compare.finding import Finding, Outcome, amount, between, decided
from repro.compare.published import ASSUMED, Published, mean_against
from repro.compare.shares import NEAR, as_angle, as_angles, mean_angle, mean_share
from repro.errors import ClaimError
from repro.statistics import (
    COVERAGE,
    Estimate,
    Interval,
    Levels,
    Sample,
    deviation_of,
    finite,
    mean_of,
    paired_differences,
    seeds_to_decide,
    t_quantile,
)

CONSISTENT = 0.975  # quantile of the prediction interval


@dataclass(frozen=True, kw_only=True)
class Point:
    """P: two one-sided t-tests of a mean against a published value ± margin (Schuirmann 1987).

    Raises:
        ClaimError: the margin is not a finite number above 0.
    """

    kind: ClassVar[str] = "P"
    name: ClassVar[str] = "Point"
    margin: float  # in the unit of the sample, > 0
    reason: str

    def __post_init__(self) -> None:
        finite("margin", self.margin, above=0)

    def compare(self, *, levels: Levels, sample: Sample, reference: Published) -> Finding:
        """ESTABLISHED when the interval lies inside value ± margin, RULED_OUT when wholly outside.

        The interval has the reference's own error in it. It is at ``levels.accept`` for, at ``levels.against`` against.
        """
        return _near(sample, reference, self.margin, levels, LINEAR)


@dataclass(frozen=True, kw_only=True)
class Fraction:
    """F: one share per seed, then as P; near 0 and 1 on the arcsine-square-root scale.

    Raises:
        ClaimError: the margin is not between 0 and 1.
    """

    kind: ClassVar[str] = "F"
    name: ClassVar[str] = "Fraction"
    margin: float  # a share in (0, 1)
    reason: str

    def __post_init__(self) -> None:
        finite("margin", self.margin, above=0)
        if self.margin >= 1:
            raise ClaimError(f"margin is {self.margin}; allowed is a share between 0 and 1.")

    def compare(self, *, levels: Levels, sample: Sample, reference: Published) -> Finding:
        """As ``Point.compare``.

        Raises:
            ClaimError: the reference is no share.
        """
        if not 0 <= reference.value <= 1:
            raise ClaimError(f"the reference of {sample.label!r} is {reference.value}; allowed is a share in [0, 1].")
        at_an_end = not NEAR <= reference.value <= 1 - NEAR
        return _near(sample, reference, self.margin, levels, _angles(sample) if at_an_end else LINEAR)


@dataclass(frozen=True, kw_only=True)
class FractionBound:
    """F, one-sided: a mean share is at most, or at least, a limit ("few", "near 0", "100 %").

    Always on the arcsine-square-root scale, as such claims are about an end of it.

    Raises:
        ClaimError: the limit is not a share between 0 and 1, or the side is no side.
    """

    kind: ClassVar[str] = "F"
    name: ClassVar[str] = "FractionBound"
    limit: float  # a share in (0, 1)
    side: Literal["at most", "at least"]
    reason: str

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise ClaimError(f"limit is {self.limit}; allowed is a share between 0 and 1, both excluded.")
        if self.side not in ("at most", "at least"):
            raise ClaimError(f'side is {self.side!r}; allowed are "at most" and "at least".')

    def compare(self, *, levels: Levels, sample: Sample) -> Finding:
        """ESTABLISHED when the interval lies on its side of the limit, RULED_OUT when on the other."""
        inside = (0.0, self.limit) if self.side == "at most" else (self.limit, 1.0)
        scale = _angles(sample)
        return _finding(
            sample=sample,
            shown=(sample,),
            expected=f"{self.side} {amount(self.limit, sample.unit)}",
            inside=inside,
            later=lambda seeds: mean_of(scale.sample(sample), seeds),
            scale=scale,
            levels=levels,
            flips=None,
        )


@dataclass(frozen=True, kw_only=True)
class NoChange:
    """N: two one-sided t-tests of the mean paired difference against ±margin, around the source's own change.

    Raises:
        ClaimError: the margin is not a finite number above 0.
    """

    kind: ClassVar[str] = "N"
    name: ClassVar[str] = "NoChange"
    margin: float
    reason: str

    def __post_init__(self) -> None:
        finite("margin", self.margin, above=0)

    def compare(self, *, levels: Levels, before: Sample, after: Sample, centre: float = 0.0) -> Finding:
        """As ``Point.compare``, over the differences after − before of each seed.

        ``centre`` is the change that the source itself prints: the margin is around it.
        """
        finite("centre", centre)
        sample = paired_differences(before, after)
        known = Published(value=centre, sd=0.0, replicates=1, reading_error=0.0)
        return _near(sample, known, self.margin, levels, LINEAR, (before, after))


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """The scale that a test is made on: there and back."""

    sample: Callable[[Sample], Sample]
    published: Callable[[Published], Published]
    edge: Callable[[float], float]  # an end of the criterion, on the scale of the test
    back: Callable[[float], float]  # an end of the interval, as it is shown
    words: str


def _same(value: float) -> float:
    return value


LINEAR = _Scale(sample=lambda sample: sample, published=lambda value: value, edge=_same, back=_same, words="")


def _angles(sample: Sample) -> _Scale:
    s = deviation_of(as_angles(sample))
    return _Scale(
        sample=as_angles,
        published=as_angle,
        edge=lambda share: mean_angle(share, s),
        back=lambda value: mean_share(value, s),
        words=", taken on the arcsine-square-root scale",
    )


def _near(
    sample: Sample,
    reference: Published,
    margin: float,
    levels: Levels,
    scale: _Scale,
    shown: tuple[Sample, ...] | None = None,
) -> Finding:
    value, unit = reference.value, sample.unit
    published = scale.published(reference)

    def later(seeds: int) -> Estimate:
        return mean_against(scale.sample(sample), published, seeds)

    now = later(len(sample.values))
    low, high = (scale.back(end) for end in now.interval(levels.against))
    farthest = max(abs(scale.back(end) - value) for end in now.interval(levels.accept))
    prediction = consistent = None
    if now.degrees_of_freedom and (reference.sd != 0 or reference.reading_error):
        half = now.error * t_quantile(CONSISTENT, now.degrees_of_freedom)
        consistent = abs(now.estimate - published.value) <= half
        prediction = scale.back(published.value - half), scale.back(published.value + half)
    return _finding(
        sample=sample,
        shown=(sample,) if shown is None else shown,
        expected=f"{amount(value, unit)} ± {amount(margin, unit)}",
        inside=(value - margin, value + margin),
        later=later,
        scale=scale,
        levels=levels,
        flips=(max(0.0, low - value, value - high), farthest) if now.degrees_of_freedom else None,
        reference=value,
        assumption=ASSUMED if reference.sd is None else "",
        prediction=prediction,
        consistent=consistent,
    )


def _finding(
    *,
    sample: Sample,
    shown: tuple[Sample, ...],
    expected: str,
    inside: Interval,
    later: Callable[[int], Estimate],
    scale: _Scale,
    levels: Levels,
    flips: tuple[float, float] | None,
    reference: float | None = None,
    assumption: str = "",
    prediction: Interval | None = None,
    consistent: bool | None = None,
) -> Finding:
    unit, now, mean = sample.unit, later(len(sample.values)), mean_of(sample).estimate
    edges = scale.edge(inside[0]), scale.edge(inside[1])
    p_for = max(now.p_above(edges[0]), now.p_below(edges[1]))
    p_against = min(1.0, now.p_below(edges[0]), now.p_above(edges[1]))
    outcome = decided(p_for, p_against, levels)
    low, high = (scale.back(end) for end in now.interval(levels.accept))
    interval = (low, high) if now.degrees_of_freedom else None
    if outcome is Outcome.UNDECIDED and p_against < levels.accept:
        words = "lies outside, but not at the level at which the whole claim would fall:"
    else:
        words = {
            Outcome.ESTABLISHED: "lies inside",
            Outcome.RULED_OUT: "lies wholly outside",
            Outcome.UNDECIDED: "lies across the edge of",
        }[outcome]
    own = ", the reference's own error included" if prediction else ""
    return Finding(
        label=sample.label,
        expected=expected,
        measured=amount(mean, unit),
        outcome=outcome,
        why=f"{sample.label} is {amount(mean, unit)}; its interval {between(*interval or now.interval(0.05), unit)}, "
        f"{100 * COVERAGE:g} % over all looks{own}{scale.words}, {words} {between(*inside, unit)}.",
        would_change=_would_change(inside, interval, flips, [scale.back(end) for end in now.interval(levels.against)]),
        samples=shown,
        estimate=mean,
        interval=interval,
        interval_level=COVERAGE,
        degrees_of_freedom=now.degrees_of_freedom or None,
        unit=unit,
        criterion=inside,
        reference=reference,
        assumption=assumption,
        prediction=prediction,
        consistent=consistent,
        p_for=p_for,
        p_against=p_against,
        flips=flips,
        more_seeds=seeds_to_decide(len(sample.values), later, levels, edges) if outcome is Outcome.UNDECIDED else None,
    )


def _would_change(
    inside: Interval, interval: Interval | None, flips: tuple[float, float] | None, against: Sequence[float]
) -> str:
    if interval is None:
        return "A second seed: one seed gives no interval."
    if flips is None:  # one limit
        at_most = inside[0] == 0
        edge, out = (interval[1], against[0]) if at_most else (interval[0], against[1])
        sides = ("above", "below") if at_most else ("below", "above")
        return f"It is established at any limit {sides[0]} {edge:.3g}, and ruled out at any limit {sides[1]} {out:.3g}."
    text = f"It is established at any margin above {flips[1]:.3g}"
    return f"{text}, and {f'ruled out at margins below {flips[0]:.3g}' if flips[0] else 'no margin rules it out'}."
