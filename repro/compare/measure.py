"""The rule that only measures."""

from dataclasses import dataclass
from typing import ClassVar

from repro.compare.finding import Finding, Outcome, amount, between
from repro.statistics import COVERAGE, OVERALL, Levels, Sample, mean_of


@dataclass(frozen=True, kw_only=True)
class Measure:
    """M: the source's value could not be read, so the measurement stands alone and decides nothing."""

    kind: ClassVar[str] = "M"
    name: ClassVar[str] = "Measure"
    reason: str

    def compare(self, *, levels: Levels, sample: Sample) -> Finding:  # noqa: ARG002
        """Mean and 90 % t-interval of a sample, cut at 0 and 1 for a share.

        As nothing is decided, there is no second look to allow for.
        """
        mean = mean_of(sample)
        interval = mean.interval(OVERALL) if mean.seeds > 1 else None
        if interval and sample.unit == "share":
            interval = max(0.0, interval[0]), min(1.0, interval[1])
        spread = f", {100 * COVERAGE:g} % interval {between(*interval, sample.unit)}" if interval else ""
        return Finding(
            label=sample.label,
            expected="",
            measured=amount(mean.estimate, sample.unit),
            outcome=Outcome.MEASURED,
            why=f"{sample.label}: {amount(mean.estimate, sample.unit)}{spread} over {mean.seeds} seeds.",
            samples=(sample,),
            estimate=mean.estimate,
            interval=interval,
            interval_level=COVERAGE,
            degrees_of_freedom=mean.degrees_of_freedom or None,
            unit=sample.unit,
        )
