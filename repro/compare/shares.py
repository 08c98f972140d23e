"""Shares on the arcsine-square-root scale, where their spread hardly depends on their size, and back."""

import math
from dataclasses import replace

from repro.compare.published import Published
from repro.statistics import Sample

NEAR = 0.05  # a share below this, or above one minus this, is near an end


def angle(share: float) -> float:
    """arcsin √share, in [0, π/2]."""
    return math.asin(math.sqrt(min(1.0, max(0.0, share))))


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


def mean_share(mean_angle: float, deviation: float) -> float:
    """Mean share of networks whose angles are normal with this mean and standard deviation.

    It is more than the share at the mean angle: without this a few large shares would be overlooked.
    """
    inside = min(math.pi / 2, max(0.0, mean_angle))
    return (1 - math.exp(-2 * deviation**2) * math.cos(2 * inside)) / 2


def mean_angle(share: float, deviation: float) -> float:
    """The mean angle of networks with this mean share; infinite where no angle is low or high enough."""
    cosine = (1 - 2 * share) * math.exp(2 * deviation**2)
    if share <= 0 or cosine > 1:
        return -math.inf
    if share >= 1 or cosine < -1:
        return math.inf
    return math.acos(cosine) / 2
