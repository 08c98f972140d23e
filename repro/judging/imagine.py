"""Expectations: the probability of each verdict if a check's source is right, before the first run."""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from repro.check import Check
from repro.compare import Fraction, FractionBound, NoChange, Ordering, Point, Published, Rule, Trend
from repro.compare import undecidable as own_error_exceeds
from repro.judging.decide import WORDS
from repro.judging.evidence import Evidence
from repro.planning.power import Truth, expected, expected_whole, smallest
from repro.runs.spec import RunSpec
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


def compared(check: Check) -> list[str]:
    """What each finding of a check would compare, by the labels of its samples; nothing where those depend on runs."""
    found = [[_compared(quantities) for quantities in _quantities(check, share)] for share in (0.5, 0.25)]
    return [one for one, other in zip(*found, strict=False) if one and one == other]


def unit_compared(check: Check) -> Unit:
    """The unit of what a check compares; points where that depends on runs, or on the finding."""
    asked = _quantities(check, 0.5)
    units = {value.unit for one in asked for value in one.values() if isinstance(value, Sample)}
    units |= {one.unit for some in asked for one in some.get("samples", ())}
    return units.pop() if len(units) == 1 else "points"


def own_gaps(check: Check) -> bool:
    """Whether its differences have gaps of their own."""
    return any("gap" in quantities for quantities in _quantities(check, 0.5))


def _quantities(check: Check, share: float) -> list[dict[str, Any]]:
    """What each finding of a check would be made from, were all its measurements this share; none if it fails."""
    evidence = _Imagined(check, share)
    try:
        check.function(evidence, **check.params)
    except Exception:  # as in _asked
        return []
    return evidence.asked


def _compared(quantities: dict[str, Any]) -> str:
    match quantities:
        case {"higher": Sample() as one, "lower": two, **more}:
            beyond = f", by more than {more['gap']:g}" if "gap" in more else ""
            return f"{one.label} − {two.label if isinstance(two, Sample) else f'{two:g}'}{beyond}"
        case {"before": Sample() as before, "after": Sample() as after}:
            return f"{after.label} − {before.label}, seed by seed"
        case {"samples": samples}:
            return " → ".join(sample.label for sample in samples)
        case {"sample": Sample() as sample, "reference": Published() as reference}:
            return f"{sample.label} against {reference.value:.4g}"
        case {"sample": Sample() as sample}:
            return sample.label
    return ""


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
    evidence = _Imagined(check)
    try:
        check.function(evidence, **check.params)
    except Exception:  # it reads something that is not imagined here; judging it shows its faults
        return []
    return [_of(check, quantities) for quantities in evidence.asked]


def _of(check: Check, quantities: dict[str, Any]) -> _Asked:
    rule: Any = dataclasses.replace(check.claim.rule, reason="")
    if "gap" in quantities:
        rule = dataclasses.replace(rule, gap=quantities["gap"])
    samples = [value for value in quantities.values() if isinstance(value, Sample)] or list(quantities["samples"])
    common: dict[str, Any] = {"unit": samples[0].unit, "looks": check.looks, "levels": check.levels()}
    match rule:
        case Point() | Fraction():
            reference: Published = quantities["reference"]
            hopeless = own_error_exceeds(reference, rule.margin, check.levels().accept)
            # The outcome of a point does not depend on its value; using 0 for all saves simulations.
            moved = dataclasses.replace(reference, value=0.0, version="") if isinstance(rule, Point) else reference
            return _Asked(rule=rule, truth=moved, right=_published(reference), undecidable=hopeless, **common)
        case NoChange():
            right = f"a change of {quantities.get('centre', 0.0):g}".replace("-", "−")
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


class _Run:
    """A run with placeholder numbers: a check is only called for what it would compare."""

    def __init__(self, spec: RunSpec, share: float) -> None:
        self.spec, self.share = spec, share
        percent = 100 * share
        self.history: tuple[dict[str, Any], ...] = _Rows(
            [{spec.row_name: 1, "test_top1": percent, "train_top1": percent, "train_loss": share}]
        )
        self.record: dict[str, Any] = {"frozen_before": "", "frozen_after": "", "data": {}}

    def measurement(self, name: str) -> dict[str, Any]:
        return _measurements(self.share)[name]


class _Rows(tuple[dict[str, Any], ...]):
    """A history of one row that is at every place."""

    def __getitem__(self, _at: Any) -> Any:
        return super().__getitem__(0)


class _Everything(list[float]):
    """A list of thresholds that contains every value."""

    def index(self, *_: Any) -> int:
        return 0


class _Always(dict[str, Any]):
    """A measurement by retrain that is the same for every one."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, _retrain: str) -> Any:
        return self._value


@cache
def _measurements(share: float) -> dict[str, dict[str, Any]]:
    at, percent = _Everything([0.01]), 100 * share
    return {
        "accuracy": {"top1": percent, "top5": 90.0, "loss": 1.0, "train_top1": percent},
        "affine": {"count": 10_000, "thresholds": at, "share_below": [share]},
        "clamp": {"thresholds": at, "top1": [percent]},
        "relus": {"units": 10_000, "channels": 1000, "share_dead": share, "share_dead_channels": share},
        "tickets": {"top1": _Always(percent), "beside": _Always([0.01] * 3), "beside_by_chance": _Always([0.01] * 3)},
        "parameters": dict.fromkeys(("convolution", "shortcut", "batchnorm", "output", "total"), 1),
    }


class _Imagined(Evidence):
    """Evidence from runs that do not exist: it records what a check would compare, and compares nothing."""

    def __init__(self, check: Check, share: float = 0.5) -> None:
        runs: dict[str, Any] = {arm: tuple(_Run(spec, share) for spec in specs) for arm, specs in check.arms(1).items()}
        super().__init__(check, runs, check.levels())
        self.asked: list[dict[str, Any]] = []

    def sample(
        self, arm: str, read: Callable[[Any], float], *, label: str, unit: Unit, step: float, quantity: str = ""
    ) -> Sample:
        """By arm, without the keys of its runs, as hashing them would take most of the time."""
        values = tuple(float(read(run)) for run in self.runs(arm))
        return Sample(label=label, values=values, seeds=(0,), unit=unit, step=step, runs=(arm,), quantity=quantity)

    def find(self, **quantities: Any) -> None:
        """Records what would be compared."""
        self.asked.append(quantities)
