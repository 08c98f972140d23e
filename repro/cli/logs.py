"""What is known of some runs' training: crashes, parts, jobs, and what the background trainer printed."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repro.cli import background, shared
from repro.errors import ReproError, StoreError

if TYPE_CHECKING:
    from repro.cluster.ledger import Submission
    from repro.cluster.snapshot import Entry
    from repro.runs.spec import RunSpec
    from repro.runs.store import Store

Json = dict[str, Any]
LAST = 20  # lines of the background trainer's log


def logs(arguments: argparse.Namespace) -> int:
    """Prints the logs of the runs that begin with some words; without words, of failed runs and of the trainer."""
    shared.require_store(arguments)
    store = shared.store(arguments)
    if arguments.run is None:
        failed = [_local(store, spec) for spec in store.specs() if store.condition(spec) == "failed"]
        damaged, trainer = [str(error) for error in store.damaged()], _trainer(arguments)
        arguments.tell(
            lambda: {"failed": failed, "damaged": damaged, "background": trainer}, _overview(failed, damaged, trainer)
        )
        return 0
    from repro.runs.store import is_named

    found = {spec.key: _local(store, spec) for spec in store.specs() if is_named(spec, arguments.run)}
    shown: set[str | None] = set()
    for spec, job in _jobs(store, arguments.run):
        entry = found.setdefault(spec.key, _local(store, spec))
        entry["jobs"].append({**job, "log": "" if job["job"] in shown else job["log"]})  # runs may share a job
        shown |= {job["job"]} if job["log"] else set()
    if not found:
        raise StoreError(
            f"no run in {store.root} has a key that begins with {arguments.run!r}, or a name whose first "
            "words are these; see: repro plan --all."
        )
    arguments.tell(lambda: list(found.values()), (line for one in found.values() for line in _lines(one)))
    return 0


def _local(store: "Store", spec: "RunSpec") -> Json:
    """What the store has on one run."""
    condition = store.condition(spec)
    record = store.run(spec).record if condition == "complete" else store.position(spec) or {}
    return {
        "key": spec.key,
        "name": spec.name,
        "condition": condition,
        "progress": 1.0 if condition == "complete" else store.progress(spec),
        "folder": str(store.folder(spec)),
        "error": store.failure(spec) if condition == "failed" else None,
        "traceback": store.traceback(spec) if condition == "failed" else "",
        "parts": [
            {name: part.get(name) for name in ("device", "seconds", "commit", "torch")}
            for part in record.get("parts", ())
        ],
        "jobs": [],
    }


def _lines(one: Json) -> Iterator[str]:
    from repro.planning.quantities import duration

    share = f" with {one['progress']:.0%} done" if one["condition"] == "paused" else ""
    yield f"{one['key'][:12]}  {one['name']}: {one['condition']}{share}; {one['folder']}"
    for part in one["parts"]:
        yield f"  {duration(part['seconds'] or 0.0)} on {part['device']}, commit {(part['commit'] or 'unknown')[:12]}"
    if one["error"]:
        yield f"  {one['error']}"
        yield from (f"  | {line}" for line in one["traceback"].splitlines())
    for job in one["jobs"]:
        yield f"== job {job['job'] or 'that was never queued'} {job['state']}"
        yield from job["log"].splitlines()


def _overview(failed: list[Json], damaged: list[str], trainer: Json | None) -> Iterator[str]:
    yield from damaged
    for one in failed:
        yield f"{one['key'][:12]}  {one['name']}: {one['error']}"
    if failed:
        yield f"Next: repro logs {failed[0]['key'][:12]}, for the whole of its traceback"
    if trainer:
        yield f"the background trainer's last lines, of {trainer['log']}:"
        yield from (f"  | {line}" for line in trainer["lines"])
    if not failed and not damaged and not trainer:
        yield "no run failed, and none was trained in the background. Next: repro logs RUN, for one run"


def _trainer(arguments: argparse.Namespace) -> Json | None:
    from repro.executing.background_state import TrainerFiles

    log = TrainerFiles(shared.store(arguments)).log
    if not log.exists():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST:]
    return {"log": str(log), "lines": lines, "state": background.state(arguments)}


def _jobs(store: "Store", wanted: str) -> "Iterator[tuple[RunSpec, Json]]":
    """The jobs of the submitted runs that begin with some words."""
    from repro.cluster import snapshot as snapshots
    from repro.runs.store import is_named

    for entry in snapshots.read(store).entries:
        for number in range(len(entry.submission.elements)):
            for spec in _specs(entry.submission, number):
                if is_named(spec, wanted):
                    yield from ((spec, job) for job in _attempts(entry, number))


def _attempts(entry: "Entry", number: int) -> Iterator[Json]:
    """The attempts of one element; the last with the job's log, which they share."""
    job = entry.submission.job_of(number)
    file = entry.submission.log_of(job)
    log = (
        file.read_text(encoding="utf-8", errors="replace")
        if file.exists()
        else f"== job {job} has written no log yet ({file})"
    )
    attempts = entry.attempts.get(number, ())
    for one in attempts:
        state = f"attempt {one.restart} on {one.node}: {one.end or 'no end'} {one.why}"
        yield {"job": one.job, "state": state, "log": log if one is attempts[-1] else ""}
    if not attempts:
        death = entry.deaths.get(job or "", {})
        ended = f"it ended as {death['state']} {death['exit_code']}" if death else "see: repro status"
        yield {"job": job, "state": f"has not started: {ended}", "log": log}


def _specs(submission: "Submission", number: int) -> "list[RunSpec]":
    """The runs of an element, also of one that never started."""
    from repro.cluster import ledger

    try:
        return [run.spec for run in ledger.read_element(submission, number).runs]
    except ReproError:  # deleted, damaged, or of another version
        return []
