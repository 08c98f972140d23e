"""A pilot: how many images a second one GPU trains when 1, 2, 4, 8 runs share it, and what follows for packing."""

import json
import math
import multiprocessing
import queue as queues
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from repro.cluster import ledger
from repro.cluster.elements import Sharing
from repro.cluster.profile import Profile
from repro.errors import ClusterError
from repro.planning.cost import Known, forward_macs
from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec
from repro.runs.store import Store, write

TRIED = (1, 2, 4, 8)  # runs at a time
WORTH = 1.05  # sharing further must raise the images a second by this much
SECONDS = 5.0  # that each trial lasts, after its processes are warm
NETWORKS = 6  # that a pilot measures at most: those that the plan spends most on
PATIENCE = 300.0  # seconds for the processes of one trial to start


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
        fields = json.loads(path(store, profile).read_text())
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


def measure(
    specs: Sequence[RunSpec],
    *,
    data_dir: Path,
    device: str,
    node: str,
    most: int = TRIED[-1],
    seconds: float = SECONDS,
) -> Pilot:
    """Measures networks one after the other, each shared by ever more runs until that is worth nothing or fails."""
    made = []
    for spec in specs:
        rates: dict[str, float] = {}
        for count in [count for count in TRIED if count <= most]:
            rate = _rate(spec, count, data_dir, device, seconds)
            if rate is None:
                break
            rates[str(count)] = round(rate, 1)
            if count > 1 and rate <= WORTH * rates[str(count // 2)]:
                break
        if rates:
            made.append(Measured(spec=spec.to_json(), rates=rates))
    return Pilot(device=device, node=node, networks=tuple(made))


def save(pilot: Pilot, where: Path) -> None:
    """Writes a pilot's result by rename."""
    write(where, json.dumps(asdict(pilot), indent=1).encode())


def _rate(spec: RunSpec, count: int, data_dir: Path, device: str, seconds: float) -> float | None:
    """Images a second of several processes that train at the same time; None when one of them fails."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(count), context.Queue()
    endless = replace(spec, epochs=1_000_000)
    arguments = (endless, data_dir, device, seconds, barrier, answers)
    processes = [context.Process(target=_train, args=arguments, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        rates = [answers.get(timeout=PATIENCE) for _ in processes]
    except queues.Empty:
        return None
    finally:
        for process in processes:
            process.kill()
            process.join()
    return None if any(math.isnan(rate) for rate in rates) else sum(rates)


def _train(spec: RunSpec, data_dir: Path, device: str, seconds: float, barrier: Any, answers: Any) -> None:
    from repro.training import speed

    try:
        answers.put(
            speed(spec, data_dir=data_dir, device=device, ready=lambda: barrier.wait(PATIENCE), seconds=seconds)
        )
    except Exception:  # out of memory, most likely: the answer is that so many do not fit
        barrier.abort()
        answers.put(math.nan)
        raise
