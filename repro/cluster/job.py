"""The work of a job: one attempt at one element of an array."""

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.cluster import ledger, scheduler
from repro.cluster import snapshot as snapshots
from repro.cluster.avoid import WENT_DOWN, avoided
from repro.cluster.deaths import SITE_FAULT, SITE_FAULTS, by_element
from repro.cluster.ledger import Attempt, End, QueuedRun, Submission
from repro.cluster.tasks import follow, meet
from repro.errors import ReproError
from repro.executing import pool
from repro.executing.signals import Stop
from repro.executing.worker import Done, Setup, is_the_sites_fault
from repro.provenance import allocation, detect_device
from repro.runs.lease import RENEW, repeated
from repro.runs.store import Store

FAILED = ("failed", "crashed")
# Errors of the node, not of the run: they would not occur on another node.
NODE_ERRORS = re.compile(
    "no CUDA-capable device|No CUDA GPUs are available|CUDA driver (version|initialization)|uncorrectable ECC"
    r"|CUDA-capable device(s|\(s\)) (is/)?are busy|CUDA error: (unknown error|initialization error)"
    "|CUDA unknown error|Error 80[234]: |system not yet initialized|GPU is lost|fallen off the bus|NVML",
    re.IGNORECASE,
)


class _AttemptLog:
    """The current attempt, written to disk at every change."""

    def __init__(self, submission: Submission, attempt: Attempt) -> None:
        self.submission, self.attempt = submission, attempt
        attempt.save(submission)

    def note(self, **changed: Any) -> None:
        """Changes some fields."""
        self.attempt = replace(self.attempt, **changed)
        self.attempt.save(self.submission)

    def touch(self) -> None:
        """Shows that the attempt is still running."""
        self.attempt.touch(self.submission)


def work(folder: str, number: int) -> None:
    """Trains the runs of one element as far as possible in this attempt of its job.

    On SLURM's warning signal, or shortly before its time limit, it checkpoints and requeues itself; the same on
    SIGTERM, unless the scheduler has ended the job. If the site is at fault, such as a full disk, it ends, and cancels
    the elements that still wait, which would fail in the same way. Its outcome is written to the submission's
    attempts or, if even those cannot be written, given by the exit code.
    """
    submission = ledger.load(Path(folder))
    task = meet()
    if task.rank > 0:
        follow(submission, number, task.rank)
        return
    try:
        _work(submission, number, task.meeting)
    except (ReproError, OSError) as error:
        if not is_the_sites_fault(error):
            raise
        print(f"the site is at fault: {error}", flush=True)
        _hold_back(submission)
        sys.exit(SITE_FAULT)


def _work(submission: Submission, number: int, meeting: str) -> None:
    element, store = ledger.read_element(submission, number), Store(submission.order.results)
    gpus = submission.profile.gpus_for(element.devices)
    log = _begin(submission, number, element.workers, gpus, meeting)
    # What failed in the previous attempt would fail again.
    tasks = [run for run in element.runs if run.spec.key not in log.attempt.runs]
    with Stop(in_a_job=True) as stop, repeated(RENEW, log.touch):
        end, why = _train(log, tasks, store, stop, _deadline(submission, element.minutes))
        log.note(end=end, why=why, ended=time.time())
        one = log.attempt
        print(f"{one.job} attempt {one.restart} on {one.node}: {end}{': ' if why else ''}{why}", flush=True)
        if end == "waiting":
            _hold_back(submission)
        if end == "requeued":
            _requeue(log)


def _train(log: _AttemptLog, tasks: Sequence[QueuedRun], store: Store, stop: Stop, deadline: float) -> tuple[End, str]:
    """Trains; returns how this attempt ends, and why."""
    submission, restart, node = log.submission, log.attempt.restart, log.attempt.node
    requeues = submission.profile.requeues
    if restart > requeues:
        return "exhausted", f"requeued {restart} times, and {requeues} are allowed; see: repro retry"
    if submission.profile.device == "cuda" and detect_device() != "cuda":
        log.note(faults={**log.attempt.faults, node: "it has no NVIDIA driver"})

    def note(done: Done) -> None:
        """Records how a run ended; after the first fault of the site or the node, no other run is tried."""
        status, faults = done.status, dict(log.attempt.faults)
        if NODE_ERRORS.search(done.error):
            status = "paused"  # the node failed, not the run
            faults[node] = done.error
        entry = {"status": status, "seconds": round(done.seconds, 1), "error": done.error}
        if status == "waiting":
            stop.event.set()
        print(f"{status} {done.spec.name}, {done.seconds:.1f} s {done.error}", flush=True)
        log.note(runs={**log.attempt.runs, done.spec.key: entry}, faults=faults)

    setup = Setup(
        store=store,
        data_dir=submission.order.data_dir,
        device=submission.profile.device,
        workers=log.attempt.workers,
        deadline=deadline,
        code=None if submission.order.any_code else submission.code,
        isolated=True,
    )
    if node not in log.attempt.faults:
        pool.train(tasks, setup, stop, note)
    if node in log.attempt.faults:
        _avoid(submission, {node})
        return "paused", f"{node}: {log.attempt.faults[node]}"
    causes = [str(run["error"]) for run in log.attempt.runs.values() if run["status"] == "waiting"]
    if causes:
        return "waiting", causes[0]
    ended = {key for key, run in log.attempt.runs.items() if run["status"] in ("complete", *FAILED)}
    if all(task.spec.key in ended for task in tasks):  # even if a signal came meanwhile
        return "done", ""
    if stop.signal is not None and stop.signal != _warning() and not _still_wanted(log.attempt):
        return "terminated", "SIGTERM: cancelled, or ended by the scheduler"
    reason = "its time limit was near" if stop.signal is None else "the scheduler's signal: preempted, or out of time"
    if restart >= requeues:
        return "exhausted", f"{reason}, and all {requeues} requeues are used up; see: repro retry"
    return "requeued", reason


def _begin(submission: Submission, number: int, workers: int, gpus: int, meeting: str) -> _AttemptLog:
    """Records a new attempt, and any fault of the node on which the previous one ended without a report."""
    job = allocation() or {"id": "", "node": "", "restart": 0}
    restart = int(job["restart"])
    before = [one for one in ledger.attempts(submission, [number]).get(number, ()) if one.restart < restart]
    faults = {}
    if before and before[-1].end is None:
        with contextlib.suppress(ReproError):
            trouble = scheduler.node_trouble(before[-1].node)
            if trouble:
                faults[before[-1].node] = f"{WENT_DOWN} {trouble}; an attempt of job {job['id']} ended there"
    log = _AttemptLog(
        submission,
        Attempt(
            element=number,
            restart=restart,
            job=str(job["id"]),
            node=str(job["node"]),
            gpus=gpus,
            workers=workers,
            began=time.time(),
            meeting=meeting,
            faults=faults,
            runs={key: run for key, run in (before[-1].runs if before else {}).items() if run["status"] in FAILED},
        ),
    )
    if faults:
        _avoid(submission, set(faults))
    return log


def _avoid(submission: Submission, nodes: set[str]) -> None:
    """Excludes nodes for everything that still waits on this cluster, besides those excluded before."""
    snapshot, name = snapshots.read(Store(submission.order.results)), submission.profile.name
    own = {one.submission.id for one in snapshot.entries if one.submission.profile.name == name}
    waiting = {array.job for array in submission.arrays}
    with contextlib.suppress(ReproError):
        queue = by_element(scheduler.jobs())
        waiting = {job.id.partition("_")[0] for (of, _), job in queue.items() if of in own and job.live}
    scheduler.exclude(sorted(waiting), {*submission.excluded, *avoided(snapshot, submission.profile), *nodes})


def _hold_back(submission: Submission) -> None:
    """Cancels the elements that have not started, or keeps them off this node if it is alone at fault.

    Each would fail within seconds. The report job still runs, and queues what was cancelled again once the cause is
    gone; so does `repro submit`.
    """
    with contextlib.suppress(ReproError):  # arrays may have been queued since this job began
        submission = ledger.load(submission.folder)
    arrays, node = [array.job for array in submission.arrays], str((allocation() or {}).get("node", ""))
    with contextlib.suppress(ReproError):
        if not _is_alone_at_fault(submission, node):
            scheduler.cancel_waiting(arrays)
            return
        nodes = {*submission.excluded, node}
        with contextlib.suppress(OSError):  # this node may no longer see the store
            nodes |= {*avoided(snapshots.read(Store(submission.order.results)), submission.profile)}
        scheduler.exclude(filter(None, (*arrays, submission.report_job)), nodes)


def _is_alone_at_fault(submission: Submission, node: str) -> bool:
    """Whether other nodes are at work on a submission and none of them has met a fault of the site.

    The next one that meets it speaks for the site: of a full disk, one more job learns than has to.
    """
    try:
        jobs = [one for one in scheduler.known() if submission.owns(one.name)]
    except ReproError:
        return False
    at_fault = {one.node for one in jobs if one.exit_code in SITE_FAULTS}
    with contextlib.suppress(OSError):
        at_fault |= {one.node for some in ledger.attempts(submission).values() for one in some if one.end == "waiting"}
    at_work = {one.node for one in jobs if one.state == "RUNNING"}
    return bool(node) and at_fault <= {node} and bool(at_work - {node})


def _still_wanted(attempt: Attempt) -> bool:
    """Whether SIGTERM came from preemption or an operator, in which case the scheduler has not ended the job."""
    try:
        return scheduler.state(attempt.job) == "RUNNING"
    except ReproError:
        return False


def _deadline(submission: Submission, minutes: int) -> float:
    """When to stop by ourselves: after SLURM's warning is due, and well before the time limit."""
    began = float(os.environ.get("REPRO_BEGAN") or time.time())
    end = float(os.environ.get("SLURM_JOB_END_TIME") or began + 60 * minutes)
    return end - submission.profile.seconds("stop_before") / 2


def _requeue(log: _AttemptLog) -> None:
    """Requeues this job; if that is forbidden, the report job's next round resumes its runs."""
    try:
        scheduler.requeue(log.attempt.job)
    except ReproError as error:
        log.note(end="paused", why=str(error))
        return
    sys.exit(1)  # submitit then writes no result


def _warning() -> int:
    """The signal that SLURM sends before it ends a job, as submitit asks for it."""
    return int(getattr(signal, "SIG" + os.environ.get("SUBMITIT_PREEMPT_SIGNAL", "USR2")))
