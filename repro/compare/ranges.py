"""The rules that a mean lies within a range: around a published value, or around no change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from repro.compare.finding import Finding, Outcome, amount, at_margins, decided, unit_of_difference, where
from repro.compare.published import ASSUMED, Published, mean_against, own_error, undecidable
from repro.compare.shares import NEAR, as_angle, as_angles, edge, share
from repro.errors import ClaimError
from repro.statistics import (
    COVERAGE,
    Estimate,
    Levels,
    Sample,
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
            ClaimError: the reference or a value of the sample is no share.
        """
        if not all(0 <= value <= 1 for value in sample.values):
            raise ClaimError(f"sample {sample.label!r} has values {sample.values}; allowed are shares in [0, 1].")
        if not 0 <= reference.value <= 1:
            raise ClaimError(f"the reference of {sample.label!r} is {reference.value}; allowed is a share in [0, 1].")
        at_an_end = not NEAR <= reference.value <= 1 - NEAR
        return _near(sample, reference, self.margin, levels, ANGLES if at_an_end else LINEAR)


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


ANGLES = _Scale(
    sample=as_angles,
    published=as_angle,
    edge=edge,
    back=share,
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

    def later(seeds: int) -> tuple[Estimate, Estimate]:
        turned = scale.sample(sample)
        return mean_against(turned, published, seeds), mean_against(turned, published, seeds, cautious=True)

    now, cautious = later(len(sample.values))
    # More spread of ours brings more degrees of freedom, and might establish what seeds that agree do not.
    never = bool(undecidable(reference, margin, levels.accept))
    flips = prediction = consistent = None
    if now.degrees_of_freedom:
        low, high = (scale.back(end) for end in cautious.interval(levels.against))
        farthest = max(abs(scale.back(end) - value) for end in now.interval(levels.accept))
        if never and farthest < margin:  # established by its interval alone
            farthest = own_error(reference, levels.accept)
        flips = max(0.0, low - value, value - high), farthest
    if now.degrees_of_freedom and (reference.sd != 0 or reference.reading_error):
        half = now.error * t_quantile(CONSISTENT, now.degrees_of_freedom)
        consistent = abs(now.estimate - published.value) <= half
        prediction = scale.back(published.value - half), scale.back(published.value + half)
    edges = scale.edge(value - margin), scale.edge(value + margin)
    p_for = max(now.p_above(edges[0]), now.p_below(edges[1]))
    p_against = min(1.0, cautious.p_below(edges[0]), cautious.p_above(edges[1]))
    outcome = decided(p_for, p_against, levels)
    if never and outcome is Outcome.ESTABLISHED:
        outcome = Outcome.UNDECIDED
    inside, interval = (value - margin, value + margin), None
    if now.degrees_of_freedom:
        low, high = now.interval(levels.accept)
        interval = scale.back(low), scale.back(high)
    mean = mean_of(sample).estimate
    own = ", the reference's own error included" if prediction else ""
    return Finding(
        label=sample.label,
        expected=f"{amount(value, unit)} ± {amount(margin, unit_of_difference(unit))}",
        measured=amount(mean, unit),
        outcome=outcome,
        why=f"{sample.label}: {amount(mean, unit)}; {where(interval, inside, unit, outcome, own + scale.words)}.",
        would_change=at_margins(flips),
        samples=(sample,) if shown is None else shown,
        estimate=mean,
        interval=interval,
        interval_level=COVERAGE,
        degrees_of_freedom=now.degrees_of_freedom or None,
        unit=unit,
        criterion=inside,
        reference=value,
        assumption=ASSUMED if reference.sd is None else "",
        prediction=prediction,
        consistent=consistent,
        p_for=p_for,
        p_against=p_against,
        flips=flips,
        more_seeds=seeds_to_decide(now.seeds, later, levels, edges, only_against=never)
        if outcome is Outcome.UNDECIDED
        else None,
    )
