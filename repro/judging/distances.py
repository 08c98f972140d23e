"""Distances: what was measured for a claim that its scale cannot test, beside the value that its source prints.

The claim's row keeps neither value nor margin there, so that nothing in it reads as for or against the claim. A figure
may still show how far other data, networks or schedules end from the published value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from repro.check import Check
from repro.compare import Finding, Fraction, Point
from repro.judging.observe import observe
from repro.judging.verdict import Judgement, Verdict
from repro.runs.store import Store
from repro.statistics import Interval


@dataclass(frozen=True, kw_only=True)
class Distance:
    """A mean of other data, networks or schedules than the source's, beside its published value: decides nothing."""

    check: str  # id of the claim, and the point of its grid
    label: str  # what was measured
    unit: str  # of every number here
    published: float  # the source's value
    margin: float  # of the claim's rule, around that value
    estimate: float  # mean over the seeds
    interval: Interval | None  # of the mean, from our seeds alone
    prediction: Interval | None  # of our mean if the published value were right here too, 95 %


def distances(checks: Sequence[Check], rows: Sequence[Judgement], store: Store) -> tuple[Distance, ...]:
    """One for each finding about a published value, over the runs of the look that was judged."""
    made = []
    for check, row in zip(checks, rows, strict=True):
        rule, untested = check.claim.rule, row.verdict is Verdict.MEASURED and not check.claim.tested(check.scale)
        if untested and isinstance(rule, Point | Fraction):
            arms = {arm: tuple(map(store.run, specs)) for arm, specs in check.arms(row.seeds).items()}
            found = observe(check, arms)[0].findings
            pairs = zip(found, row.findings, strict=True)
            made += [_distance(check, finding, shown.interval, rule.margin) for finding, shown in pairs]
    return tuple(made)


def _distance(check: Check, finding: Finding, interval: Interval | None, margin: float) -> Distance:
    assert finding.reference is not None  # both rules compare with one
    assert finding.estimate is not None
    return Distance(
        check=check.id,
        label=finding.label,
        unit=finding.unit,
        published=finding.reference,
        margin=margin,
        estimate=finding.estimate,
        interval=interval,
        prediction=finding.prediction,
    )
