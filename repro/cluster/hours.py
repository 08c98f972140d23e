"""GPU-hours of a store's submissions: allocated, useful, wasted, saved."""

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from repro.cluster import snapshot as snapshots
from repro.cluster.ledger import Attempt
from repro.cluster.snapshot import Entry, Snapshot
from repro.errors import ReproError, StoreError
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec
from repro.runs.store import SPEC, Store


@dataclass(frozen=True, kw_only=True)
class Hours:
    """What jobs took and what of it was useful, in GPU-hours; in job-hours if the profile requests no GPU."""

    allocated: float  # from the start to the end of every attempt
    useful: float  # training kept in a finished run or a last checkpoint
    wasted: float  # the rest: start-up, idle workers, lost steps
    reused: float  # complete runs that were reused instead of being trained again
    resumed: float  # training that requeued runs kept from earlier attempts
    attempts: int
    requeues: int


def account(store: Store) -> dict[str, Any] | None:
    """What a report shows of the cluster, as JSON values; None if nothing was submitted."""
    return accounted(snapshots.read(store))


def accounted(snapshot: Snapshot) -> dict[str, Any] | None:
    """``account`` for a store that has already been read."""
    found = hours(snapshot)
    if found is None:
        return None
    clusters = sorted({one.submission.profile.name for one in snapshot.entries})
    exhausted = sorted(
        {
            key
            for one in snapshot.entries
            for some in one.attempts.values()
            if some[-1].end == "exhausted"
            for key in one.submission.elements[some[-1].element]
        }
    )
    return {
        "clusters": clusters,
        "submissions": len(snapshot.entries) + len(snapshot.damaged),
        "damaged": [one.id for one in snapshot.damaged],
        "hours": {name: round(value, 4) for name, value in asdict(found).items()},
        "excluded_nodes": [
            {"cluster": cluster, "node": node, "why": why}
            for cluster in clusters
            for node, why in sorted(snapshot.faults(cluster).items())
        ],
        "exhausted": [
            {"key": key, "name": spec.name}
            for key in exhausted
            if (spec := _spec(snapshot.store, key)) and snapshot.store.condition(spec) != "complete"
        ],
        "damaged_runs": _damaged(snapshot),
    }


def hours(snapshot: Snapshot, chain: str | None = None) -> Hours | None:
    """The hours of all submissions of a store, or of the rounds of one order; None if there was none."""
    entries = [one for one in snapshot.entries if chain in (None, one.submission.chain)]
    if not entries and not snapshot.damaged:
        return None
    allocated = useful = resumed = 0.0
    attempts = requeues = 0
    parts = _parts(snapshot.store, entries)
    last_part = {key: some[-1] for key, some in parts.items() if some}
    for entry in entries:
        for one in (one for some in entry.attempts.values() for one in some):
            attempts, requeues = attempts + 1, requeues + (one.restart > 0)
            share = max(1, one.gpus) / one.workers
            took = one.seconds * max(1, one.gpus)
            kept = {key: _kept(one, parts.get(key, [])) for key in entry.submission.elements[one.element]}
            allocated += took
            useful += min(took, share * sum(kept.values()))
            resumed += share * sum(s for key, s in kept.items() if s and not _belongs(one, last_part[key]))
    return Hours(
        allocated=allocated / 3600,
        useful=useful / 3600,
        wasted=(allocated - useful) / 3600,
        reused=sum(one.submission.reused_seconds for one in entries) / 3600,
        resumed=resumed / 3600,
        attempts=attempts,
        requeues=requeues,
    )


def _parts(store: Store, entries: Sequence[Entry]) -> dict[str, list[dict[str, Any]]]:
    """The uninterrupted parts of each submitted run's training so far."""
    found = {}
    for key in {key for one in entries for keys in one.submission.elements for key in keys}:
        spec = _spec(store, key)
        if spec is None:
            continue
        if store.condition(spec) == "complete":
            with contextlib.suppress(StoreError):  # judging reports a run that was changed by hand
                found[key] = list(store.run(spec).record["parts"])
        else:
            found[key] = list((store.position(spec) or {}).get("parts", []))
    return found


def _damaged(snapshot: Snapshot) -> list[str]:
    """Keys of submitted runs whose folder cannot be read, so that their training is not counted."""
    keys = {key for one in snapshot.entries for some in one.submission.elements for key in some}
    there = {key for key in keys if (snapshot.store.root / key / SPEC).exists()}
    return sorted(key for key in there if _spec(snapshot.store, key) is None)


def _spec(store: Store, key: str) -> RunSpec | None:
    """The spec of a submitted run; None if its folder was deleted or damaged."""
    path = store.root / key / SPEC
    try:
        return read_spec(path.read_text(encoding="utf-8"), path)
    except (OSError, ValueError, ReproError):
        return None


def _belongs(attempt: Attempt, part: dict[str, Any]) -> bool:
    job = part.get("job") or {}
    return job.get("id") == attempt.job and job.get("restart") == attempt.restart


def _kept(attempt: Attempt, parts: list[dict[str, Any]]) -> float:
    return float(sum(part["seconds"] for part in parts if _belongs(attempt, part)))
