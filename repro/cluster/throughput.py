"""Throughput on a cluster: images per second by number of runs that share a GPU, and how many should share one."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.cluster import ledger
from repro.cluster.elements import Packing
from repro.cluster.profile import Profile
from repro.errors import ClusterError, ReproError
from repro.executing.sharing import Measured, heaviest
from repro.planning.cost import Known
from repro.planning.work import forward_macs
from repro.runs.files import write
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec
from repro.runs.store import Store

NETWORKS = 6  # measured at most: those that the plan spends most time on


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What was measured on one cluster."""

    device: str
    node: str
    networks: tuple[Measured, ...]


def path(store: Store, profile: Profile) -> Path:
    """The file that `repro cluster throughput` writes."""
    return store.root / ledger.FOLDER / f"throughput-{profile.name}.json"


def load(store: Store, profile: Profile) -> Throughput | None:
    """What was measured on a cluster; None if nothing was.

    Raises:
        ClusterError: the profile needs a measurement and there is none, or none that this version can read.
    """
    try:
        return read(json.loads(path(store, profile).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ReproError):
        if profile.runs_per_gpu == "throughput":
            raise ClusterError(
                f'profile {profile.name} sets runs_per_gpu = "throughput", but {store.root} has no measurement; '
                f"measure first: repro cluster throughput {profile.name}."
            ) from None
        return None


def read(fields: Any) -> Throughput:
    """A measurement as ``save`` wrote it, in this version or another.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, ReproError: it is none.
    """
    found = Throughput(**{**fields, "networks": tuple(Measured(**one) for one in fields["networks"])})
    for one in found.networks:
        read_spec(one.spec, "the rates")
        if not all(count.isdecimal() and float(rate) > 0 for count, rate in one.rates.items()):
            raise ValueError(f"rates of {one.rates}")
        one.rates["1"]  # alone, against which the others are held
    return found


def known(found: Throughput | None, device_type: str) -> list[Known]:
    """Seconds of whole runs, from the measured rates."""
    specs = [(read_spec(one.spec, "the rates"), one) for one in (found.networks if found else ())]
    return [
        Known(
            spec=spec,
            seconds=spec.examples / one.rates["1"],
            device_type=device_type,
        )
        for spec, one in specs
    ]


def packing(found: Throughput | None, profile: Profile) -> Packing:
    """How many runs of a network share a GPU: as the profile sets, or as measured for it or a larger network."""
    if profile.runs_per_gpu != "throughput":
        count = int(profile.runs_per_gpu)
        return lambda _spec: (count, float(count))  # at worst, they take turns
    rated = sorted(
        ((forward_macs(read_spec(one.spec, "the rates")), one) for one in (found.networks if found else ())),
        key=lambda pair: pair[0],
    )

    def of(spec: RunSpec) -> tuple[int, float]:
        measured = next((one for macs, one in rated if macs >= forward_macs(spec)), None) if spec.rows else None
        if measured is None:
            return 1, 1.0
        count = measured.best()
        return count, count * measured.rates["1"] / measured.rates[str(count)]

    return of


def networks(specs: Sequence[tuple[RunSpec, float]]) -> list[NetworkSpec]:
    """The networks worth measuring, from runs and their expected seconds: those that take the most time."""
    return [spec for spec, _ in heaviest(specs, NETWORKS)]


def save(found: Throughput, where: Path) -> None:
    """Writes a result by rename."""
    write(where, json.dumps(asdict(found), indent=1).encode())
