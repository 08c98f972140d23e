"""Estimates over seeds: Student's t throughout, Jonckheere–Terpstra by permutation.

scipy is imported inside the functions that need it: planning must not pay for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

EXACT_UP_TO = 20_000  # arrangements that the permutation test enumerates; above, as many are drawn
MOST_SEEDS = 200  # where the search for "how many more seeds" gives up


Unit = Literal["%", "points", "share", "count", ""]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One value per seed."""

    label: str
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    unit: Unit
    step: float  # rounding step of a value, such as 100 / number of test images; floors the standard deviation


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean or a difference with its standard error and degrees of freedom."""

    estimate: float
    error: float  # standard error, >= 0
    freedom: float  # degrees of freedom; 0 when there is one seed and so no interval
    seeds: int  # replicates per arm

    def interval(self, alpha: float) -> Interval:
        """Two one-sided (1 − alpha) bounds, together a (1 − 2·alpha) interval."""
        if not self.freedom:
            return -math.inf, math.inf
        half = self.error * _t_quantile(1 - alpha, self.freedom)
        return self.estimate - half, self.estimate + half

    def p_above(self, bound: float) -> float:
        """p-value of the one-sided test that the true value exceeds a bound."""
        return self._p(bound - self.estimate)

    def p_below(self, bound: float) -> float:
        """p-value of the one-sided test that the true value is below a bound."""
        return self._p(self.estimate - bound)

    def _p(self, short: float) -> float:
        if not self.freedom:
            return 1.0
        if not self.error:
            return 0.0 if short < 0 else 1.0
        return _t_cdf(short / self.error, self.freedom)


def one_sided(sample: Sample) -> Estimate:
    """The mean of a sample."""
    n = len(sample.values)
    deviation = _deviation(sample)
    return Estimate(estimate=_mean(sample.values), error=deviation / math.sqrt(n), freedom=n - 1, seeds=n)


def t_interval(sample: Sample, tail: float) -> Interval:
    """Student's t-interval of a mean with probability ``tail`` outside on each side."""
    return one_sided(sample).interval(tail)


def welch(higher: Sample, lower: Sample | float) -> Estimate:
    """The difference of two means without equal variances (Welch 1947), or of a mean and a known number."""
    if isinstance(lower, float | int):
        mean = one_sided(higher)
        return Estimate(estimate=mean.estimate - lower, error=mean.error, freedom=mean.freedom, seeds=mean.seeds)
    a, b = one_sided(higher), one_sided(lower)
    error = math.hypot(a.error, b.error)
    seeds = min(a.seeds, b.seeds)
    if seeds < 2:
        return Estimate(estimate=a.estimate - b.estimate, error=error, freedom=0, seeds=seeds)
    spread = a.error**4 / a.freedom + b.error**4 / b.freedom
    freedom = error**4 / spread if spread else a.freedom + b.freedom
    return Estimate(estimate=a.estimate - b.estimate, error=error, freedom=freedom, seeds=seeds)


def paired_differences(before: Sample, after: Sample) -> Sample:
    """After minus before, seed by seed.

    Raises:
        ValueError: the two were not measured on the same seeds.
    """
    if before.seeds != after.seeds:
        raise ValueError(f"paired samples need the same seeds, not {before.seeds} and {after.seeds}.")
    values = tuple(b - a for a, b in zip(before.values, after.values, strict=True))
    return Sample(
        label=f"{after.label} − {before.label}",
        values=values,
        seeds=before.seeds,
        unit="points" if before.unit == "%" else before.unit,
        step=max(before.step, after.step),
    )


def pooled_drops(groups: Sequence[Sequence[float]], steps: Sequence[float]) -> list[Estimate]:
    """Mean of each group minus mean of the next, with the standard deviation pooled over all groups."""
    freedom = sum(len(group) - 1 for group in groups)
    squares = sum((value - _mean(group)) ** 2 for group in groups for value in group)
    floor = max(steps) / math.sqrt(12)
    deviation = max(math.sqrt(squares / freedom), floor) if freedom else 0.0
    return [
        Estimate(
            estimate=_mean(one) - _mean(two),
            error=deviation * math.sqrt(1 / len(one) + 1 / len(two)),
            freedom=freedom,
            seeds=min(len(one), len(two)),
        )
        for one, two in pairwise(groups)
    ]


def jonckheere(groups: Sequence[Sequence[float]]) -> float:
    """One-sided p-value of the Jonckheere–Terpstra test that values rise from group to group.

    The statistic is the number of pairs in rising order, ties as a half; its distribution comes from permuting values
    over groups, all ways where there are at most EXACT_UP_TO, otherwise as many random ones from a fixed seed.
    """
    from scipy.stats import permutation_test

    arrays = [np.asarray(group, dtype=float) for group in groups]
    if min(map(len, arrays)) < 2 or len(np.unique(np.concatenate(arrays))) == 1:
        return 1.0  # one seed a group, or nothing but ties, tells nothing
    result = permutation_test(
        arrays,
        _rising_pairs,
        permutation_type="independent",
        alternative="greater",
        n_resamples=EXACT_UP_TO,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def nominal_alpha(looks: Sequence[int]) -> float:
    """Level of each look so that all looks together keep 5 % (Pocock's constants for VERDICTS' schedules).

    Raises:
        ValueError: no constant is known for such a schedule.
    """
    match tuple(looks):
        case (_,):
            return 0.05
        case (3, 5):
            return 0.0295
        case (3, 5, 8):
            return 0.0213
    raise ValueError(f"looks are {tuple(looks)}; allowed are one look, (3, 5) and (3, 5, 8).")


def seeds_to_decide(now: Estimate, alpha: float, inside: Interval) -> int | None:
    """Seeds per arm with which the interval would lie inside or outside a range, if estimate and spread stayed.

    None when MOST_SEEDS would not do, or when there is no spread to go by.
    """
    if now.seeds < 2:
        return None
    for seeds in range(now.seeds + 1, MOST_SEEDS + 1):
        freedom = now.freedom * (seeds - 1) / (now.seeds - 1)
        later = Estimate(
            estimate=now.estimate, error=now.error * math.sqrt(now.seeds / seeds), freedom=freedom, seeds=seeds
        )
        low, high = later.interval(alpha)
        if (inside[0] < low and high < inside[1]) or high < inside[0] or low > inside[1]:
            return seeds
    return None


def seeds_for_trend(p_rise: float, drops: Sequence[Estimate], alpha: float, margin: float) -> int | None:
    """Seeds a level with which a trend would be decided, if means and spread stayed as they are.

    A Jonckheere–Terpstra statistic grows with the square root of the number of seeds.
    """
    from scipy.special import ndtri

    now = min(drop.seeds for drop in drops)
    if now < 2 or p_rise >= 0.5:
        return None
    for_trend = math.ceil(now * (ndtri(1 - alpha) / ndtri(1 - p_rise)) ** 2) if p_rise > alpha else now
    needed = [for_trend]
    for drop in drops:
        if not drop.p_below(margin) < alpha:
            seeds = seeds_to_decide(drop, alpha, (-math.inf, margin))
            if seeds is None:
                return None
            needed.append(seeds)
    seeds = max(needed)
    return seeds if now < seeds <= MOST_SEEDS else None


def _rising_pairs(*groups: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    total: Any = 0.0
    moved = [np.moveaxis(group, axis, -1) for group in groups]
    for index, low in enumerate(moved):
        for high in moved[index + 1 :]:
            difference = high[..., None, :] - low[..., :, None]
            total = total + (np.sign(difference) + 1).sum(axis=(-1, -2)) / 2
    return np.asarray(total)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(sample: Sample) -> float:
    n = len(sample.values)
    if n < 2:
        return 0.0
    mean = _mean(sample.values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in sample.values) / (n - 1))
    return max(spread, sample.step / math.sqrt(12))


def _t_quantile(probability: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def _t_cdf(value: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, value))
