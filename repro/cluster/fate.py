"""Fates: the state of each submitted run, from results on disk, then the attempts of its jobs, then the queue."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from repro.cluster.deaths import by_element
from repro.cluster.ledger import Attempt, Json, Submission
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Entry, Snapshot
from repro.runs.lease import RENEW
from repro.runs.spec import RunSpec
from repro.runs.store import SPEC, Store

RunState = Literal[
    "complete",
    "running",
    "suspended",  # started, then suspended by the scheduler, which resumes it by itself
    "queued",
    "missing",  # never started, or deleted since
    "paused",  # at a checkpoint, and in no job
    "waiting",  # for the site: a full or read-only folder, a lost mount, missing data, changed code
    "failed",  # with a traceback: training it again would fail again
    "killed",  # its job ended without a report
    "cancelled",
    "exhausted",  # out of requeues, with its last checkpoint
]
UNDER_WAY = ("running", "suspended", "queued")
STUCK = ("failed", "exhausted")  # only `repro retry` queues these again
INNOCENT = ("PREEMPTED", "BOOT_FAIL", "SITE_FAULT")  # deaths that no run brings about; it may take a node down
STALE = 2 * RENEW  # seconds without a renewal after which a lease counts as no longer renewed


@dataclass(frozen=True, kw_only=True)
class Fate:
    """The state of one run and of its last job."""

    spec: RunSpec
    state: RunState
    why: str = ""
    submission: Submission | None = None  # the last one with this run
    element: int | None = None
    job: str | None = None
    node: str = ""
    exit_code: str = ""
    attempt: Attempt | None = None  # the last
    deaths: int = 0  # number of last attempts in a row that ended without a report


def fates(specs: Iterable[RunSpec], snapshot: Snapshot, queue: Sequence[Job] | None) -> dict[str, Fate]:
    """The fate of each run, by its key; ``queue`` as ``scheduler.jobs`` gives it, None if it could not be asked."""
    places: dict[str, list[tuple[Entry, int]]] = {}
    for entry in snapshot.entries:
        for number, keys in enumerate(entry.submission.elements):
            for key in keys:
                places.setdefault(key, []).append((entry, number))
    alive = None if queue is None else by_element(queue)
    return {spec.key: _fate(spec, snapshot.store, places.get(spec.key, []), alive) for spec in specs}


def to_be_queued(one: Fate) -> bool:
    """Whether `repro submit` queues a run."""
    return one.state not in ("complete", *UNDER_WAY, *STUCK)


def _fate(
    spec: RunSpec, store: Store, places: Sequence[tuple[Entry, int]], alive: Mapping[tuple[str, int], Job] | None
) -> Fate:
    if not places:
        return _without_job(spec, store)
    # Where it was never queued, as submit was killed or refused, what became of it before still holds.
    entry, number = ([one for one in places if _was_queued(*one, alive or {})] or places)[-1]
    submission = entry.submission
    job_id = submission.job_of(number)
    job = (alive or {}).get((submission.id, number))
    attempt = next(iter(entry.attempts.get(number, ())[-1:]), None)
    # A job that is live again, as after an operator's requeue, has not died.
    death = None if job is not None and job.live else entry.deaths.get(job_id or "")
    state, why = _state(spec, store, job, attempt, job_id, death)
    unfinished = attempt is None or attempt.end in (None, "requeued")
    if alive is None and job_id and unfinished and death is None and state in ("cancelled", "killed"):
        state, why = "queued", "according to the files alone"
    if state == "cancelled" and entry.at_fault and spec.key not in entry.cancelled:
        state, why = "waiting", "its job was taken out of the queue, as another met a fault of the site"
    return Fate(
        spec=spec,
        state=state,
        why=why,
        submission=submission,
        element=number,
        job=job.id if job else job_id,
        node=(attempt.node if attempt else "") or (job.node if job else "") or (death or {}).get("node", ""),
        exit_code=(death or {}).get("exit_code", ""),
        attempt=attempt,
        deaths=_deaths(places),
    )


def _was_queued(entry: Entry, number: int, alive: Mapping[tuple[str, int], Job]) -> bool:
    one = entry.submission
    return one.job_of(number) is not None or number in entry.attempts or (one.id, number) in alive


def _deaths(places: Sequence[tuple[Entry, int]]) -> int:
    """Number of last attempts at a run in a row that ended without a report, or before they started."""
    silent: list[bool] = []
    for entry, number in places:
        some = entry.attempts.get(number, ())
        death = entry.deaths.get(entry.submission.job_of(number) or "")
        ends = [one.end is None for one in some] or ([True] if death else [])
        innocent = death is not None and death["state"] in INNOCENT and death.get("attempts", len(some)) == len(some)
        silent += ends[:-1] if innocent and ends[-1:] == [True] else ends
    return len(list(takewhile(bool, reversed(silent))))


def _without_job(spec: RunSpec, store: Store) -> Fate:
    match store.condition(spec):
        case "complete":
            return Fate(spec=spec, state="complete")
        case "training":
            return Fate(spec=spec, state="running", why="by a process outside the queue")
        case "failed":
            return Fate(spec=spec, state="failed", why=store.failure(spec))
        case "paused":
            return Fate(spec=spec, state="paused", why="at a checkpoint")
        case _:
            return Fate(spec=spec, state="missing", why="never trained in this store")


def _state(
    spec: RunSpec,
    store: Store,
    job: Job | None,
    attempt: Attempt | None,
    job_id: str | None,
    death: Mapping[str, str] | None,
) -> tuple[RunState, str]:
    condition = store.condition(spec)
    if condition == "complete":
        return "complete", ""
    if job is not None and job.state in ("SUSPENDED", "STOPPED") and attempt is not None:
        return "suspended", f"job {job.id} is suspended; SLURM resumes it, or: scontrol resume {job.id}"
    # A killed job on another machine still holds its lease for a while: trust the scheduler.
    if condition == "training" and not (death or (job is not None and not job.live)):
        return "running", _unrenewed(store, spec)
    ended = _ended(spec, store, attempt)
    if ended is not None and not (ended[0] == "waiting" and job is not None and job.live):
        return ended
    if job is not None and job.live:
        if attempt is not None and attempt.end is None and job.state == "RUNNING":
            return "running", "about to start"
        return "queued", job.reason
    if attempt is not None:
        return _after_attempt(attempt, death)
    return _before_attempt(store, condition == "paused", job, job_id, death)


def _ended(spec: RunSpec, store: Store, attempt: Attempt | None) -> tuple[RunState, str] | None:
    """The state that the last attempt recorded for a run it could not finish; None if that is not final."""
    recorded: Json = dict(attempt.runs.get(spec.key, {})) if attempt else {}
    if recorded.get("status") not in ("failed", "crashed", "waiting"):
        return None
    if recorded["status"] == "waiting":  # perhaps before it had a folder
        return "waiting", str(recorded["error"])
    if not (store.folder(spec) / SPEC).exists():
        return "missing", "its folder was deleted after its job ended"
    return "failed", str(recorded["error"])


def _unrenewed(store: Store, spec: RunSpec) -> str:
    """Why a run may show as running although nothing happens: a dead process holds its lease."""
    try:
        age = time.time() - max(path.stat().st_mtime for path in store.folder(spec).glob("lease.*"))
    except (OSError, ValueError):
        return ""
    if age < STALE:
        return ""
    return f"waiting for a lease that was last renewed {age:.0f} s ago; it expires within two minutes"


def _before_attempt(
    store: Store, paused: bool, job: Job | None, job_id: str | None, death: Mapping[str, str] | None
) -> tuple[RunState, str]:
    """The state of a run whose job is gone and never started."""
    state = death["state"] if death else job.state if job else ""
    match state:
        case "LAUNCH_FAILED":
            return "waiting", f"its node could not open its log: nodes do not see {store.root}, or cannot write there"
        case "SITE_FAULT":
            return "waiting", f"its job could not write to {store.root}"
        case "SETUP_FAILED":
            return "waiting", (death or {}).get("message", "")
        case "" | "CANCELLED":
            if job_id is None and job is None:
                return ("paused", "at a checkpoint") if paused else ("missing", "was not queued")
            return "cancelled", "its job left the queue before it started"
        case _:
            return "killed", f"its job ended as {state} before it could start"


def _after_attempt(attempt: Attempt, death: Mapping[str, str] | None) -> tuple[RunState, str]:
    """The state of an unfinished run after the last attempt of its job."""
    state = death["state"] if death else ""
    match attempt.end:
        case None if state == "SITE_FAULT":
            return "waiting", "its job could no longer write to the store"
        case None if state == "CANCELLED":
            return "cancelled", "its job was cancelled"
        case None:
            return "killed", _killed(state)
        case "exhausted":
            return "exhausted", attempt.why
        case "waiting":
            return "waiting", attempt.why
        case "terminated" | "requeued":
            if death and state != "CANCELLED":
                return "killed", _killed(state)
            return "cancelled", "its job was cancelled, or left the queue after a requeue"
        case _:
            return "paused", attempt.why or "at a checkpoint"


def _killed(state: str) -> str:
    match state:
        case "":
            return "its job ended without a report"
        case "OUT_OF_MEMORY":
            return "its job ran out of memory; raise memory in the profile"
        case _:
            return f"its job ended as {state}"
