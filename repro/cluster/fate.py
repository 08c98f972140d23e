"""Fates: what has become of each run, from results on disk first, then the lives of its jobs, then the queue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from repro.cluster import ledger
from repro.cluster.deaths import by_element
from repro.cluster.ledger import Json, Life, Submission
from repro.cluster.scheduler import Job
from repro.runs.spec import RunSpec
from repro.runs.store import Store

State = Literal[
    "complete",
    "running",
    "queued",
    "missing",  # never begun
    "paused",  # at a checkpoint, with nobody to go on
    "failed",  # with a traceback: training it again would fail again
    "killed",  # its job ended without a word
    "cancelled",
    "exhausted",  # out of requeues, with what it had kept
    "refused",  # the code had changed
]
UNDER_WAY = ("running", "queued")
STUCK = ("failed", "exhausted", "refused")  # only `repro retry` takes these up again


_Lives = Mapping[str, Mapping[int, Sequence[Life]]]  # submission -> element -> lives


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
    life: Life | None = None  # the last
    deaths: int = 0  # lives in a row that ended without a word, the last ones


def fates(specs: Iterable[RunSpec], store: Store, queue: Sequence[Job]) -> dict[str, Fate]:
    """The fate of each run, by its key; ``queue`` as ``scheduler.jobs`` gives it, empty where there is no cluster."""
    submissions = ledger.submissions(store)
    places: dict[str, list[tuple[Submission, int]]] = {}
    for submission in submissions:
        for number, keys in enumerate(submission.elements):
            for key in keys:
                places.setdefault(key, []).append((submission, number))
    alive = by_element(queue)
    lives = {submission.id: ledger.lives(submission) for submission in submissions}
    deaths = {submission.id: ledger.deaths(submission) for submission in submissions}
    found: dict[str, Fate] = {}
    for spec in specs:
        if spec.key not in places:
            found[spec.key] = _without_job(spec, store)
            continue
        submission, number = places[spec.key][-1]
        job_id = submission.job_of(number)
        job = alive.get((submission.id, number))
        some = lives[submission.id].get(number, [])
        life = some[-1] if some else None
        # A job that lives again, as after an operator's requeue, has no death.
        death = None if job is not None and job.live else deaths[submission.id].get(job_id or "")
        state, why = _state(spec, store, job, life, job_id, death)
        found[spec.key] = Fate(
            spec=spec,
            state=state,
            why=why,
            submission=submission,
            element=number,
            job=job.id if job else job_id,
            node=(life.node if life else "") or (job.node if job else "") or (death or {}).get("node", ""),
            exit_code=(death or {}).get("exit_code", ""),
            life=life,
            deaths=_deaths(places[spec.key], lives, deaths),
        )
    return found


def _deaths(own: Sequence[tuple[Submission, int]], lives: _Lives, deaths: Mapping[str, Mapping[str, Json]]) -> int:
    """How many lives of a run's jobs in a row, the last ones, have ended without a word, or before they began."""
    silent: list[bool] = []
    for submission, number in own:
        some = lives[submission.id].get(number, [])
        silent += [life.end is None for life in some]
        if not some and (submission.job_of(number) or "") in deaths[submission.id]:
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
    life: Life | None,
    job_id: str | None,
    death: Mapping[str, str] | None,
) -> tuple[State, str]:
    condition = store.condition(spec)
    if condition == "complete":
        return "complete", ""
    told = life.runs.get(spec.key, {}) if life else {}
    if told.get("status") in ("failed", "crashed"):
        return "failed", str(told["error"])
    if told.get("status") == "refused":
        return "refused", str(told["error"])
    # A killed job on another machine holds its lease for a while: the scheduler knows better.
    if condition == "training" and not (death or (job is not None and not job.live)):
        return "running", ""
    if job is not None and job.live:
        if life is not None and life.end is None and job.state == "RUNNING":
            return "running", "about to begin"
        return "queued", job.reason
    if life is not None:
        return _after_life(life, death)
    state = death["state"] if death else job.state if job else ""
    if death and death["state"] == "LAUNCH_FAILED":
        return "killed", f"its node could not open its log: nodes do not see {store.root}; see: repro doctor --cluster"
    if state and state != "CANCELLED":
        return "killed", f"its job ended as {state} before it could begin"
    if job_id is None and job is None:
        return ("paused", "at a checkpoint") if condition == "paused" else ("missing", "was not queued")
    return "cancelled", "its job left the queue before it began"


def _killed(state: str) -> str:
    match state:
        case "":
            return "its job ended without a word"
        case "OUT_OF_MEMORY":
            return "its job was killed for its memory; raise memory in the profile"
        case _:
            return f"its job ended as {state}"


def _after_life(life: Life, death: Mapping[str, str] | None) -> tuple[State, str]:
    """The state of an unfinished run after the last life of its job."""
    match life.end:
        case None:
            if death and death["state"] == "CANCELLED":
                return "cancelled", "its job was cancelled"
            return "killed", _killed(death["state"] if death else "")
        case "exhausted":
            return "exhausted", life.why
        case "terminated" | "requeued":
            if death and death["state"] != "CANCELLED":
                return "killed", _killed(death["state"])
            return "cancelled", "its job was cancelled, or left the queue while it waited to go on"
        case _:
            return "paused", life.why or "at a checkpoint"
