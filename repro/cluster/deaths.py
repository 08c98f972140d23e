"""Deaths: how jobs ended that could not report it themselves, asked of the scheduler once and stored."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from repro.cluster import ledger, scheduler
from repro.cluster.avoid import WENT_DOWN
from repro.cluster.ledger import Attempt, Json, Submission
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Entry, Snapshot
from repro.errors import ClusterError, StoreError
from repro.runs.files import write

# What slurmd writes into the log of a job that it killed for memory; the job's state does not always show it.
OUT_OF_MEMORY = re.compile("exceeded (job )?memory limit|oom[-_ ]kill|out of memory", re.IGNORECASE)
SETUP = re.compile(r"^repro: (setup failed: .*)$", re.MULTILINE)  # as the job's script prints it
SUSPECT = 2  # jobs that end on a node before the suite starts, while it starts on others, before the node is blamed
# Of a job that could not even record that its folder cannot be written. More than 128 + the signal of any task that
# srun kills with the one that says so: srun returns the highest code.
SITE_FAULT = 203
SITE_FAULTS = (f"{SITE_FAULT}:0", f"{SITE_FAULT - 128}:0")  # in scontrol's words, and in sacct's, which takes 128 off
# How SIGINT, SIGUSR2 and SIGTERM end a job that has not begun its runs: no fault of its node. Not "2:0", which to sacct
# is SIGINT, but also a Python that is missing.
SIGNALLED = ("0:2", "0:12", "0:15", "130:0", "140:0", "143:0", "12:0", "15:0")
CAUGHT = "Caught signal SIG"  # in submitit's words

_Attempts = Mapping[int, Sequence[Attempt]]


def learn_if_told(snapshot: Snapshot, queue: Sequence[Job]) -> Snapshot:
    """As ``learn``, or the snapshot as it is where nobody tells: for a user who is only shown, and asks again."""
    try:
        return learn(snapshot, queue)
    except ClusterError:
        return snapshot


def learn(snapshot: Snapshot, queue: Sequence[Job]) -> Snapshot:
    """Adds how the jobs of all submissions ended that did not report it; at most one call of sacct or scontrol.

    A node that failed under a job is recorded as faulty, and so is one on which several jobs ended before the suite
    started while others of the same submission started elsewhere. The findings are stored on disk if possible, as the
    scheduler forgets them.

    Raises:
        ClusterError: nobody tells; ``learn_if_told`` then leaves the snapshot as it is.
    """
    alive = by_element(queue)
    asked = [(entry, _unreported(entry, alive)) for entry in snapshot.entries]
    wanted = [job for _, jobs in asked for job in jobs]
    if not wanted:
        return snapshot
    ended = scheduler.ended(wanted)
    found: dict[str, dict[str, Json]] = {}
    for entry, jobs in asked:
        last = {}
        for job, number in jobs.items():
            here = alive.get((entry.submission.id, number))
            # Accounting lags by some seconds, and ids are reused: only a job with our name is ours.
            over = [
                one
                for one in (*ended.get(job, ())[-1:], here)
                if one and not one.live and entry.submission.owns(one.name)
            ]
            if over:
                last[job] = over[0]
        if last:
            notes = _notes(entry.submission, entry.attempts, jobs, last)
            found[entry.submission.id] = notes
            with contextlib.suppress(StoreError):  # a full or read-only folder must not hide them
                kept = json.dumps({**entry.deaths, **notes}, indent=1)
                write(ledger.deaths_file(entry.submission), kept.encode())
    return snapshot.with_deaths(found)


def by_element(queue: Sequence[Job]) -> dict[tuple[str, int], Job]:
    """The jobs of this suite by submission and element: found by name, even if sbatch's answer was lost."""
    found = {}
    for job in queue:
        parts = ledger.parts_of(job.name)
        if parts is not None and parts[1].isdigit():
            task = job.id.partition("_")[2]
            found[parts[0], int(parts[1]) + (int(task) if task.isdigit() else 0)] = job
    return found


def in_queue(queue: Sequence[Job]) -> set[str]:
    """Ids of the jobs of this suite that wait or run: the scheduler may have given an old one to somebody else."""
    return {job.id for job in by_element(queue).values() if job.live}


def _unreported(entry: Entry, alive: Mapping[tuple[str, int], Job]) -> dict[str, int]:
    """The jobs that ended without a report, and their elements."""
    submission = entry.submission
    numbers = [n for array in submission.arrays for n in range(array.first, array.first + array.count)]
    return {
        str(submission.job_of(number)): number
        for number in numbers
        if not _is_known(entry, number)
        and not _has_reported_its_end(entry.attempts.get(number, ()))
        and not ((here := alive.get((submission.id, number))) and here.live)
    }


def _is_known(entry: Entry, number: int) -> bool:
    """Whether the death of an element's job is stored, and nothing was attempted since."""
    death, attempts = entry.deaths.get(str(entry.submission.job_of(number))), len(entry.attempts.get(number, ()))
    return death is not None and death.get("attempts", attempts) == attempts


def _has_reported_its_end(attempts: Sequence[Attempt]) -> bool:
    """Whether the last attempt reported a final end: one that was requeued or terminated may have died later."""
    return bool(attempts) and attempts[-1].end in ("done", "exhausted", "paused", "waiting")


def _notes(
    submission: Submission, attempts: _Attempts, jobs: Mapping[str, int], last: Mapping[str, Job]
) -> dict[str, Json]:
    begun = {one.node for some in attempts.values() for one in some}
    unbegun = {job for job in last if jobs[job] not in attempts}
    logs = {job: _log_end(submission, job) for job in last}
    failures = Counter(
        last[job].node
        for job in unbegun
        if last[job].state == "FAILED" and last[job].exit_code not in SIGNALLED and CAUGHT not in logs[job]
    )
    made = {}
    for job, one in last.items():
        fault, log = None, logs[job]
        setup = SETUP.search(log) if job in unbegun else None
        if one.node and one.state in ("NODE_FAIL", "BOOT_FAIL"):
            fault = f"{WENT_DOWN} {one.state} for job {job}"
        elif one.node and job in unbegun and failures[one.node] >= SUSPECT and begun - failures.keys():
            fault = f"{failures[one.node]} jobs ended there before the suite started, such as {job}"
        state = "OUT_OF_MEMORY" if OUT_OF_MEMORY.search(log) else one.state
        # squeue gives no exit code, and sacct no reason; either one shows that the log could not be opened.
        if one.reason == "JobLaunchFailure" or one.exit_code == "0:53":
            state = "LAUNCH_FAILED"
        elif one.exit_code in SITE_FAULTS:
            state, fault = "SITE_FAULT", None
        elif setup:
            state = "SETUP_FAILED"
        made[job] = {
            "state": state,
            "node": one.node,
            "exit_code": one.exit_code,
            "fault": fault,
            "message": setup[1] if setup else "",
            "attempts": len(attempts.get(jobs[job], ())),  # before it: a requeued job may die again
        }
    return made


def _log_end(submission: Submission, job: str) -> str:
    try:
        return submission.log_of(job).read_text(encoding="utf-8", errors="replace")[-2000:]
    except OSError:
        return ""
