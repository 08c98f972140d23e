"""The plan: each run once, with the checks that need it, its condition and its cost."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from repro.check import JUDGED_BY, Check, judging_code
from repro.errors import DamagedRunError
from repro.planning.cost import Cost, Known, estimator
from repro.planning.device import Device, at_hand
from repro.planning.order import verdicts_first
from repro.provenance import device_name
from repro.runs.spec import RunSpec
from repro.runs.store import Condition, Run, Store


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One run of a plan."""

    spec: RunSpec
    checks: tuple[Check, ...]  # that need it, in order of collection
    condition: Condition
    why: str  # why it is missing, or reused
    cost: Cost
    others: tuple[Check, ...] = ()  # that are not planned, and may come to need it

    @property
    def criteria(self) -> dict[str, str]:
        """Hash of the frozen rule of each check that needs the run or may, by scale and id; and of the judging code."""
        rules = {f"{check.scale}:{check.id}": check.criterion_sha256 for check in (*self.checks, *self.others)}
        return {JUDGED_BY: judging_code(), **rules}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every run that some checks need, those of the nearest verdict first."""

    checks: tuple[Check, ...]
    runs: tuple[Planned, ...]
    device: Device  # one of which the costs are told

    @property
    def missing(self) -> tuple[Planned, ...]:
        """The runs still to be trained."""
        return tuple(run for run in self.runs if run.condition != "complete")

    @property
    def hours(self) -> float:
        """Expected hours of one device (GPU, or CPU core) for what is missing."""
        return sum(run.cost.seconds for run in self.missing) / 3600


def plan(
    checks: Sequence[Check],
    store: Store,
    *,
    device_type: str,
    device: Device | None = None,
    requested: Mapping[str, int] | None = None,
    known: Sequence[Known] = (),
    collected: Iterable[Check] = (),
) -> Plan:
    """The plan of some checks against a store.

    ``device`` is what the costs are those of; unless given, one of the type as `repro bench` measured it beside the
    store, else an assumed one.
    ``requested`` maps a check to the seeds that its inconclusive verdict requests in all; others get their first look,
    or the last one whose runs are all there: a verdict rests on them.
    ``known`` are measurements to scale costs from, besides the complete runs of the plan.
    ``collected`` are checks beside these: the record of a run also has the rules of those that need it at any look, so
    that whatever was selected first, each rule is on record before the runs that it judges.
    Runs are ordered by ``verdicts_first``.
    """
    seen: dict[str, Condition] = {}

    def condition(spec: RunSpec) -> Condition:
        """The condition of a run, which is looked for once however many checks need it."""
        if spec.key not in seen:
            seen[spec.key] = store.condition(spec)
        return seen[spec.key]

    wanted: dict[str, tuple[RunSpec, list[Check]]] = {}
    for check in checks:
        seeds = max((requested or {}).get(check.id, check.looks[0]), _seeds_there(check, condition))
        for key, spec in check.runs(seeds).items():
            wanted.setdefault(key, (spec, []))[1].append(check)
    conditions = {key: _opened(store, spec, condition(spec)) for key, (spec, _) in wanted.items()}
    reused = [run for _, run in conditions.values() if isinstance(run, Run)]
    device = device or at_hand(store.root, device_type, device_name(device_type))
    cost = estimator([*known, *_timed(reused, device.kind)], device)
    others: dict[str, list[Check]] = {}
    for check in collected:
        for key in check.runs(check.looks[-1]):
            others.setdefault(key, []).append(check)
    runs = [
        replace(_planned(spec, tuple(needed), store, *conditions[key], cost), others=tuple(others.get(key, ())))
        for key, (spec, needed) in wanted.items()
    ]
    return Plan(checks=tuple(checks), runs=tuple(verdicts_first(runs)), device=device)


def _seeds_there(check: Check, condition: Callable[[RunSpec], Condition]) -> int:
    """Seeds of the last look of a check whose runs, and those of the looks before it, are complete; 0 if none is."""
    seeds = 0
    for look in check.looks if len(check.looks) > 1 else ():
        if any(condition(spec) != "complete" for spec in check.runs(look).values()):
            break
        seeds = look
    return seeds


def _opened(store: Store, spec: RunSpec, condition: Condition) -> tuple[Condition, Run | DamagedRunError | None]:
    """The condition of a run and, if it has a record, the run or its damage, which counts as failed."""
    try:
        return condition, store.run(spec) if condition == "complete" else None
    except DamagedRunError as error:
        return "failed", error


def _planned(
    spec: RunSpec,
    checks: tuple[Check, ...],
    store: Store,
    condition: Condition,
    found: Run | DamagedRunError | None,
    estimate: Callable[[RunSpec], Cost],
) -> Planned:
    match condition:
        case "complete":
            why = "reused: complete in the store"
        case "training":
            why = "under way in another process"
        case "paused":
            why = "paused at a checkpoint: resumes from there"
        case "failed" if isinstance(found, DamagedRunError):
            why = f"damaged: {found}"
        case "failed":
            why = f"failed and will be tried again: {store.failure(spec)}"
        case _:
            why = "missing: never trained in this store"
    cost = estimate(spec)
    if condition == "paused":
        cost = replace(cost, seconds=cost.seconds * (1 - store.progress(spec)))
    return Planned(spec=spec, checks=checks, condition=condition, why=why, cost=cost)


def timed(store: Store, device_type: str) -> list[Known]:
    """The trained runs of a store that say what they took on a type of device; on a busy processor, its own time.

    Raises:
        StoreError: a run was changed by hand.
    """
    return _timed(store.runs(), device_type)


def _timed(runs: Iterable[Run], device_type: str) -> list[Known]:
    """As ``timed``: a processor's clock alone, in records of earlier code, says more of what else it did."""
    # Of a run that one kind of device began and another finished, no price of either can be made.
    trained = [run for run in runs if run.spec.rows and len({part["device_type"] for part in run.record["parts"]}) == 1]
    sure = [
        run for run in trained if device_type != "cpu" or all("processor_seconds" in p for p in run.record["parts"])
    ]
    return [known for known in map(_known, sure) if known.device_type == device_type]


def _known(run: Run) -> Known:
    """A complete run, as a measurement to scale from: the seconds of all its devices together.

    On a processor that other work kept busy, a run's own time is that of its threads, and not that of the clock.
    """
    parts = run.record["parts"]
    device_type = parts[-1]["device_type"]
    seconds = sum(
        min(part["seconds"], part.get("processor_seconds", math.inf) / max(1, part["threads"]))
        if device_type == "cpu"
        else part["seconds"] / part.get("runs_at_once", 1)
        for part in parts
    )
    return Known(spec=run.spec, seconds=seconds * run.spec.devices, device_type=device_type)
