"""Expectations: the probability of each verdict if a check's source is right, before the first run."""

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.check import Check
from repro.compare import Fraction, FractionBound, NoChange, Ordering, Point, Published, Rule, Trend
from repro.compare import undecidable as own_error_exceeds
from repro.judging.decide import WORDS
from repro.judging.imagined import quantities
from repro.planning.power import Truth, expected, expected_whole, smallest
from repro.statistics import Levels, Sample, Unit

# Standard deviations over seeds that are assumed, one for each unit: half a point of accuracy, one of a share.
SDS: dict[Unit, float] = {"%": 0.5, "points": 0.5, "share": 0.01}
ASSUMED = "seeds spread with sd 0.5 points (0.01 for shares)"
LIKELY = 0.9  # probability with which a size must hold, if the source gives none


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """The expected verdict on a check, or on a claim over all its points, if its source is right and ASSUMED holds."""

    words: dict[str, float] = field(default_factory=dict)  # probability of each word; {} if no size is published
    needed: float | None = None  # smallest difference or step that holds with probability 0.9, if none is published
    unit: str = ""  # of that size
    right: str = ""  # what was taken as right
    undecidable: str = ""  # why no number of seeds can establish it; "" if one can

    @property
    def short(self) -> str:
        """A few words for a column."""
        if self.undecidable:
            return "never"
        return f"{next(iter(self.words.values())):.2f}" if self.words else f"from {self.size}"

    @property
    def size(self) -> str:
        """The needed size with its unit."""
        return f"{self.needed:.2g} points" if self.unit != "share" else f"{self.needed:.2g}"

    @property
    def sentence(self) -> str:
        """The whole expectation as a sentence."""
        if self.words:
            phrases = ", ".join(f"{word} {_chance(share)}" for word, share in self.words.items())
            return f"if the source is right ({self.right}) and {ASSUMED}: {phrases}.{_after(self.undecidable)}"
        if self.undecidable:
            return self.undecidable
        return (
            f"the source gives no size. If {ASSUMED}, a {self.right} of {self.size} or more holds with "
            f"probability {LIKELY:g}."
        )


def expectation(check: Check) -> Expectation | None:
    """The expectation for one check; None if statistics decide nothing, at this scale or at all."""
    return _expectation([check])


def whole(checks: Sequence[Check]) -> Expectation | None:
    """The same for a claim over its points, which are taken as independent."""
    return _expectation(checks)


def _expectation(checks: Sequence[Check]) -> Expectation | None:
    asked = [one for check in checks for one in _asked(check)]
    known = [one.outcomes for one in asked if one.outcomes]
    if asked and len(known) == len(asked):
        outcomes = expected_whole(known) if len(known) > 1 else known[0]
        return Expectation(
            words=_words(checks[0], outcomes),
            right=asked[0].right if len({one.right for one in asked}) == 1 else "each value as published",
            undecidable=next((one.undecidable for one in asked if one.undecidable), ""),
        )
    unsized = [one for one in asked if one.groups]
    if not unsized or len(unsized) < len(asked):
        return None
    sizes = [one.smallest(LIKELY ** (1 / len(unsized))) for one in unsized]
    known_sizes = [size for size in sizes if size is not None]
    if len(known_sizes) < len(sizes):
        hopeless = f"with so few seeds no {unsized[0].right} is large enough to show."
        return Expectation(right=unsized[0].right, undecidable=hopeless)
    return Expectation(needed=max(known_sizes), unit=unsized[0].unit, right=unsized[0].right)


def _words(check: Check, outcomes: Any) -> dict[str, float]:
    """Probabilities by verdict or answer, the one for the claim first; without impossible ones."""
    full = check.scale == "paper" or check.claim.exact
    found: dict[str, float] = {}
    for outcome, verdict, answer in reversed(WORDS):
        if outcome in outcomes:
            word = str(verdict if full else answer)
            found[word] = found.get(word, 0.0) + outcomes[outcome]
    first, *rest = found
    return {word: round(found[word], 3) for word in (first, *(word for word in rest if found[word] >= 0.0005))}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A comparison that a check makes: its rule without its reason, and what is taken as right."""

    rule: Rule
    truth: Truth
    unit: Unit
    looks: tuple[int, ...]
    levels: Levels
    right: str
    groups: int = 0  # to compare, if the source gives no size; else 0
    same_runs: bool = False  # of the two samples of a difference, which then spreads as one does
    undecidable: str = ""

    @property
    def outcomes(self) -> Any:
        sd = SDS[self.unit] / math.sqrt(2) if self.same_runs else SDS[self.unit]
        return None if self.groups else expected(self.rule, self.truth, sd, self.looks, self.levels)

    def smallest(self, probability: float) -> float | None:
        return smallest(self.rule, self.groups, SDS[self.unit], self.looks, self.levels, probability)


def _asked(check: Check) -> list[_Asked]:
    """The comparisons of a check; none if its scale does not test it, or if they depend on its runs."""
    if check.claim.exact or not check.claim.tested(check.scale) or check.claim.rule.kind in "XM":
        return []
    return [_of(check, asked) for asked in quantities(check)]


def _of(check: Check, asked: dict[str, Any]) -> _Asked:
    rule: Any = dataclasses.replace(check.claim.rule, reason="")
    if "gap" in asked:
        rule = dataclasses.replace(rule, gap=asked["gap"])
    samples = [value for value in asked.values() if isinstance(value, Sample)] or list(asked["samples"])
    common: dict[str, Any] = {"unit": samples[0].unit, "looks": check.looks, "levels": check.levels()}
    match rule:
        case Point() | Fraction():
            reference: Published = asked["reference"]
            hopeless = own_error_exceeds(reference, rule.margin, check.levels().accept)
            # The outcome of a point does not depend on its value; using 0 for all saves simulations.
            moved = dataclasses.replace(reference, value=0.0, version="") if isinstance(rule, Point) else reference
            return _Asked(rule=rule, truth=moved, right=_published(reference), undecidable=hopeless, **common)
        case NoChange():
            right = f"a change of {asked.get('centre', 0.0):g}".replace("-", "−")
            same = samples[0].runs == samples[1].runs
            return _Asked(rule=rule, truth=0.0, right=f"{right}{' in each network' * same}", same_runs=same, **common)
        case FractionBound(limit=limit):
            share, right = _share(check, limit, rule.side == "at most")
            return _Asked(rule=rule, truth=share, right=right, **common)
        case Ordering(gap=gap) if gap:
            return _Asked(rule=rule, truth=None, right=f"a gap of {2 * gap:g}, twice the rule's", **common)
        case Trend():
            return _Asked(rule=rule, truth=None, right="step at every level", groups=len(samples), **common)
    return _Asked(rule=rule, truth=None, right="difference", groups=2, **common)


def _published(reference: Published) -> str:
    if reference.sd == 0 and not reference.reading_error:
        return f"{reference.value:.4g}, known without error"
    return f"{reference.value:.4g} as the mean of {reference.replicates} runs, read to ± {reference.reading_error:g}"


def _share(check: Check, limit: float, at_most: bool) -> tuple[float, str]:
    """The share that a source prints, if its reference is one percentage; else half-way from the limit to 0 or 1."""
    printed = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", check.claim.source.reference)
    if printed and 0 < float(printed[1]) < 100:
        return float(printed[1]) / 100, f"a share of {float(printed[1]) / 100:g}"
    share = limit / 2 if at_most else (1 + limit) / 2
    return share, f"a share of {share:g}, as none is printed"


def _chance(share: float) -> str:
    return "< 0.01" if 0 < share < 0.005 else f"{share:.2f}"


def _after(text: str) -> str:
    return f" {text}" if text else ""
