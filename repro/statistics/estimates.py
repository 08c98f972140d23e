"""Estimates over seeds: means and differences with Student's t, and the seeds that would decide.

scipy is imported inside the functions that need it: planning must not pay for it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from repro.errors import ClaimError
from repro.statistics.levels import Levels

Interval = tuple[float, float]

MOST_SEEDS = 200  # where the search for "how many more seeds" gives up

Unit = Literal["%", "points", "share", "count", ""]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One value per seed.

    Raises:
        ClaimError: no value, not one seed (and run) per value, or a number that is not finite.
    """

    label: str  # what was measured
    values: tuple[float, ...]  # one for each seed
    seeds: tuple[int, ...]  # in the order of the values
    unit: Unit  # of a value
    step: float  # rounding step of a value, such as 100 / number of test images; floors the standard deviation
    runs: tuple[str, ...] = ()  # key of the run behind each value, several joined by "+"; () where no run is behind
    quantity: str = ""  # what a value is, for the axis of a figure, such as "test accuracy"; "" where nobody says

    def __post_init__(self) -> None:
        if not self.values or len(self.seeds) != len(self.values) or len(self.runs) not in (0, len(self.values)):
            raise ClaimError(
                f"sample {self.label!r} has {len(self.values)} values, {len(self.seeds)} seeds and {len(self.runs)} "
                "runs; allowed is one seed for each value, and one run or none at all."
            )
        if not all(map(math.isfinite, (*self.values, self.step))) or self.step < 0:
            raise ClaimError(
                f"sample {self.label!r} has values {self.values} and step {self.step}; allowed are finite numbers and "
                "a step of at least 0. A measure must return a number for a diverged run too."
            )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean or a difference with its standard error and degrees of freedom."""

    estimate: float
    error: float  # standard error, >= 0
    degrees_of_freedom: float  # 0 when there is one seed and so no interval
    seeds: int  # replicates per arm

    def interval(self, alpha: float) -> Interval:
        """Two one-sided (1 − alpha) bounds, together a (1 − 2·alpha) interval."""
        if not self.degrees_of_freedom:
            return -math.inf, math.inf
        half = self.error * t_quantile(1 - alpha, self.degrees_of_freedom)
        return self.estimate - half, self.estimate + half

    def p_above(self, bound: float) -> float:
        """p-value of the one-sided test that the true value exceeds a bound."""
        return self._p(bound - self.estimate)

    def p_below(self, bound: float) -> float:
        """p-value of the one-sided test that the true value is below a bound."""
        return self._p(self.estimate - bound)

    def _p(self, short: float) -> float:
        if not self.degrees_of_freedom:
            return 1.0
        if not self.error:
            return 0.0 if short < 0 else 1.0
        return _t_cdf(short / self.error, self.degrees_of_freedom)


def mean_of(sample: Sample, seeds: int | None = None) -> Estimate:
    """The mean of a sample; with ``seeds``, as it would be with so many, if mean and spread stayed."""
    n = seeds or len(sample.values)
    error = deviation_of(sample) / math.sqrt(n)
    return Estimate(estimate=_mean(sample.values), error=error, degrees_of_freedom=n - 1, seeds=n)


def deviation_of(sample: Sample) -> float:
    """Standard deviation over seeds, at least that of rounding, step / √12; 0 for one seed."""
    n = len(sample.values)
    if n < 2:
        return 0.0
    mean = _mean(sample.values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in sample.values) / (n - 1))
    return max(spread, sample.step / math.sqrt(12))


def welch(higher: Sample, lower: Sample | float) -> Estimate:
    """The difference of two means without equal variances (Welch 1947), or of a mean and a known number."""
    a = mean_of(higher)
    if isinstance(lower, float | int):
        return replace(a, estimate=a.estimate - lower)
    b = mean_of(lower)
    parts = ((a.error**2, a.degrees_of_freedom), (b.error**2, b.degrees_of_freedom))
    return Estimate(
        estimate=a.estimate - b.estimate,
        error=math.hypot(a.error, b.error),
        degrees_of_freedom=satterthwaite(a.error**2 + b.error**2, parts),
        seeds=min(a.seeds, b.seeds),
    )


def slope(levels: Sequence[Sample]) -> Estimate:
    """The linear contrast Σ (i − ī) · mean of level i, without equal variances (Welch and Satterthwaite)."""
    means, middle = [mean_of(level) for level in levels], (len(levels) - 1) / 2
    weights = [index - middle for index in range(len(levels))]
    parts = [((weight * mean.error) ** 2, mean.degrees_of_freedom) for weight, mean in zip(weights, means, strict=True)]
    variance = math.fsum(part for part, _ in parts)
    return Estimate(
        estimate=math.fsum(weight * mean.estimate for weight, mean in zip(weights, means, strict=True)),
        error=math.sqrt(variance),
        degrees_of_freedom=satterthwaite(variance, parts),
        seeds=min(mean.seeds for mean in means),
    )


def satterthwaite(variance: float, parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a variance from its estimated parts, each with its own; 0 when a part has none.

    What the variance has besides its parts is known, and adds certainty.
    """
    if any(not df for _, df in parts):
        return 0
    spread = sum(part**2 / df for part, df in parts)
    return variance**2 / spread if spread else sum(df for _, df in parts)


def share_a_run(one: Sample, two: Sample) -> bool:
    """Whether some run is behind a value of each: the two are then no independent samples."""
    runs = [{key for joined in sample.runs for key in joined.split("+")} for sample in (one, two)]
    return not runs[0].isdisjoint(runs[1])


def paired_differences(before: Sample, after: Sample) -> Sample:
    """After minus before, seed by seed.

    Raises:
        ClaimError: the two were not measured on the same seeds.
    """
    if before.seeds != after.seeds:
        raise ClaimError(
            f"{before.label!r} and {after.label!r} are compared seed by seed and need the same seeds, not "
            f"{before.seeds} and {after.seeds}."
        )
    values = tuple(b - a for a, b in zip(before.values, after.values, strict=True))
    both = before.runs and after.runs
    return Sample(
        label=f"{after.label} − {before.label}",
        values=values,
        seeds=before.seeds,
        unit="points" if before.unit == "%" else before.unit,
        step=max(before.step, after.step),
        runs=tuple(f"{a}+{b}" for a, b in zip(before.runs, after.runs, strict=True)) if both else (),
    )


def with_seeds(now: Estimate, seeds: int) -> tuple[Estimate, Estimate]:
    """A difference as it would be with more seeds an arm, for and against alike, if estimate and spread stayed."""
    then = Estimate(
        estimate=now.estimate,
        error=now.error * math.sqrt(now.seeds / seeds),
        degrees_of_freedom=now.degrees_of_freedom * (seeds - 1) / (now.seeds - 1),
        seeds=seeds,
    )
    return then, then


def seeds_to_decide(
    now: int,
    later: Callable[[int], tuple[Estimate, Estimate]],
    levels: Levels,
    inside: Interval,
    *,
    only_against: bool = False,
) -> int | None:
    """Seeds per arm, more than ``now``, with which an estimate would lie inside or outside a range.

    ``later`` says what the estimate would be with that many seeds, as it counts for the range and against it, or
    ``only_against`` it. None when MOST_SEEDS would not do, or when there is no spread to go by.
    """
    if now < 2:
        return None
    for seeds in range(now + 1, MOST_SEEDS + 1):
        inner, outer = later(seeds)
        if not only_against and max(inner.p_above(inside[0]), inner.p_below(inside[1])) < levels.accept:
            return seeds
        if min(outer.p_below(inside[0]), outer.p_above(inside[1])) < levels.against:
            return seeds
    return None


def seeds_for_trend(p_rise: float, drops: Sequence[Estimate], levels: Levels, margin: float) -> int | None:
    """Seeds a level with which a trend would be decided, if means and spread stayed as they are.

    A Jonckheere–Terpstra statistic grows with the square root of the number of seeds.
    """
    from scipy.special import ndtri

    now = min(drop.seeds for drop in drops)
    alpha = levels.accept
    if now < 2 or p_rise >= 0.5:
        return None
    for_trend = math.ceil(now * (ndtri(1 - alpha) / ndtri(1 - p_rise)) ** 2) if p_rise > alpha else now
    needed = [for_trend]
    for drop in drops:
        if not drop.p_below(margin) < alpha:
            seeds = seeds_to_decide(drop.seeds, partial(with_seeds, drop), levels, (-math.inf, margin))
            if seeds is None:
                return None
            needed.append(seeds)
    seeds = max(needed)
    return seeds if now < seeds <= MOST_SEEDS else None


def t_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, probability))


def _t_cdf(value: float, degrees_of_freedom: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(degrees_of_freedom, value))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
