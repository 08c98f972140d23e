"""Findings: what one comparison says about its criterion, with the numbers that it rests on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from repro.statistics import COVERAGE, Interval, Levels, Sample, Unit

# Raised by hand whenever a rule decides otherwise on the numbers of judged runs (`make compared` tells): every
# criterion hash changes with it. A rule mended without that is named, with the day, in claims/RULES.md.
RULES_VERSION = 2
ROUNDING = 1e-12  # of sums of percentages in double precision
ONE_SEED = "A second seed: one seed gives no interval."


class Outcome(StrEnum):
    """What one comparison says about its criterion."""

    ESTABLISHED = "established"
    DIRECTION_ONLY = "direction only"  # the direction is shown, and the size is ruled out
    RULED_OUT = "ruled out"
    UNDECIDED = "undecided"
    SOURCE_ERROR = "source error"
    MEASURED = "measured"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Context that is drawn and tabulated beside a finding and decides nothing."""

    label: str  # of the whole
    x_label: str  # of the horizontal axis, with its unit
    y_label: str  # of the vertical axis, with its unit
    x: tuple[float, ...]  # values on the horizontal axis
    lines: dict[str, tuple[float, ...]]  # label -> y


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One comparison: what was expected, what was measured, and what follows under the rule."""

    label: str  # what was compared
    expected: str  # what the rule asks for, "" where nothing is asked
    measured: str  # what was found
    outcome: Outcome  # what follows under the rule
    why: str  # one sentence with the numbers that decided
    would_change: str = ""  # one sentence: the margin, gap or step at which this finding flips; "" for a measurement
    samples: tuple[Sample, ...] = ()  # what was compared, a value a seed
    estimate: float | None = None  # what the interval is about: a mean, a difference, a largest drop
    interval: Interval | None = None  # established exactly when it lies in the criterion
    interval_level: float | None = None  # what the interval covers over all looks, two-sided: 0.9
    degrees_of_freedom: float | None = None  # of the interval
    unit: Unit = ""  # of the estimate and its intervals
    criterion: Interval | None = None  # the range that the interval must lie in, to draw; infinite ends allowed
    reference: float | None = None  # the published value
    assumption: str = ""  # what had to be assumed of the reference, "" for nothing
    prediction: Interval | None = None  # of our mean if the published value is right, 95 %, with the errors of both
    consistent: bool | None = None  # whether our mean lies there; None where nothing is published or one seed is there
    p_for: float | None = None  # p-value with which the criterion is established, where below the level `accept`
    p_against: float | None = None  # p-value with which it is ruled out, where below the level `against`
    flips: tuple[float, float] | None = None  # ruled out at margins below the first, established from the second on
    more_seeds: int | None = None  # seeds in all that would decide if mean and spread stayed as they are


def decided(p_for: float, p_against: float, levels: Levels) -> Outcome:
    """The outcome at the two levels of a look."""
    if p_for < levels.accept:
        return Outcome.ESTABLISHED
    return Outcome.RULED_OUT if p_against < levels.against else Outcome.UNDECIDED


def flips_over_looks(findings: Sequence[Finding]) -> tuple[float, float] | None:
    """The margins at which a point flips when every look so far is counted: each would have stopped at the first.

    Ruled out by some look at margins below the first number, established by some look at margins above the second.
    None where a single seed, or another rule, gives no such margins.
    """
    known = [finding.flips for finding in findings if finding.flips]
    return (max(low for low, _ in known), min(high for _, high in known)) if known else None


def would_change_over_looks(findings: Sequence[Finding]) -> str:
    """What would change a finding, given the same comparison at every look so far, the last one last."""
    flips, last = flips_over_looks(findings), findings[-1].would_change
    if flips:
        return at_margins(flips) + (f" By its last look alone: {_lower(last)}" if last != at_margins(flips) else "")
    return f"By its last look alone: {_lower(last)}" if last and len(findings) > 1 else last


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def at_margins(flips: tuple[float, float] | None) -> str:
    """The margins at which a point flips, in one sentence."""
    if flips is None:
        return ONE_SEED
    text = f"It is established at any margin above {flips[1]:.3g}"
    return f"{text}, and {f'ruled out at margins below {flips[0]:.3g}' if flips[0] else 'no margin rules it out'}."


def finite_interval(low: float, high: float) -> Interval | None:
    """None for the endless interval of a single seed."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def suffix(unit: Unit) -> str:
    """A unit as it follows a number."""
    return {"%": " %", "points": " points"}.get(unit, "")


def allowed(value: float, unit: Unit) -> str:
    """A margin or gap as it was written, with its unit: 1 point, 0.5 points."""
    return f"{value:g}{' point' if unit == 'points' and value == 1 else suffix(unit)}"


def rounded(value: float, unit: str) -> str:
    """A number to two decimals, a share to three; what would print as 0 and is not keeps its first digit.

    What is left of a difference of equals by rounding is 0.
    """
    value = value if abs(value) > ROUNDING else 0.0
    text = f"{value:.{3 if unit == 'share' else 2}f}"
    if value and not float(text):
        text = f"{value:.1g}"
    return text.replace("-", "−")


def amount(value: float, unit: Unit, signed: bool = False) -> str:
    """A number with its unit."""
    return ("+" if signed and value >= 0 else "") + rounded(value, unit) + suffix(unit)


def between(low: float, high: float, unit: Unit) -> str:
    """An interval as a reader sees it."""
    if not (math.isfinite(low) or math.isfinite(high)):
        return "unknown, as one seed gives no interval"
    return f"[{rounded(low, unit)}, {rounded(high, unit)}]".replace("inf", "∞")


def where(interval: Interval | None, inside: Interval, unit: Unit, outcome: Outcome, how: str) -> str:
    """Where an interval lies, in words; ``how`` follows what it covers."""
    if interval is None:
        return f"one seed gives no interval to hold against {between(*inside, unit)}"
    outside = interval[1] < inside[0] or interval[0] > inside[1]
    within = inside[0] < interval[0] and interval[1] < inside[1]
    if outcome is Outcome.UNDECIDED and outside:
        words = "lies outside, but not at the level at which the whole claim would fall,"
    elif outcome is Outcome.UNDECIDED and within:
        words = "lies, though the reference's own error exceeds the margin, inside"
    else:
        words = {
            Outcome.ESTABLISHED: "lies inside",
            Outcome.RULED_OUT: "lies wholly outside",
            Outcome.UNDECIDED: "lies across the edge of",
        }[outcome]
    covers = f"{100 * COVERAGE:g} % over all looks{how}"
    return f"its interval {between(*interval, unit)}, {covers}, {words} {between(*inside, unit)}"


def unit_of_difference(unit: Unit) -> Unit:
    """Percentages differ by points."""
    return "points" if unit == "%" else unit
