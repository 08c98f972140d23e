"""How runs share a GPU: as many processes, or threads of one, as end a plan's runs soonest; measured once and kept.

Processes take turns on a GPU, unless NVIDIA's MPS runs there. What threads of one process ask of it, each on its own
stream, may run at the same time; but they share an interpreter.
"""

import json
import math
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from repro.errors import ReproError
from repro.runs.canonical import parse
from repro.runs.files import make_folder, read_plain, write
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec
from repro.runs.store import Store
from repro.runs.ticket_spec import TicketSpec

TRIED = (1, 2, 4, 8)  # runs at a time
WORTH = 1.05  # doubling the runs must raise the examples per second by this factor
LEAST = 3600.0  # seconds of training on a GPU below which measuring, some minutes, does not pay
MOST = 3  # networks to measure: those that most of a plan's time goes to

# Examples per second of so many runs at once, in as many processes, or in threads of one (True); None if they fail.
Rate = Callable[[NetworkSpec, int, bool], float | None]


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """How many runs a GPU trains at once, and whether in one process."""

    runs: int = 1
    threads: bool = False


Alike = Sequence[tuple[int, float]]  # for each condition, the number of its runs and the seconds of all, each alone


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network: examples per second over all runs that share a GPU, by number of runs."""

    spec: str  # canonical JSON
    rates: dict[str, float]  # each run in a process
    threads: dict[str, float] = field(default_factory=dict)  # each in a thread of one process

    @property
    def name(self) -> str:
        """The network's name."""
        return read_spec(self.spec, "the rates").name

    def best(self) -> int:
        """The smallest number of runs whose rate is close to the best."""
        found = 1
        for count in sorted(map(int, self.rates)):
            if self.rates[str(count)] > WORTH * self.rates[str(found)]:
                found = count
        return found


def heaviest(specs: Sequence[tuple[RunSpec, float]], most: int) -> list[tuple[NetworkSpec, float]]:
    """The networks that take the most time, from runs and their expected seconds: a run and the seconds of each."""
    spent: dict[tuple[Any, ...], tuple[float, NetworkSpec]] = {}
    for one, seconds in specs:
        spec = one.sequence[0].training if isinstance(one, TicketSpec) else one
        if spec.rows and spec.devices == 1 and isinstance(spec, NetworkSpec):
            before, first = spent.get(_kind(spec), (0.0, spec))
            spent[_kind(spec)] = (before + seconds, first)
    ordered = sorted(spent.values(), key=lambda pair: -pair[0])
    return [(spec, seconds) for seconds, spec in ordered[:most]]


def measure(spec: NetworkSpec, rate: Rate, *, threads: bool, most: int = TRIED[-1]) -> Measured:
    """The examples per second of a network by number of runs, in processes and, if wanted, in ``threads`` of one."""
    found = _rates(partial(rate, spec), {}, threads=False, most=most)
    alone = {"1": found["1"]} if found else {}
    more = _rates(partial(rate, spec), alone, threads=True, most=most) if threads and found else {}
    return Measured(spec=spec.to_json(), rates=found, threads=more)


def _rates(
    rate: Callable[[int, bool], float | None], known: dict[str, float], *, threads: bool, most: int
) -> dict[str, float]:
    """Examples per second by number of runs, doubled until that gains nothing or fails; {} if one run fails alone."""
    found = dict(known)
    for count in (count for count in TRIED if count <= most and str(count) not in known):
        now = rate(count, threads)
        if now is None:
            break
        found[str(count)] = round(now, 1)
        if count > 1 and now <= WORTH * found[str(count // 2)]:
            break
    return found


def per_gpu(
    runs: Sequence[tuple[RunSpec, float]],
    store: Store,
    device: str,
    *,
    budget: float | None,
    rate: Rate,
    tell: Callable[[str], object],
) -> Sharing:
    """How to train some runs at once on each GPU like ``device``; their seconds are those expected on one.

    What is known of their networks is read from beside the store; the rest is measured and added, where it pays within
    a ``budget`` of seconds, None for any.
    """
    networks = heaviest(runs, MOST)
    file = store.root / ".sharing" / f"{gpu_name(device)}.json"
    known, at_hand = _read(file), min(sum(seconds for _, seconds in runs), math.inf if budget is None else budget)
    for spec, _ in networks if at_hand >= LEAST else ():
        found = known.get(_kind(spec))
        if found is None or (found.rates and not found.threads):  # by earlier code, which had no threads
            tell(f"measuring how many runs like {spec.name} a GPU trains best at once: some minutes, kept in {file}")
            known[_kind(spec)] = measure(spec, rate, threads=True)
            make_folder(file.parent)
            write(file, json.dumps([asdict(one) for one in known.values()], indent=1).encode())
    return soonest([(known[_kind(spec)], _alike(spec, runs)) for spec, _ in networks if _kind(spec) in known])


def soonest(networks: Sequence[tuple[Measured, Alike]]) -> Sharing:
    """The sharing that ends first what takes so many seconds alone; of near ones the fewest processes, then runs.

    Only numbers that every network was measured with: a larger one may not fit into the memory.
    """
    hours = {
        Sharing(runs=count, threads=threads): sum(_seconds(one, alike, count, threads) for one, alike in networks)
        for threads in (False, True)
        for count in TRIED[threads:]
        if networks and all(str(count) in (one.threads if threads else one.rates) for one, _ in networks)
    }
    near = [one for one in hours if hours[one] <= WORTH * min(hours.values())]
    return min(near, key=lambda one: (1 if one.threads else one.runs, one.runs), default=Sharing())


def _seconds(network: Measured, alike: Alike, count: int, threads: bool) -> float:
    """Seconds on one GPU of so many runs at once; threads train no more at once than differ in their seeds alone."""
    if not threads:
        return sum(alone for _, alone in alike) * network.rates["1"] / network.rates[str(count)]
    total = 0.0
    for number, alone in alike:
        for runs in [count] * (number // count) + [number % count]:
            rate = max((rate for tried, rate in network.threads.items() if int(tried) <= runs), default=math.inf)
            total += alone * runs / number * network.threads["1"] / rate
    return total


def _alike(network: NetworkSpec, runs: Sequence[tuple[RunSpec, float]]) -> Alike:
    """The runs of a network and others as fast: of each condition the number of its runs, and the seconds of all."""
    numbers, seconds = Counter[RunSpec](), Counter[RunSpec]()
    for spec, alone in runs:
        trained = spec.sequence[0].training if isinstance(spec, TicketSpec) else spec
        if isinstance(trained, NetworkSpec) and _kind(trained) == _kind(network):
            numbers[spec.seedless] += 1
            seconds[spec.seedless] += alone  # type: ignore[assignment]
    return [(number, seconds[condition]) for condition, number in numbers.items()]


def gpu_name(device: str) -> str:
    """The name of a GPU as a file's; that of the device where the driver's tool does not tell."""
    index = device.partition(":")[2] or "0"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")  # CUDA counts among these, the driver among all
    index = visible[int(index)].strip() or index if int(index) < len(visible) else index
    try:
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", f"--id={index}"]
        told = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        told = ""
    return "-".join((told or device).replace(":", " ").replace("/", " ").split())


def _kind(spec: RunSpec) -> tuple[Any, ...]:
    """What runs have in common that are as fast."""
    if isinstance(spec, NetworkSpec):
        return (spec.dataset, spec.network, spec.batch_size, spec.precision)
    return (spec.dataset, spec.network)


def _read(file: Path) -> dict[tuple[Any, ...], Measured]:
    """What the file holds, by kind; nothing where it is missing or cannot be read, so that it is measured again."""
    try:
        found = [Measured(**one) for one in parse(read_plain(file))]
        return {_kind(read_spec(one.spec, file)): one for one in found}
    except (OSError, ValueError, TypeError, ReproError):
        return {}
