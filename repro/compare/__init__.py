"""Findings: samples held against a frozen rule. Kinds X, P, O, T, N and F decide; M only measures."""

from repro.compare.bounds import FractionBound
from repro.compare.exact import AtMost, Exact, Printed, agreement
from repro.compare.finding import (
    RULES_VERSION,
    Finding,
    Outcome,
    Sweep,
    between,
    flips_over_looks,
    would_change_over_looks,
)
from repro.compare.measure import Measure
from repro.compare.ordering import Ordering
from repro.compare.published import Published, own_error, undecidable
from repro.compare.ranges import Fraction, NoChange, Point
from repro.compare.trend import Trend
from repro.statistics import COVERAGE, Levels, Sample, paired_differences

Rule = Exact | Printed | AtMost | Point | Fraction | FractionBound | NoChange | Ordering | Trend | Measure

__all__ = [
    "COVERAGE",
    "RULES_VERSION",
    "AtMost",
    "Exact",
    "Finding",
    "Fraction",
    "FractionBound",
    "Levels",
    "Measure",
    "NoChange",
    "Ordering",
    "Outcome",
    "Point",
    "Printed",
    "Published",
    "Rule",
    "Sample",
    "Sweep",
    "Trend",
    "agreement",
    "between",
    "flips_over_looks",
    "own_error",
    "paired_differences",
    "undecidable",
    "would_change_over_looks",
]
