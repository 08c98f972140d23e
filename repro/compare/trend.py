"""The rule that values rise from level to level."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import ClassVar

from repro.compare.finding import ONE_SEED, Finding, Outcome, allowed, amount, decided, unit_of_difference
from repro.errors import ClaimError
from repro.statistics import (
    COVERAGE,
    Estimate,
    Levels,
    Sample,
    finite,
    jonckheere,
    mean_of,
    seeds_for_trend,
    share_a_run,
    slope,
    welch,
)


@dataclass(frozen=True, kw_only=True)
class Trend:
    """T: a Jonckheere–Terpstra trend and a rising slope, and no neighbouring drop larger than the margin.

    Raises:
        ClaimError: the margin is not a finite number above 0.
    """

    kind: ClassVar[str] = "T"
    name: ClassVar[str] = "Trend"
    margin: float  # largest drop between neighbours that "rises" still allows, in the unit of the samples
    reason: str

    def __post_init__(self) -> None:
        finite("margin", self.margin, above=0)

    def compare(self, *, levels: Levels, samples: Sequence[Sample], rising: bool = True) -> Finding:
        """Samples in the order of their levels; ``rising=False`` turns "drop" into "rise" throughout.

        ESTABLISHED: the trend has p < accept and every drop, by Welch, an upper bound below the margin. RULED_OUT: a
        drop's lower bound exceeds the margin, or the opposite trend is significant; as these are len(samples) ways
        to be ruled out, each is tested at against / len(samples) (Bonferroni). The p-value of a trend is the larger
        one of Jonckheere–Terpstra's, which asks for equal spreads where nothing rises, and the linear contrast's,
        which does not.

        Raises:
            ClaimError: fewer than two levels, or two that contain the same run.
        """
        _refuse_unfit(samples)
        sign = 1.0 if rising else -1.0
        groups = [[sign * value for value in level.values] for level in samples]
        line = slope(samples)
        up, down = (line.p_above(0.0), line.p_below(0.0))[:: 1 if rising else -1]
        p_rise, p_reverse = max(jonckheere(groups), up), max(jonckheere(groups[::-1]), down)
        drops = [welch(one, two) if rising else welch(two, one) for one, two in pairwise(samples)]
        worst = max(range(len(drops)), key=lambda index: drops[index].p_below(self.margin))
        p_for = max(p_rise, *(drop.p_below(self.margin) for drop in drops))  # both must hold: the larger one decides
        p_against = min(1.0, len(samples) * min(p_reverse, *(drop.p_above(self.margin) for drop in drops)))
        outcome = decided(p_for, p_against, levels)
        unit = unit_of_difference(samples[0].unit)
        verb, turn = ("rises", "drop") if rising else ("falls", "rise")
        means = " → ".join(amount(mean_of(level).estimate, level.unit) for level in samples)
        names = " → ".join(level.label for level in samples)
        upper = drops[worst].interval(levels.accept)[1]
        change, end = -sign * drops[worst].estimate, -sign * upper
        bound = f"at {'least' if rising else 'most'} {amount(end, unit, signed=True)}"
        if not drops[worst].degrees_of_freedom:
            bound = "with no bound from one seed"
        pair = f"{samples[worst].label} to {samples[worst + 1].label}"
        return Finding(
            label=names,
            expected=f"{verb}, no {turn} above {allowed(self.margin, unit)}",
            measured=means,
            outcome=outcome,
            why=f"{names}: {means}. Trend {_p(p_rise)} (opposite {_p(p_reverse)}); the weakest step is {pair}, "
            f"{amount(change, unit, signed=True)}, {bound} ({100 * COVERAGE:g} % over all looks, Welch); a {turn} of "
            f"{allowed(self.margin, unit)} is allowed ({_p(drops[worst].p_below(self.margin))}).",
            would_change=_would_change(p_rise, p_reverse, drops, levels, len(samples), outcome),
            samples=tuple(samples),
            unit=unit,
            degrees_of_freedom=drops[worst].degrees_of_freedom or None,
            p_for=p_for,
            p_against=p_against,
            more_seeds=seeds_for_trend(p_rise, drops, levels, self.margin) if outcome is Outcome.UNDECIDED else None,
        )


def _refuse_unfit(samples: Sequence[Sample]) -> None:
    if len(samples) < 2:
        raise ClaimError(f"a trend needs at least two levels, not {len(samples)}.")
    for one, two in combinations(samples, 2):
        if share_a_run(one, two):
            raise ClaimError(
                f"the levels {one.label!r} and {two.label!r} of a trend contain the same runs; the test needs "
                "independent levels. Use Ordering for such a pair, which compares it seed by seed."
            )


def _p(value: float) -> str:
    """A p-value in a sentence: of simulated orders, no smaller one is known."""
    return f"p = {value:.2g}" if value >= 0.001 else "p < 0.001"


def _would_change(
    p_rise: float, p_reverse: float, drops: Sequence[Estimate], levels: Levels, count: int, outcome: Outcome
) -> str:
    if not all(drop.degrees_of_freedom for drop in drops):
        return ONE_SEED
    upper = max(drop.interval(levels.accept)[1] for drop in drops)
    lower = max(drop.interval(levels.against / count)[0] for drop in drops)
    if outcome is Outcome.RULED_OUT and count * p_reverse < levels.against:
        return f"No margin changes it: the opposite trend has {_p(p_reverse)}."
    if p_rise < levels.accept:
        text = f"It is established at any margin above {max(0.0, upper):.3g}"
    else:
        text = f"No margin establishes it, as the trend has {_p(p_rise)}"
    return f"{text}, and {f'ruled out at margins below {lower:.3g}' if lower > 0 else 'no margin rules it out'}."
