"""Significance levels of a look, and p-values corrected for looks, points and claims."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from repro.errors import ClaimError

OVERALL = 0.05  # error of either kind per claim, all its looks together
COVERAGE = 1 - 2 * OVERALL  # what a two-sided interval covers over all looks, whatever the level of its look


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The two levels of one look: that of a finding for the criterion, and that of one against it.

    Raises:
        ClaimError: not 0 < against <= accept < 0.5.
    """

    accept: float  # nominal one-sided level: 0.0213 for looks 3, 5, 8
    against: float  # level at which the whole claim would fall: see `against_level`

    def __post_init__(self) -> None:
        if not 0 < self.against <= self.accept < 0.5:
            raise ClaimError(
                f"levels are accept = {self.accept} and against = {self.against}; allowed is 0 < against <= accept < "
                "0.5. Take them from nominal_alpha and against_level."
            )


def nominal_alpha(looks: Sequence[int]) -> float:
    """Level of each look so that all looks together keep 5 % (Pocock's constants for the schedules in use).

    Raises:
        ClaimError: the looks do not rise, or no constant is known for such a schedule.
    """
    match tuple(looks):
        case (seeds,) if seeds >= 1:
            return OVERALL
        case (3, 5):
            return 0.0295
        case (3, 5, 8):
            return 0.0213
    fault = "" if all(1 <= one < two for one, two in pairwise(looks)) else ", which do not rise"
    raise ClaimError(
        f"looks are {tuple(looks)}{fault}; allowed are one look of at least one seed, (3, 5) and (3, 5, 8)."
    )


def against_level(looks: Sequence[int], *, points: int, primaries: int = 1) -> float:
    """Level at which a finding against the criterion brings its whole claim down: Bonferroni over looks and points.

    ``points`` counts the findings of the claim at its scale. ``primaries`` is the number of primary claims in the
    catalogue for a primary claim (the first and hardest step of Holm), otherwise 1.

    Raises:
        ClaimError: a count below one.
    """
    nominal_alpha(looks)
    if points < 1 or primaries < 1:
        raise ClaimError(f"a claim has at least one point and one primary claim, not {points} and {primaries}.")
    return OVERALL / (len(looks) * points * primaries)


def claim_p_against(p_values: Sequence[float], looks: Sequence[int], *, points: int) -> float:
    """p-value against a claim from the p-values against its points: Bonferroni over all points and looks.

    Points that are not there yet count in ``points`` all the same.
    """
    return min(1.0, len(looks) * points * min(p_values))


def holm(p_values: Sequence[float | None], total: int | None = None) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given, over ``total`` hypotheses.

    A hypothesis without a p-value (None, or one that is not in the list) counts as p = 1, so that no adjusted value
    depends on which others were judged.

    Raises:
        ClaimError: more p-values than hypotheses, or a p-value outside [0, 1].
    """
    known = [1.0 if value is None else float(value) for value in p_values]
    if not all(0 <= value <= 1 for value in known):
        raise ClaimError(f"p-values lie in [0, 1], not {known}.")
    total = len(known) if total is None else total
    if total < len(known):
        raise ClaimError(f"{len(known)} p-values cannot belong to {total} hypotheses.")
    order = sorted(range(len(known)), key=lambda index: known[index])
    adjusted = [0.0] * len(known)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (total - rank) * known[index]))
        adjusted[index] = largest
    return adjusted


def finite(name: str, value: float, *, least: float = -math.inf, above: float = -math.inf) -> None:
    """Refuses a frozen number of a rule that no test can be made with.

    Raises:
        ClaimError: it is not finite, below ``least``, or not above ``above``.
    """
    if not (math.isfinite(value) and value >= least and value > above):
        allowed = f"at least {least:g}" if math.isfinite(least) else f"above {above:g}" if math.isfinite(above) else ""
        raise ClaimError(f"{name} is {value}; allowed is a finite number{' ' + allowed if allowed else ''}.")
