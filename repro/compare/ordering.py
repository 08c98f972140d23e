"""The rule that one mean exceeds another."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from repro.compare.finding import (
    ONE_SEED,
    Finding,
    Outcome,
    allowed,
    amount,
    between,
    decided,
    finite_interval,
    unit_of_difference,
)
from repro.statistics import (
    COVERAGE,
    Estimate,
    Levels,
    Sample,
    finite,
    mean_of,
    paired_differences,
    seeds_to_decide,
    share_a_run,
    welch,
    with_seeds,
)


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """O: one-sided Welch test that one mean exceeds another by more than a smallest gap; paired where runs are shared.

    Raises:
        ClaimError: the gap is negative or not finite.
    """

    kind: ClassVar[str] = "O"
    name: ClassVar[str] = "Ordering"
    gap: float  # >= 0: half the paper's gap where it is known, else 0; the smallest where points have their own
    reason: str

    def __post_init__(self) -> None:
        finite("gap", self.gap, least=0)

    def compare(self, *, levels: Levels, higher: Sample, lower: Sample | float, gap: float | None = None) -> Finding:
        """ESTABLISHED: lower bound > gap. RULED_OUT: upper bound < gap. DIRECTION_ONLY: that, and lower bound > 0.

        ``gap`` is that of this comparison, where the points of a claim have gaps of their own. Bounds above are at
        ``levels.accept``, the upper one at ``levels.against``. Samples that share a run at any seed are compared seed
        by seed. ``lower`` may be a known number: the test is then a one-sample t-test.
        """
        if gap is not None:
            return replace(self, gap=gap).compare(levels=levels, higher=higher, lower=lower)
        difference, test = _difference(higher, lower)
        p_for, p_against = difference.p_above(self.gap), difference.p_below(self.gap)
        low, high = difference.interval(levels.accept)
        high_against = difference.interval(levels.against)[1]
        outcome = decided(p_for, p_against, levels)
        edge = f"the gap of {self.gap:g}" if self.gap else "0"
        words = {
            Outcome.ESTABLISHED: f"the lower one is above {edge}",
            Outcome.RULED_OUT: f"the upper one is below {edge}",
            Outcome.UNDECIDED: f"they lie on both sides of {edge}",
        }[outcome]
        if outcome is Outcome.RULED_OUT and difference.p_above(0.0) < levels.accept:
            outcome, words = Outcome.DIRECTION_ONLY, f"the lower one is above 0 and the upper one below {edge}"
        elif outcome is Outcome.UNDECIDED and high < self.gap:
            words = f"the upper one is below {edge}, but not at the level at which the whole claim would fall"
        other = lower.label if isinstance(lower, Sample) else f"{lower:g}"
        unit = unit_of_difference(higher.unit)
        return Finding(
            label=f"{higher.label} − {other}",
            expected=f"> {allowed(self.gap, unit)}",
            measured=amount(difference.estimate, unit, signed=True),
            outcome=outcome,
            why=f"{higher.label} − {other} is {amount(difference.estimate, unit, signed=True)} ({test}); its bounds, "
            f"{100 * COVERAGE:g} % over all looks, are {between(low, high, unit)}: {words}.",
            would_change=_would_change(low, high_against, unit),
            samples=(higher, lower) if isinstance(lower, Sample) else (higher,),
            estimate=difference.estimate,
            interval=finite_interval(low, high),
            interval_level=COVERAGE,
            degrees_of_freedom=difference.degrees_of_freedom or None,
            unit=unit,
            criterion=(self.gap, math.inf),
            p_for=p_for,
            p_against=p_against,
            more_seeds=seeds_to_decide(difference.seeds, partial(with_seeds, difference), levels, (self.gap, math.inf))
            if outcome is Outcome.UNDECIDED
            else None,
        )


def _difference(higher: Sample, lower: Sample | float) -> tuple[Estimate, str]:
    if isinstance(lower, Sample) and share_a_run(higher, lower):
        return mean_of(paired_differences(lower, higher)), "paired by seed, as both contain the same runs"
    return welch(higher, lower), "Welch" if isinstance(lower, Sample) else "one-sample t"


def _would_change(low: float, high: float, unit: str) -> str:
    if not math.isfinite(low):
        return ONE_SEED
    shown = [f"{value:.3g}".replace("-", "−") for value in (low, high)]
    points = " points" if unit == "points" else ""
    holds = f"Any gap below {shown[0]}{points}" if low > 0 else "No gap"
    why = "" if low > 0 else " (the lower bound is not above 0)"
    return f"{holds} would be established{why}, and any above {shown[1]}{points} ruled out."
