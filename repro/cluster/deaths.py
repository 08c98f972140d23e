"""Deaths: how jobs ended that could not say it themselves, asked of the scheduler once and kept."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from repro.cluster import ledger, scheduler
from repro.cluster.ledger import Json, Life, Submission
from repro.cluster.scheduler import Job
from repro.runs.store import Store

# How slurmd tells in a job's log that it killed the job for memory; the job's state does not always say so.
OUT_OF_MEMORY = re.compile("exceeded (job )?memory limit|oom[-_ ]kill|out of memory", re.IGNORECASE)
SUSPECT = 2  # jobs that end on a node before the suite begins, while it begins on others, before the node is blamed


def learn(store: Store, queue: Sequence[Job]) -> None:
    """Notes how the jobs of all submissions ended that left no word of it; at most one call of sacct or scontrol.

    A node that failed under a job is noted as faulty, and so is one on which several jobs ended before the suite
    began while others of the same submission began elsewhere.
    """
    alive = by_element(queue)
    asked = []
    for submission in ledger.submissions(store):
        lives, known = ledger.lives(submission), ledger.deaths(submission)
        numbers = [n for array in submission.arrays for n in range(array.first, array.first + array.count)]
        jobs = {
            str(submission.job_of(number)): number
            for number in numbers
            if submission.job_of(number) not in known
            and not _told(lives.get(number, ()))
            and not ((here := alive.get((submission.id, number))) and here.live)
        }
        asked.append((submission, lives, jobs))
    wanted = [job for _, _, jobs in asked for job in jobs]
    if not wanted:
        return
    ended = scheduler.ended(wanted)
    for submission, lives, jobs in asked:
        last = {}
        for job, number in jobs.items():
            here = alive.get((submission.id, number))
            # Accounting is some seconds late, and ids are used again: only a job of our name is ours.
            told = [
                one for one in (*ended.get(job, ())[-1:], here) if one and not one.live and _is_ours(one, submission)
            ]
            if told:
                last[job] = told[0]
        if last:
            ledger.note_deaths(submission, _notes(submission, lives, jobs, last))


def by_element(queue: Sequence[Job]) -> dict[tuple[str, int], Job]:
    """The jobs of this suite: submission and element to job. Names are trusted, so a lost answer of sbatch is found."""
    found = {}
    for job in queue:
        parts = job.name.split(".")
        if len(parts) == 3 and parts[0] == "repro" and parts[2].isdigit():
            task = job.id.partition("_")[2]
            found[parts[1], int(parts[2]) + (int(task) if task.isdigit() else 0)] = job
    return found


def _told(lives: Sequence[Life]) -> bool:
    """Whether the last life said all there is to say: one that was to go on, or was ended, may have died later."""
    return bool(lives) and lives[-1].end in ("done", "exhausted", "paused")


def _is_ours(job: Job, submission: Submission) -> bool:
    return job.name.startswith(f"repro.{submission.id}.")


def _notes(
    submission: Submission,
    lives: Mapping[int, Sequence[Life]],
    jobs: Mapping[str, int],
    last: Mapping[str, Job],
) -> dict[str, Json]:
    begun = {life.node for some in lives.values() for life in some}
    unbegun = {job for job in last if jobs[job] not in lives}
    failures = Counter(last[job].node for job in unbegun if last[job].state == "FAILED")
    made = {}
    for job, one in last.items():
        fault = None
        if one.node and one.state in ("NODE_FAIL", "BOOT_FAIL"):
            fault = f"the scheduler says {one.state} of job {job}"
        elif one.node and job in unbegun and failures[one.node] >= SUSPECT and begun - {one.node}:
            fault = f"{failures[one.node]} jobs ended there before the suite began, such as {job}"
        state = "OUT_OF_MEMORY" if OUT_OF_MEMORY.search(_log_end(submission, job)) else one.state
        # squeue has no exit code, and sacct no reason; whichever answered first says that the log could not be opened.
        unseen = one.reason == "JobLaunchFailure" or one.exit_code == "0:53"
        made[job] = {
            "state": "LAUNCH_FAILED" if unseen else state,
            "node": one.node,
            "exit_code": one.exit_code,
            "fault": None if unseen else fault,
        }
    return made


def _log_end(submission: Submission, job: str) -> str:
    try:
        return submission.log_of(job).read_text(errors="replace")[-2000:]
    except OSError:
        return ""
