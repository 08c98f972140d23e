"""Published values with their own error, and the difference of a measured mean from one."""

import math
from dataclasses import dataclass

from repro.errors import ClaimError
from repro.statistics import OVERALL, Estimate, Sample, deviation_of, finite, mean_of, satterthwaite, t_quantile

ASSUMED = "published sd unknown: taken as ours"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A value that a source prints, with what is known of its error.

    A number that is known without error, such as chance, has sd 0 and reading error 0.

    Raises:
        ClaimError: a number that is not finite, a negative error, or an sd of fewer than two replicates.
    """

    value: float  # in the unit of the sample: percent, points, or a share in [0, 1]
    sd: float | None = None  # published standard deviation over replicates; None: unknown, taken as ours
    replicates: int  # behind the published mean: 5 on CIFAR-10, 3 on ImageNet
    reading_error: float  # half-width of a uniform error: 0.3 or 0.6 digitised, else half of the last printed place
    version: str = ""  # which version of the work prints it: "ICLR", "v1"

    def __post_init__(self) -> None:
        finite("published value", self.value)
        finite("reading error", self.reading_error, least=0)
        finite("number of published replicates", self.replicates, least=1)
        if self.sd is not None:
            finite("published sd", self.sd, least=0)
            if self.sd and self.replicates < 2:
                raise ClaimError("a published sd needs at least two replicates; give replicates, or sd=None.")


def mean_against(sample: Sample, published: Published, seeds: int | None = None, *, cautious: bool = False) -> Estimate:
    """The mean of a sample with the standard error of its difference from a published value.

    The variance is s²/n + s_p²/n_p + u²/3: ours, that of the published replicates, that of a uniform reading error.
    Degrees of freedom by Welch–Satterthwaite over the estimated parts. ``seeds`` asks what it would be with so many of
    ours, if mean and spread stayed.

    ``cautious``, for findings against, gives the known part no degrees of freedom: where a few seeds happen to agree,
    the reading error outweighs their spread and lends it a certainty that it has not. At the level of a grid of twelve
    points, truths on the edge were ruled out in 15 % instead of 5 %.
    """
    mean, s = mean_of(sample), deviation_of(sample)
    n = seeds or mean.seeds
    known = published.reading_error**2 / 3
    if published.sd is None:  # one spread for both
        parts = [(s**2 * (1 / n + 1 / published.replicates), n - 1)]
    else:
        parts = [(s**2 / n, n - 1)]
        if published.sd:
            parts.append((published.sd**2 / published.replicates, published.replicates - 1))
    estimated = sum(part for part, _ in parts)
    return Estimate(
        estimate=mean.estimate,
        error=math.sqrt(estimated + known),
        degrees_of_freedom=satterthwaite(estimated if cautious else estimated + known, parts),
        seeds=n,
    )


def own_error(published: Published, accept: float = OVERALL) -> float:
    """Half-width of the interval that a published value has without any error of ours: no seed makes it smaller."""
    known = published.reading_error**2 / 3
    part = published.sd**2 / published.replicates if published.sd else 0.0
    if not part:
        return math.sqrt(known) * t_quantile(1 - accept, math.inf) if known else 0.0
    variance = part + known
    return math.sqrt(variance) * t_quantile(1 - accept, satterthwaite(variance, [(part, published.replicates - 1)]))


def undecidable(published: Published, margin: float, accept: float = OVERALL) -> str:
    """One sentence when the reference's own error alone exceeds the margin, "" when it does not.

    Such a point can be ruled out or found consistent, but no number of seeds establishes it at that margin.
    """
    half = own_error(published, accept)
    if half < margin:
        return ""
    known = "no sd" if published.sd is None else f"sd {published.sd:g}"
    return (
        f"The reference {published.value:g} ({known} over {published.replicates} runs, reading error "
        f"{published.reading_error:g}) is itself uncertain by ± {half:.2g}, but the margin is ± {margin:.3g}: it can "
        "be ruled out or found consistent, but no number of seeds establishes it at that margin."
    )
