"""The runs that each scale needs, how many exist, and the cost of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.collecting.collect import collect
from repro.errors import NoPointError
from repro.planning.device import ASSUMED
from repro.planning.plan import plan
from repro.recipes import SCALES
from repro.runs.store import Store


@dataclass(frozen=True, kw_only=True)
class ScaleNeeds:
    """The trained runs that all claims together need at one scale."""

    scale: str  # smoke, pilot or paper
    runs: int  # trained runs at the first look of every claim
    complete: int  # of them, in the store
    core_hours: float  # that the missing ones are expected to take on one core


def scales(store: Store, copy: str | None, folders: Sequence[Path]) -> tuple[ScaleNeeds, ...]:
    """The needs of every scale for the claims of some folders; ``copy`` replaces CIFAR-10."""
    return tuple(_needs(scale, store, copy, [str(folder) for folder in folders]) for scale in SCALES)


def _needs(scale: str, store: Store, copy: str | None, folders: list[str]) -> ScaleNeeds:
    try:
        checks = collect(scale=scale, paths=folders, copy=copy).selected
    except NoPointError:  # at any of their claims
        checks = []
    made = plan(checks, store, device_type="cpu", device=ASSUMED["cpu"])  # on any machine the same
    trained = [run for run in made.runs if run.spec.rows]
    missing = [run for run in trained if run.condition != "complete"]
    return ScaleNeeds(
        scale=scale,
        runs=len(trained),
        complete=len(trained) - len(missing),
        core_hours=round(sum(run.cost.seconds for run in missing) / 3600, 2),
    )
