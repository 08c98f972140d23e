"""What a run measured, as the document keeps it: numbers to draw, which decide nothing."""

from dataclasses import dataclass
from typing import Any

from repro.errors import StoreError
from repro.runs.store import Run

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The measurements of one run that figures are drawn from; null or empty where one is missing or damaged."""

    parameters: dict[str, int]  # number of parameters by part
    top1: float | None  # test accuracy with running statistics, percent
    thresholds: tuple[float, ...]  # at which small γ are counted and set to 0
    small_gamma: tuple[float, ...]  # share of |γ| below each threshold
    clamped_top1: tuple[float, ...]  # test accuracy with every |γ| below each threshold set to 0, percent
    dead_relus: float | None  # share of ReLUs that are 0 on more than 99 % of the test images
    dead_channels: float | None  # the same, a ReLU being a whole channel
    gammas: int | None  # number of γ, those beyond the histogram among them
    gamma_from: float | None  # lower edge of the first bin of the histogram
    gamma_bin: float | None  # width of its bins
    gamma_histogram: tuple[int, ...]  # number of γ in each bin, up to the last bin with any


def measures(run: Run) -> Measures:
    """The measurements of a run."""
    affine, clamp, relus = (_read(run, name) for name in ("affine", "clamp", "relus"))
    edges, counts = affine.get("edges", ()), list(affine.get("gamma_histogram", ()))
    while counts and not counts[-1]:
        counts.pop()
    empty = next((i for i, count in enumerate(counts) if count), 0)
    thresholds = affine.get("thresholds", ())
    return Measures(
        parameters={name: int(count) for name, count in _read(run, "parameters").items()},
        top1=_read(run, "accuracy").get("top1"),
        thresholds=tuple(thresholds),
        small_gamma=tuple(affine.get("share_below", ())),
        clamped_top1=tuple(clamp.get("top1", ())) if clamp.get("thresholds") == thresholds else (),
        dead_relus=relus.get("share_dead"),
        dead_channels=relus.get("share_dead_channels"),
        gammas=affine.get("count"),
        gamma_from=edges[empty] if counts else None,
        gamma_bin=round(edges[1] - edges[0], 9) if counts else None,
        gamma_histogram=tuple(counts[empty:]),
    )


def _read(run: Run, name: str) -> Json:
    if f"measurements/{name}.json" not in run.record["files"]:
        return {}
    try:
        return run.measurement(name)
    except StoreError:  # a check that reads it is BLOCKED and says so
        return {}
