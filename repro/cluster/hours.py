"""GPU-hours of a store's submissions: allocated, useful, wasted, saved."""

import contextlib
from dataclasses import asdict, dataclass
from typing import Any

from repro.cluster import ledger
from repro.cluster.ledger import Life, Submission
from repro.errors import StoreError
from repro.runs.spec import RunSpec
from repro.runs.store import SPEC, Store


@dataclass(frozen=True, kw_only=True)
class Hours:
    """What jobs took and gave, in hours of one GPU; of one job where the profile asks for none."""

    allocated: float  # from the start to the end of every life
    useful: float  # training that is in a finished run or its last checkpoint
    wasted: float  # the rest: starting, idle places, steps that were lost
    reused: float  # runs that were complete when they were submitted, and not trained again
    resumed: float  # training that requeued runs kept from lives before their last
    lives: int
    requeues: int


def hours(store: Store, chain: str | None = None) -> Hours | None:
    """The hours of all submissions of a store, or of the rounds of one order; None when there was none."""
    submissions = [one for one in ledger.submissions(store) if chain in (None, one.chain)]
    if not submissions:
        return None
    allocated = useful = resumed = 0.0
    lives = requeues = 0
    parts = _parts(store, submissions)
    last_part = {key: some[-1] for key, some in parts.items() if some}
    for submission in submissions:
        for some in ledger.lives(submission).values():
            for life in some:
                lives, requeues = lives + 1, requeues + (life.restart > 0)
                share = max(1, life.gpus) / life.workers
                took = life.seconds * max(1, life.gpus)
                kept = {key: _kept(life, parts.get(key, [])) for key in submission.elements[life.element]}
                allocated += took
                useful += min(took, share * sum(kept.values()))
                resumed += share * sum(s for key, s in kept.items() if s and not _belongs(life, last_part[key]))
    return Hours(
        allocated=allocated / 3600,
        useful=useful / 3600,
        wasted=(allocated - useful) / 3600,
        reused=sum(one.reused_seconds for one in submissions) / 3600,
        resumed=resumed / 3600,
        lives=lives,
        requeues=requeues,
    )


def account(store: Store) -> dict[str, Any] | None:
    """What a report says of the cluster, as JSON values; None when nothing was submitted."""
    found = hours(store)
    if found is None:
        return None
    submissions = ledger.submissions(store)
    clusters = sorted({one.profile.name for one in submissions})
    exhausted = sorted(
        {
            key
            for submission in submissions
            for some in ledger.lives(submission).values()
            if some[-1].end == "exhausted"
            for key in submission.elements[some[-1].element]
        }
    )
    return {
        "clusters": clusters,
        "submissions": len(submissions),
        "hours": {name: round(value, 4) for name, value in asdict(found).items()},
        "excluded_nodes": [
            {"cluster": cluster, "node": node, "why": why}
            for cluster in clusters
            for node, why in sorted(ledger.faults(store, cluster).items())
        ],
        "exhausted": [
            {"key": key, "name": spec.name}
            for key in exhausted
            if (spec := _spec(store, key)) and store.condition(spec) != "complete"
        ],
    }


def _parts(store: Store, submissions: list[Submission]) -> dict[str, list[dict[str, Any]]]:
    """The uninterrupted pieces of training that each submitted run consists of so far."""
    found = {}
    for key in {key for one in submissions for keys in one.elements for key in keys}:
        spec = _spec(store, key)
        if spec is None:
            continue
        if store.condition(spec) == "complete":
            with contextlib.suppress(StoreError):  # a run changed by hand is for the judge to name
                found[key] = list(store.run(spec).record["parts"])
        else:
            found[key] = list((store.place(spec) or {}).get("parts", []))
    return found


def _spec(store: Store, key: str) -> RunSpec | None:
    """The spec of a run that was submitted; None where its folder was deleted."""
    path = store.root / key / SPEC
    return RunSpec.from_json(path.read_text(), path) if path.exists() else None


def _belongs(life: Life, part: dict[str, Any]) -> bool:
    job = part.get("job") or {}
    return job.get("id") == life.job and job.get("restart") == life.restart


def _kept(life: Life, parts: list[dict[str, Any]]) -> float:
    return float(sum(part["seconds"] for part in parts if _belongs(life, part)))
