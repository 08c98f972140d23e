"""How many runs share a GPU: the number that ends a plan's runs soonest, measured once and kept beside the store."""

import json
import math
import multiprocessing
import queue as queues
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.errors import ReproError
from repro.runs.files import explain_write_errors, write
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec
from repro.runs.store import Store
from repro.runs.ticket_spec import TicketSpec

TRIED = (1, 2, 4, 8)  # runs at a time
WORTH = 1.05  # doubling the runs must raise the examples per second by this factor
SECONDS = 5.0  # of each trial, after its processes have warmed up
PATIENCE = 600.0  # seconds for the processes of one trial to start
LEAST = 3600.0  # seconds of training on a GPU below which measuring, some minutes, does not pay
POLL = 1.0  # seconds between looks whether to stop
MOST = 3  # networks to measure: those that most of a plan's time goes to

Rate = Callable[[NetworkSpec, int], float | None]  # examples per second of so many runs at once; None if they fail


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network: examples per second over all runs that share a GPU, by number of runs."""

    spec: str  # canonical JSON
    rates: dict[str, float]

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


def rates(spec: NetworkSpec, rate: Rate, most: int = TRIED[-1]) -> dict[str, float]:
    """Examples per second by number of runs, doubled until that gains nothing or fails; {} if one run fails alone."""
    found: dict[str, float] = {}
    for count in (count for count in TRIED if count <= most):
        now = rate(spec, count)
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
) -> int:
    """How many of some runs to train at once on each GPU like ``device``; their seconds are those expected on one.

    What is known of their networks is read from beside the store; the rest is measured and added, where it pays within
    a ``budget`` of seconds, None for any.
    """
    networks = heaviest(runs, MOST)
    file = store.root / ".sharing" / f"{gpu_name(device)}.json"
    known, at_hand = _read(file), min(sum(seconds for _, seconds in runs), math.inf if budget is None else budget)
    for spec, _ in networks if at_hand >= LEAST else ():
        if _kind(spec) not in known:
            tell(f"measuring how many runs like {spec.name} a GPU trains best at once: some minutes, kept in {file}")
            known[_kind(spec)] = Measured(spec=spec.to_json(), rates=rates(spec, rate))
            with explain_write_errors(file.parent):
                file.parent.mkdir(parents=True, exist_ok=True)
            write(file, json.dumps([asdict(one) for one in known.values()], indent=1).encode())
    return soonest([(known[_kind(spec)].rates, seconds) for spec, seconds in networks if _kind(spec) in known])


def soonest(networks: Sequence[tuple[dict[str, float], float]]) -> int:
    """The number of runs at once that ends first what takes so many seconds, for rates by number of runs.

    Only numbers that every network was measured with: a larger one may not fit into the memory.
    """
    counts = [count for count in TRIED if networks and all(str(count) in rates for rates, _ in networks)]
    hours = {count: sum(s * rates["1"] / rates[str(count)] for rates, s in networks) for count in counts}
    best = 1
    for count in counts[1:]:
        if WORTH * hours[count] < hours[best]:
            best = count
    return best


def gpu_name(device: str) -> str:
    """The name of a GPU as a file's; that of the device where the driver's tool does not tell."""
    index = device.partition(":")[2] or "0"
    try:
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", f"--id={index}"]
        told = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        told = ""
    return "-".join((told or device).replace(":", " ").replace("/", " ").split())


class StoppedError(Exception):
    """The user ended a measurement."""


def measured_rate(data_dir: Path, device: str, *, stopped: Callable[[], bool], seconds: float = SECONDS) -> Rate:
    """Measures rates on a device, each run in a process of its own, all at the same time; StoppedError when told."""

    def rate(spec: NetworkSpec, count: int) -> float | None:
        context = multiprocessing.get_context("spawn")
        barrier, answers = context.Barrier(count), context.Queue()
        arguments = (spec, data_dir, device, seconds, barrier, answers)
        processes = [context.Process(target=_train, args=arguments, daemon=True) for _ in range(count)]
        for process in processes:
            process.start()
        try:
            found = [_answer(answers, stopped) for _ in processes]
        except queues.Empty:
            return None
        finally:
            for process in processes:
                process.kill()
                process.join()
        return None if any(math.isnan(one) for one in found) else sum(found)

    return rate


def _answer(answers: Any, stopped: Callable[[], bool]) -> float:
    late = time.monotonic() + PATIENCE
    while True:
        try:
            return float(answers.get(timeout=POLL))
        except queues.Empty:
            if stopped():
                raise StoppedError from None
            if time.monotonic() > late:
                raise


def _train(spec: NetworkSpec, data_dir: Path, device: str, seconds: float, barrier: Any, answers: Any) -> None:
    from repro.training import speed

    try:
        answers.put(
            speed(spec, data_dir=data_dir, device=device, ready=lambda: barrier.wait(PATIENCE), seconds=seconds)
        )
    except Exception:  # most likely out of memory: that many do not fit
        barrier.abort()
        answers.put(math.nan)
        raise


def _kind(spec: RunSpec) -> tuple[Any, ...]:
    """What runs have in common that are as fast."""
    if isinstance(spec, NetworkSpec):
        return (spec.dataset, spec.network, spec.batch_size, spec.precision)
    return (spec.dataset, spec.network)


def _read(file: Path) -> dict[tuple[Any, ...], Measured]:
    """What the file holds, by kind; nothing where it is missing or cannot be read, so that it is measured again."""
    try:
        found = [Measured(**one) for one in json.loads(file.read_text(encoding="utf-8"))]
        return {_kind(read_spec(one.spec, file)): one for one in found}
    except (OSError, ValueError, TypeError, ReproError):
        return {}
