"""The multiverse of one finding: its outcome on every path of choices that the analysis could have taken."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from repro.compare.bounds import FractionBound
from repro.compare.finding import Outcome
from repro.compare.ordering import Ordering
from repro.compare.published import Published
from repro.compare.ranges import Fraction, NoChange, Point
from repro.compare.trend import Trend
from repro.errors import ClaimError
from repro.statistics import Levels, Sample, share_a_run

Varied = Point | Fraction | FractionBound | NoChange | Ordering | Trend
FACTORS = {"as frozen": 1.0, "× ½": 0.5, "× 2": 2.0}


@dataclass(frozen=True, kw_only=True)
class Path:
    """One path: its choices, in the order of the table's columns, and its outcome."""

    choices: Mapping[str, str]
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Multiverse:
    """All paths, that of the frozen criterion first."""

    paths: tuple[Path, ...]

    @property
    def share(self) -> float:
        """Share of the paths whose outcome is that of the frozen criterion, which counts too."""
        return sum(path.outcome is self.paths[0].outcome for path in self.paths) / len(self.paths)


def multiverse(rule: Varied, measured: Mapping[str, Mapping[str, Any]], levels: Levels) -> Multiverse:
    """The outcomes of a rule over all combinations of what could have been chosen.

    ``measured``: what ``rule.compare`` takes besides the levels, by the name of the way it was measured ("final epoch",
    "best epoch"; "unit", "channel"; a threshold), the frozen way first. Beside these are varied: the margin, gap or
    limit, halved and doubled; for two arms with the same seeds, paired or Welch; for a published value, whether its own
    error is counted.

    Raises:
        ClaimError: nothing was measured.
    """
    if not measured:
        raise ClaimError("a multiverse needs at least one way to measure: that of the frozen criterion.")
    paths = []
    for (way, quantities), (size, varied) in product(measured.items(), _sizes(rule)):
        for test, given in _tests(varied, quantities):
            found = varied.compare(levels=levels, **given)
            paths.append(Path(choices={"measured": way, "size": size, "test": test}, outcome=found.outcome))
    return Multiverse(paths=tuple(paths))


def _sizes(rule: Varied) -> Iterator[tuple[str, Varied]]:
    field = {"Ordering": "gap", "FractionBound": "limit"}.get(rule.name, "margin")
    value = getattr(rule, field)
    largest = 1.0 if isinstance(rule, Fraction | FractionBound) else float("inf")
    for words, factor in FACTORS.items():
        if (factor == 1 or value) and factor * value < largest:
            yield f"{field} {words}", replace(rule, **{field: factor * value})


def _tests(rule: Varied, quantities: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The quantities as frozen, and as the other test takes them."""
    reference = quantities.get("reference")
    if isinstance(reference, Published):
        exact = replace(reference, sd=0.0, reading_error=0.0)
        if exact == reference:
            return [("as frozen", quantities)]
        return [
            ("reference with its error", quantities),
            ("reference taken as exact", {**quantities, "reference": exact}),
        ]
    higher, lower = quantities.get("higher"), quantities.get("lower")
    if isinstance(rule, Ordering) and isinstance(higher, Sample) and isinstance(lower, Sample):
        apart = {"higher": replace(higher, runs=()), "lower": replace(lower, runs=())}
        if higher.seeds != lower.seeds:
            return [("Welch", apart)]
        keys = tuple(f"seed {seed}" for seed in higher.seeds)
        paired = {"higher": replace(higher, runs=keys), "lower": replace(lower, runs=keys)}
        both: list[tuple[str, Mapping[str, Any]]] = [("Welch", apart), ("paired", paired)]
        return both[::-1] if share_a_run(higher, lower) else both
    return [("as frozen", quantities)]
