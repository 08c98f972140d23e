"""The needs of every scale: what claims ask for there, held against a store."""

from collections.abc import Sequence
from pathlib import Path

from repro.collecting.collect import collect
from repro.errors import NoPointError
from repro.planning.device import ASSUMED
from repro.planning.needs import ScaleNeeds, trains_nothing
from repro.planning.plan import plan
from repro.recipes import SCALES
from repro.runs.store import Store


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
        untrained=sum(run.condition == "complete" and trains_nothing(run.spec) for run in trained),
        core_hours=round(sum(run.cost.seconds for run in missing) / 3600, 2),
    )
