"""The rule that a mean share is at most, or at least, a limit."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from repro.compare.finding import ONE_SEED, Finding, Outcome, amount, decided, where
from repro.compare.shares import as_angles, edge, log_mean, share
from repro.errors import ClaimError
from repro.statistics import COVERAGE, MOST_SEEDS, Estimate, Interval, Levels, Sample, mean_of


@dataclass(frozen=True, kw_only=True)
class FractionBound:
    """F, one-sided: a mean share is at most, or at least, a limit ("few", "near 0", "100 %").

    It must hold on two scales: that of arcsine square roots, and that of logarithms (of one minus the share where the
    limit is above a half). Simulated with Beta and exponential shares whose mean is the limit, the first alone accepts
    6 to 18 %; both together at most 6 %.

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
        """ESTABLISHED when the interval, on both scales, lies on its side of the limit, RULED_OUT when on the other.

        Raises:
            ClaimError: a value of the sample is no share.
        """
        if not all(0 <= value <= 1 for value in sample.values):
            raise ClaimError(f"sample {sample.label!r} has values {sample.values}; allowed are shares in [0, 1].")
        at_most, n = self.side == "at most", len(sample.values)
        tests = [_angles(sample, n), _logs(sample, n, self.limit)]
        p_for = max(one.p(self.limit, below=at_most) for one in tests)
        p_against = max(one.p(self.limit, below=not at_most) for one in tests)
        outcome = decided(p_for, p_against, levels)
        interval, out = (_widest(tests, level) if n > 1 else None for level in (levels.accept, levels.against))
        inside = (0.0, self.limit) if at_most else (self.limit, 1.0)
        mean, unit = mean_of(sample).estimate, sample.unit
        scales = ", over both the arcsine-square-root and the log scale"
        return Finding(
            label=sample.label,
            expected=f"{self.side} {amount(self.limit, unit)}",
            measured=amount(mean, unit),
            outcome=outcome,
            why=f"{sample.label}: {amount(mean, unit)}; {where(interval, inside, unit, outcome, scales)}.",
            would_change=_would_change(interval, out, at_most),
            samples=(sample,),
            estimate=mean,
            interval=interval,
            interval_level=COVERAGE,
            degrees_of_freedom=n - 1 or None,
            unit=unit,
            criterion=inside,
            p_for=p_for,
            p_against=p_against,
            more_seeds=_more_seeds(sample, self.limit, at_most, levels) if outcome is Outcome.UNDECIDED else None,
        )


@dataclass(frozen=True, kw_only=True)
class _Test:
    """An estimate on a scale of its own, and how shares get there."""

    estimate: Estimate
    logs: bool
    turned: bool  # of one minus the share

    def p(self, limit: float, *, below: bool) -> float:
        if self.logs:
            limit = math.log(1 - limit if self.turned else limit)
            return self.estimate.p_below(limit) if below != self.turned else self.estimate.p_above(limit)
        return self.estimate.p_below(edge(limit)) if below else self.estimate.p_above(edge(limit))

    def interval(self, level: float) -> Interval:
        low, high = self.estimate.interval(level)
        if not self.logs:
            return share(low), share(high)
        low, high = (min(1.0, math.exp(min(0.0, end))) for end in (low, high))
        return (1 - high, 1 - low) if self.turned else (low, high)


def _angles(sample: Sample, seeds: int) -> _Test:
    return _Test(estimate=mean_of(as_angles(sample), seeds), logs=False, turned=False)


def _logs(sample: Sample, seeds: int, limit: float) -> _Test:
    turned = limit > 0.5
    values = tuple(1 - value for value in sample.values) if turned else sample.values
    return _Test(estimate=log_mean(replace(sample, values=values), seeds), logs=True, turned=turned)


def _widest(tests: list[_Test], level: float) -> Interval:
    intervals = [test.interval(level) for test in tests]
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _more_seeds(sample: Sample, limit: float, at_most: bool, levels: Levels) -> int | None:
    """The number of seeds with which both scales would decide."""
    now = len(sample.values)
    for seeds in range(now + 1, MOST_SEEDS + 1) if now > 1 else ():
        tests = [_angles(sample, seeds), _logs(sample, seeds, limit)]
        if max(one.p(limit, below=at_most) for one in tests) < levels.accept:
            return seeds
        if max(one.p(limit, below=not at_most) for one in tests) < levels.against:
            return seeds
    return None


def _would_change(interval: Interval | None, out: Interval | None, at_most: bool) -> str:
    if interval is None or out is None:
        return ONE_SEED
    holds, fails = (interval[1], out[0]) if at_most else (interval[0], out[1])
    sides = ("above", "below") if at_most else ("below", "above")
    never = fails <= 0 if at_most else fails >= 1  # there is no share beyond
    against = "no limit rules it out" if never else f"ruled out at any limit {sides[1]} {fails:.3g}"
    return f"It is established at any limit {sides[0]} {holds:.3g}, and {against}."
