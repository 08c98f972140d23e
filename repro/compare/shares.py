"""Shares on the arcsine-square-root scale, where their spread hardly depends on their size, and on the log scale."""

import math
from dataclasses import replace

from repro.compare.published import Published
from repro.statistics import Estimate, Sample, deviation_of, mean_of

NEAR = 0.05  # a share below this, or above one minus this, is near an end


def angle(share_: float) -> float:
    """arcsin √share, in [0, π/2]."""
    return math.asin(math.sqrt(min(1.0, max(0.0, share_))))


def as_angles(sample: Sample) -> Sample:
    """A sample of shares as angles; the rounding step becomes what it is at their mean."""
    mean = math.fsum(sample.values) / len(sample.values)
    step = angle(mean + sample.step / 2) - angle(mean - sample.step / 2)
    return replace(sample, values=tuple(map(angle, sample.values)), step=step)


def as_angle(published: Published) -> Published:
    """A published share as an angle, each of its errors as wide as it is around that share."""

    def wide(error: float) -> float:
        return (angle(published.value + error) - angle(published.value - error)) / 2

    return replace(
        published,
        value=angle(published.value),
        sd=None if published.sd is None else wide(published.sd),
        reading_error=wide(published.reading_error),
    )


def share(angle_: float) -> float:
    """The share at an angle: sin², of the angle cut to [0, π/2]."""
    return math.sin(min(math.pi / 2, max(0.0, angle_))) ** 2


def edge(share_: float) -> float:
    """The angle of an end of a criterion; infinite where no share lies beyond it."""
    return -math.inf if share_ <= 0 else math.inf if share_ >= 1 else angle(share_)


def log_mean(sample: Sample, seeds: int | None = None) -> Estimate:
    """The logarithm of the mean of positively skewed shares, by Cox's method: m + s²/2 of their logarithms.

    Shares of 0 are taken as half a rounding step. ``seeds`` as in ``mean_of``. (Zhou and Gao 1997.)
    """
    least = sample.step / 2 or 1e-12
    mean = max(least, math.fsum(sample.values) / len(sample.values))
    logs = tuple(math.log(max(least, value)) for value in sample.values)
    turned = replace(sample, values=logs, step=sample.step / mean)
    n, s = seeds or len(logs), deviation_of(turned)
    error = math.sqrt(s**2 / n + s**4 / (2 * (n - 1))) if n > 1 else 0.0
    return Estimate(estimate=mean_of(turned).estimate + s**2 / 2, error=error, degrees_of_freedom=n - 1, seeds=n)
