"""Fates: what has become of each run, from results on disk first, then the attempts of its jobs, then the queue."""

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

State = Literal[
    "complete",
    "running",
    "suspended",  # begun and stopped by the scheduler, which lets it go on by itself
    "queued",
    "missing",  # never begun, or deleted since
    "paused",  # at a checkpoint, with nobody to go on
    "waiting",  # for the site: a full or read-only folder, a lost mount, missing data, changed code
    "failed",  # with a traceback: training it again would fail again
    "killed",  # its job ended without a word
    "cancelled",
    "exhausted",  # out of requeues, with what it had kept
]
UNDER_WAY = ("running", "suspended", "queued")
STUCK = ("failed", "exhausted")  # only `repro retry` takes these up again
STALE = 2 * RENEW  # seconds after which a lease is one that its holder no longer renews


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What has become of one run."""

    spec: RunSpec
    state: State
    why: str = ""
    submission: Submission | None = None  # the last one that had it
    element: int | None = None
    job: str | None = None
    node: str = ""
    exit_code: str = ""
    attempt: Attempt | None = None  # the last
    deaths: int = 0  # attempts in a row that ended without a word, the last ones


def fates(specs: Iterable[RunSpec], snapshot: Snapshot, queue: Sequence[Job] | None) -> dict[str, Fate]:
    """The fate of each run, by its key; ``queue`` as ``scheduler.jobs`` gives it, None where nobody could be asked."""
    places: dict[str, list[tuple[Entry, int]]] = {}
    for entry in snapshot.entries:
        for number, keys in enumerate(entry.submission.elements):
            for key in keys:
                places.setdefault(key, []).append((entry, number))
    alive = None if queue is None else by_element(queue)
    return {spec.key: _fate(spec, snapshot.store, places.get(spec.key, []), alive) for spec in specs}


def to_be_queued(one: Fate) -> bool:
    """Whether `repro submit` takes a run up."""
    return one.state not in ("complete", *UNDER_WAY, *STUCK)


def _fate(
    spec: RunSpec, store: Store, places: Sequence[tuple[Entry, int]], alive: Mapping[tuple[str, int], Job] | None
) -> Fate:
    if not places:
        return _without_job(spec, store)
    entry, number = places[-1]
    submission = entry.submission
    job_id = submission.job_of(number)
    job = (alive or {}).get((submission.id, number))
    attempt = next(iter(entry.attempts.get(number, ())[-1:]), None)
    # A job that is alive again, as after an operator's requeue, has no death.
    death = None if job is not None and job.live else entry.deaths.get(job_id or "")
    state, why = _state(spec, store, job, attempt, job_id, death)
    on_its_way = attempt is None or attempt.end in (None, "requeued")
    if alive is None and job_id and on_its_way and death is None and state in ("cancelled", "killed"):
        state, why = "queued", "as far as files tell"
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


def _deaths(places: Sequence[tuple[Entry, int]]) -> int:
    """How many attempts at a run in a row, the last ones, have ended without a word, or before they began."""
    silent: list[bool] = []
    for entry, number in places:
        some = entry.attempts.get(number, ())
        silent += [one.end is None for one in some]
        if not some and (entry.submission.job_of(number) or "") in entry.deaths:
            silent.append(True)
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
) -> tuple[State, str]:
    condition = store.condition(spec)
    if condition == "complete":
        return "complete", ""
    if job is not None and job.state in ("SUSPENDED", "STOPPED") and attempt is not None:
        return "suspended", f"job {job.id} is suspended; SLURM lets it go on, or: scontrol resume {job.id}"
    # A killed job on another machine holds its lease for a while: the scheduler knows better.
    if condition == "training" and not (death or (job is not None and not job.live)):
        return "running", _unrenewed(store, spec)
    ended = _ended(spec, store, attempt)
    if ended is not None and not (ended[0] == "waiting" and job is not None and job.live):
        return ended
    if job is not None and job.live:
        if attempt is not None and attempt.end is None and job.state == "RUNNING":
            return "running", "about to begin"
        return "queued", job.reason
    if attempt is not None:
        return _after_attempt(attempt, death)
    return _before_attempt(store, condition == "paused", job, job_id, death)


def _ended(spec: RunSpec, store: Store, attempt: Attempt | None) -> tuple[State, str] | None:
    """What the last attempt says of a run that it could not bring to an end; None where it says nothing final."""
    said: Json = dict(attempt.runs.get(spec.key, {})) if attempt else {}
    if said.get("status") not in ("failed", "crashed", "waiting"):
        return None
    if said["status"] == "waiting":  # perhaps before it had a folder
        return "waiting", str(said["error"])
    if not (store.folder(spec) / SPEC).exists():
        return "missing", "its folder was deleted after its job ended"
    return "failed", str(said["error"])


def _unrenewed(store: Store, spec: RunSpec) -> str:
    """Why a run may be said to be running and nothing happens: its lease is a dead process's."""
    try:
        age = time.time() - max(path.stat().st_mtime for path in store.folder(spec).glob("lease.*"))
    except (OSError, ValueError):
        return ""
    if age < STALE:
        return ""
    return f"waiting for a lease that nobody has renewed for {age:.0f} s; it expires within two minutes"


def _before_attempt(
    store: Store, paused: bool, job: Job | None, job_id: str | None, death: Mapping[str, str] | None
) -> tuple[State, str]:
    """The state of a run whose job is gone and never began."""
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
            return "cancelled", "its job left the queue before it began"
        case _:
            return "killed", f"its job ended as {state} before it could begin"


def _after_attempt(attempt: Attempt, death: Mapping[str, str] | None) -> tuple[State, str]:
    """The state of an unfinished run after the last attempt of its job."""
    state = death["state"] if death else ""
    match attempt.end:
        case None if state == "SITE_FAULT":
            return "waiting", "its job could not write to the store any more"
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
            return "cancelled", "its job was cancelled, or left the queue while it waited to go on"
        case _:
            return "paused", attempt.why or "at a checkpoint"


def _killed(state: str) -> str:
    match state:
        case "":
            return "its job ended without a word"
        case "OUT_OF_MEMORY":
            return "its job was killed for its memory; raise memory in the profile"
        case _:
            return f"its job ended as {state}"
