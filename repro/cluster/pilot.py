"""A pilot's data: images a second by runs that share a GPU, and what follows for packing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.cluster import ledger
from repro.cluster.elements import Sharing
from repro.cluster.profile import Profile
from repro.errors import ClusterError
from repro.planning.cost import Known, forward_macs
from repro.runs.datasets import DATASETS
from repro.runs.files import write
from repro.runs.spec import RunSpec
from repro.runs.store import Store

WORTH = 1.05  # sharing further must raise the images a second by this much
NETWORKS = 6  # that a pilot measures at most: those that the plan spends most on


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network: images a second, all sharing runs taken together, by how many share."""

    spec: str  # canonical JSON
    rates: dict[str, float]

    @property
    def name(self) -> str:
        """Of the network."""
        return RunSpec.from_json(self.spec, "the pilot").name

    def best(self) -> int:
        """The smallest number of runs that is within reach of the best rate."""
        found = 1
        for count in sorted(map(int, self.rates)):
            if self.rates[str(count)] > WORTH * self.rates[str(found)]:
                found = count
        return found


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """What a pilot measured on one cluster."""

    device: str
    node: str
    networks: tuple[Measured, ...]


def path(store: Store, profile: Profile) -> Path:
    """Where a pilot leaves its result."""
    return store.root / ledger.FOLDER / f"pilot-{profile.name}.json"


def load(store: Store, profile: Profile) -> Pilot | None:
    """What the pilot of a cluster measured; None when there was none.

    Raises:
        ClusterError: the profile asks for one and there was none.
    """
    try:
        fields = json.loads(path(store, profile).read_text(encoding="utf-8"))
        return Pilot(**{**fields, "networks": tuple(Measured(**one) for one in fields["networks"])})
    except (OSError, ValueError, KeyError, TypeError):
        if profile.runs_per_gpu == "pilot":
            raise ClusterError(
                f'profile {profile.name} says runs_per_gpu = "pilot", and {store.root} holds none; '
                f"measure first: repro cluster pilot {profile.name}."
            ) from None
        return None


def known(pilot: Pilot | None, device_type: str) -> list[Known]:
    """Measured seconds of whole runs, from seconds a step."""
    specs = [(RunSpec.from_json(one.spec, "the pilot"), one) for one in (pilot.networks if pilot else ())]
    return [
        Known(
            spec=spec,
            seconds=spec.epochs * DATASETS[spec.dataset].train_images / one.rates["1"],
            device_type=device_type,
        )
        for spec, one in specs
    ]


def sharing(pilot: Pilot | None, profile: Profile) -> Sharing:
    """How many runs of a kind share a GPU: as the profile says, or as was measured for it or for a larger network."""
    if profile.runs_per_gpu != "pilot":
        count = int(profile.runs_per_gpu)
        return lambda _spec: (count, float(count))  # at worst, they take turns
    rated = sorted(
        ((forward_macs(RunSpec.from_json(one.spec, "the pilot")), one) for one in (pilot.networks if pilot else ())),
        key=lambda pair: pair[0],
    )

    def of(spec: RunSpec) -> tuple[int, float]:
        measured = next((one for macs, one in rated if macs >= forward_macs(spec)), None) if spec.epochs else None
        if measured is None:
            return 1, 1.0
        count = measured.best()
        return count, count * measured.rates["1"] / measured.rates[str(count)]

    return of


def networks(specs: Sequence[tuple[RunSpec, float]]) -> list[RunSpec]:
    """The networks worth measuring among runs and their expected seconds: those that most time goes to."""
    spent: dict[tuple[Any, ...], tuple[float, RunSpec]] = {}
    for spec, seconds in specs:
        if spec.epochs:
            kind = (spec.dataset, spec.depth, spec.width, spec.batch_size, spec.precision)
            before, first = spent.get(kind, (0.0, spec))
            spent[kind] = (before + seconds, first)
    return [spec for _, spec in sorted(spent.values(), key=lambda pair: -pair[0])][:NETWORKS]


def save(pilot: Pilot, where: Path) -> None:
    """Writes a pilot's result by rename."""
    write(where, json.dumps(asdict(pilot), indent=1).encode())
