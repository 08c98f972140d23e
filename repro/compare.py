"""Findings: samples held against a frozen rule. VERDICTS' kinds X, P, O, T, N and F, and M, which only measures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import ClassVar, Literal

from repro.statistics import (
    Interval,
    Sample,
    Unit,
    jonckheere,
    one_sided,
    paired_differences,
    pooled_drops,
    seeds_for_trend,
    seeds_to_decide,
    t_interval,
    welch,
)

# Raised by hand whenever a rule below decides otherwise on the same numbers: every criterion hash changes with it.
RULES_VERSION = 1


class Outcome(StrEnum):
    """What one comparison says about its criterion."""

    ESTABLISHED = "established"
    DIRECTION_ONLY = "direction only"
    RULED_OUT = "ruled out"
    UNDECIDED = "undecided"
    SOURCE_ERROR = "source error"
    MEASURED = "measured"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Context that is drawn and tabulated beside a finding and decides nothing."""

    label: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    lines: dict[str, tuple[float, ...]]  # label -> y


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One comparison: what was expected, what was measured, and what follows under the rule."""

    label: str
    expected: str
    measured: str
    outcome: Outcome
    why: str  # one sentence with the numbers that decided
    samples: tuple[Sample, ...] = ()
    estimate: float | None = None  # what the interval is about: a mean, a difference, a largest drop
    interval: Interval | None = None
    interval_level: float | None = None  # two-sided coverage of the interval
    unit: Unit = ""
    criterion: Interval | None = None  # the range that the interval must lie in, to draw; infinite ends allowed
    reference: float | None = None
    p_for: float | None = None  # p-value with which the criterion is established
    p_against: float | None = None  # p-value with which it is ruled out
    flips: tuple[float, float] | None = None  # ruled out at margins below the first, established from the second on
    more_seeds: int | None = None  # seeds in all that would decide if mean and spread stayed as they are


@dataclass(frozen=True, kw_only=True)
class Exact:
    """X: equality of a count or a word with its reference, no statistics."""

    kind: ClassVar[str] = "X"
    reason: str

    def compare(self, *, alpha: float, label: str, measured: int | str, reference: int | str) -> Finding:  # noqa: ARG002
        """ESTABLISHED when equal, otherwise RULED_OUT."""
        equal = measured == reference
        outcome = Outcome.ESTABLISHED if equal else Outcome.RULED_OUT
        why = f"{label}: {measured} {'equals' if equal else 'is not'} {reference}."
        return Finding(label=label, expected=str(reference), measured=str(measured), outcome=outcome, why=why)


@dataclass(frozen=True, kw_only=True)
class Printed:
    """X for a number as printed ("1.73M", "0.64"): it agrees when it is the exact one rounded to the printed digits."""

    kind: ClassVar[str] = "X"
    reason: str

    def compare(
        self,
        *,
        alpha: float,  # noqa: ARG002
        label: str,
        measured: float,
        printed: str,
        implied: float | None = None,
    ) -> Finding:
        """ESTABLISHED when it rounds to the printed number, SOURCE_ERROR when it agrees only by truncation.

        ``implied`` is the same number computed from what the source prints elsewhere: where not even that rounds to
        the printed one, the source contradicts itself, SOURCE_ERROR. All else is RULED_OUT.
        """
        how = agreement(measured, printed)
        shown = f"{measured:,}" if isinstance(measured, int) else f"{measured:.4f}"
        outcome = {"rounded": Outcome.ESTABLISHED, "truncated": Outcome.SOURCE_ERROR}.get(how, Outcome.RULED_OUT)
        words = {"rounded": "rounds to", "truncated": "agrees only by truncation with"}.get(how, "does not agree with")
        why = f"{label}: {shown} {words} {printed}."
        if how == "differs" and implied is not None and agreement(implied, printed) == "differs":
            outcome = Outcome.SOURCE_ERROR
            why = f"{label}: {shown} {words} {printed}, nor does {implied:.4f}, which the source's other numbers give."
        return Finding(label=label, expected=printed, measured=shown, outcome=outcome, why=why)


@dataclass(frozen=True, kw_only=True)
class AtMost:
    """X for a printed maximum: the exact number, rounded to the printed digits, does not exceed it."""

    kind: ClassVar[str] = "X"
    reason: str

    def compare(self, *, alpha: float, label: str, measured: float, printed: str) -> Finding:  # noqa: ARG002
        """ESTABLISHED or RULED_OUT."""
        limit = Decimal(printed)
        rounded = Decimal(repr(measured)).quantize(limit, ROUND_HALF_UP)
        outcome = Outcome.ESTABLISHED if rounded <= limit else Outcome.RULED_OUT
        relation = "at most" if rounded <= limit else "more than"
        why = f"{label}: {measured:.4f}, rounded {rounded}, is {relation} {printed}."
        return Finding(label=label, expected=f"≤ {printed}", measured=f"{measured:.4f}", outcome=outcome, why=why)


@dataclass(frozen=True, kw_only=True)
class Point:
    """P: two one-sided t-tests of a mean against value ± margin (Schuirmann 1987)."""

    kind: ClassVar[str] = "P"
    margin: float  # in the unit of the sample, > 0
    reason: str

    def compare(self, *, alpha: float, sample: Sample, reference: float) -> Finding:
        """ESTABLISHED when the (1 − 2·alpha) interval lies inside value ± margin, RULED_OUT when wholly outside."""
        return _tost(sample, reference, self.margin, alpha)


@dataclass(frozen=True, kw_only=True)
class Fraction:
    """F: one fraction per seed, then as P; the sweep over the threshold is drawn beside it."""

    kind: ClassVar[str] = "F"
    margin: float  # a share in (0, 1)
    reason: str

    def compare(self, *, alpha: float, sample: Sample, reference: float) -> Finding:
        """As ``Point.compare``."""
        return _tost(sample, reference, self.margin, alpha)


@dataclass(frozen=True, kw_only=True)
class NoChange:
    """N: two one-sided t-tests of the mean paired difference against ±margin."""

    kind: ClassVar[str] = "N"
    margin: float
    reason: str

    def compare(self, *, alpha: float, before: Sample, after: Sample) -> Finding:
        """As ``Point.compare`` with reference 0, over the differences after − before of each seed."""
        return _tost(paired_differences(before, after), 0.0, self.margin, alpha, (before, after))


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """O: one-sided Welch test that one mean exceeds another by more than a smallest gap."""

    kind: ClassVar[str] = "O"
    gap: float  # >= 0: half the paper's gap where it is known, else 0
    reason: str

    def compare(self, *, alpha: float, higher: Sample, lower: Sample | float) -> Finding:
        """ESTABLISHED: lower bound > gap. DIRECTION_ONLY: it lies in (0, gap]. RULED_OUT: upper bound < gap.

        ``lower`` may be a known number: the test is then a one-sample t-test.
        """
        difference = welch(higher, lower)
        low, high = difference.interval(alpha)
        p_for, p_against = difference.p_above(self.gap), difference.p_below(self.gap)
        if low > self.gap:
            outcome, words = Outcome.ESTABLISHED, f"above {_gap_words(self.gap)}"
        elif low > 0:
            outcome, words = Outcome.DIRECTION_ONLY, f"above 0 and not above the gap of {self.gap:g}"
        elif high < self.gap:
            outcome, words = Outcome.RULED_OUT, f"below {_gap_words(self.gap)}"
        else:
            outcome, words = Outcome.UNDECIDED, f"on both sides of {_gap_words(self.gap)}"
        other = lower.label if isinstance(lower, Sample) else f"{lower:g}"
        unit: Unit = "points" if higher.unit == "%" else higher.unit
        return Finding(
            label=f"{higher.label} − {other}",
            expected=f"> {self.gap:g}{_suffix(unit)}",
            measured=_amount(difference.estimate, unit, signed=True),
            outcome=outcome,
            why=f"{higher.label} − {other} is {_amount(difference.estimate, unit, signed=True)}; its one-sided bounds "
            f"at a = {alpha:g} are {_range(low, high, unit)}, {words}.",
            samples=(higher, lower) if isinstance(lower, Sample) else (higher,),
            estimate=difference.estimate,
            interval=_finite(low, high),
            interval_level=1 - 2 * alpha,
            unit=unit,
            criterion=(self.gap, math.inf),
            p_for=p_for,
            p_against=p_against,
            more_seeds=seeds_to_decide(difference, alpha, (self.gap, math.inf))
            if outcome is Outcome.UNDECIDED
            else None,
        )


@dataclass(frozen=True, kw_only=True)
class Trend:
    """T: a Jonckheere–Terpstra trend, and no neighbouring drop larger than the margin."""

    kind: ClassVar[str] = "T"
    margin: float  # largest drop between neighbours that "rises" still allows, in the unit of the samples
    reason: str

    def compare(self, *, alpha: float, levels: Sequence[Sample], rising: bool = True) -> Finding:
        """Samples in the order of their levels; ``rising=False`` turns "drop" into "rise" throughout.

        ESTABLISHED: the trend has p < alpha and every drop's upper bound is below the margin.
        RULED_OUT: a drop's lower bound exceeds the margin, or the opposite trend has p < alpha; as these are
        len(levels) ways to be ruled out, each is tested at alpha / len(levels) (Bonferroni).

        Raises:
            ValueError: fewer than two levels.
        """
        if len(levels) < 2:
            raise ValueError("a trend needs at least two levels.")
        sign = 1.0 if rising else -1.0
        groups = [[sign * value for value in level.values] for level in levels]
        p_rise, p_reverse = jonckheere(groups), jonckheere(groups[::-1])
        drops = pooled_drops(groups, [level.step for level in levels])
        upper = max(drop.interval(alpha)[1] for drop in drops)
        p_for = max(p_rise, *(drop.p_below(self.margin) for drop in drops))  # both must hold: the larger one decides
        worst = max(drops, key=lambda drop: drop.estimate)
        p_against = min(1.0, len(levels) * min(p_reverse, *(drop.p_above(self.margin) for drop in drops)))
        unit: Unit = "points" if levels[0].unit == "%" else levels[0].unit
        if p_against < alpha:
            outcome = Outcome.RULED_OUT
        elif p_for < alpha:
            outcome = Outcome.ESTABLISHED
        else:
            outcome = Outcome.UNDECIDED
        verb, turn = ("rises", "drop") if rising else ("falls", "rise")
        means = " → ".join(_amount(sum(level.values) / len(level.values), level.unit) for level in levels)
        names = " → ".join(level.label for level in levels)
        return Finding(
            label=names,
            expected=f"{verb}, no {turn} above {self.margin:g}{_suffix(unit)}",
            measured=means,
            outcome=outcome,
            why=f"{names}: {means}. Trend p = {p_rise:.2g} (opposite {p_reverse:.2g}); the largest {turn} between "
            f"neighbours is {_amount(worst.estimate, unit)}, {_at_most(upper, unit)} with confidence "
            f"{1 - alpha:.3g}; allowed are {self.margin:g}{_suffix(unit)}.",
            samples=tuple(levels),
            unit=unit,
            p_for=p_for,
            p_against=p_against,
            more_seeds=seeds_for_trend(p_rise, drops, alpha, self.margin) if outcome is Outcome.UNDECIDED else None,
        )


@dataclass(frozen=True, kw_only=True)
class Measure:
    """M: the source's value could not be read, so the measurement stands alone and decides nothing."""

    kind: ClassVar[str] = "M"
    reason: str

    def compare(self, *, alpha: float, sample: Sample) -> Finding:
        """Mean and two-sided (1 − alpha) t-interval of a sample."""
        mean = sum(sample.values) / len(sample.values)
        interval = t_interval(sample, alpha / 2) if len(sample.values) > 1 else None
        spread = f", {100 * (1 - alpha):g} % interval {_range(*interval, sample.unit)}" if interval else ""
        return Finding(
            label=sample.label,
            expected="",
            measured=_amount(mean, sample.unit),
            outcome=Outcome.MEASURED,
            why=f"{sample.label}: {_amount(mean, sample.unit)}{spread} over {len(sample.values)} seeds.",
            samples=(sample,),
            estimate=mean,
            interval=interval,
            interval_level=1 - alpha,
            unit=sample.unit,
        )


Rule = Exact | Printed | AtMost | Point | Fraction | NoChange | Ordering | Trend | Measure


def agreement(measured: float, printed: str) -> Literal["rounded", "truncated", "differs"]:
    """How a printed number ("175K", "1.12K", "2.62M", "0.64") agrees with the exact one.

    Both ways to round a half count as rounding.
    """
    factor = {"K": 3, "M": 6}.get(printed[-1], 0)
    digits = Decimal(printed.rstrip("KM"))
    exact = Decimal(repr(measured)).scaleb(-factor)
    if digits in (exact.quantize(digits, ROUND_HALF_UP), exact.quantize(digits, ROUND_HALF_EVEN)):
        return "rounded"
    return "truncated" if exact.quantize(digits, ROUND_DOWN) == digits else "differs"


def _tost(
    sample: Sample, reference: float, margin: float, alpha: float, shown: tuple[Sample, ...] | None = None
) -> Finding:
    mean = one_sided(sample)
    low, high = mean.interval(alpha)
    inside = (reference - margin, reference + margin)
    p_for = max(mean.p_above(inside[0]), mean.p_below(inside[1]))
    p_against = min(1.0, mean.p_below(inside[0]), mean.p_above(inside[1]))
    nearest = max(0.0, low - reference, reference - high)
    farthest = max(abs(low - reference), abs(high - reference))
    if inside[0] < low and high < inside[1]:
        outcome, words = Outcome.ESTABLISHED, "inside"
    elif high < inside[0] or low > inside[1]:
        outcome, words = Outcome.RULED_OUT, "wholly outside"
    else:
        outcome, words = Outcome.UNDECIDED, "across the edge of"
    unit = sample.unit
    return Finding(
        label=sample.label,
        expected=f"{_amount(reference, unit)} ± {_amount(margin, unit)}",
        measured=_amount(mean.estimate, unit),
        outcome=outcome,
        why=f"{sample.label} is {_amount(mean.estimate, unit)}; its {100 * (1 - 2 * alpha):g} % interval "
        f"{_range(low, high, unit)} lies {words} {_range(*inside, unit)}.",
        samples=(sample,) if shown is None else shown,
        estimate=mean.estimate,
        interval=_finite(low, high),
        interval_level=1 - 2 * alpha,
        unit=unit,
        criterion=inside,
        reference=reference,
        p_for=p_for,
        p_against=p_against,
        flips=_finite(nearest, farthest),
        more_seeds=seeds_to_decide(mean, alpha, inside) if outcome is Outcome.UNDECIDED else None,
    )


def _finite(low: float, high: float) -> Interval | None:
    """None for the endless interval of a single seed."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _suffix(unit: Unit) -> str:
    return {"%": " %", "points": " points"}.get(unit, "")


def _amount(value: float, unit: Unit, signed: bool = False) -> str:
    sign = "+" if signed and value >= 0 else ""
    text = f"{value:.3f}" if unit == "share" else f"{value:.2f}"
    return (sign + text + _suffix(unit)).replace("-", "−")


def _range(low: float, high: float, unit: Unit) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return "unknown (one seed gives no interval)"
    digits = 3 if unit == "share" else 2
    return f"[{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def _at_most(value: float, unit: Unit) -> str:
    return f"at most {_amount(value, unit)}" if math.isfinite(value) else "with no bound from one seed,"


def _gap_words(gap: float) -> str:
    return f"the gap of {gap:g}" if gap else "0"
