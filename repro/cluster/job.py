"""What runs inside a job: an element of an array, the report at the end, a pilot. Called by name, with paths."""

import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.cluster import ledger, scheduler
from repro.cluster.ledger import End, Life, Submission
from repro.errors import ReproError
from repro.executing import pool
from repro.executing.pool import Done, Site, Stop
from repro.provenance import allocation, code_digest, detect_device
from repro.runs.lease import RENEW, repeated
from repro.runs.spec import RunSpec
from repro.runs.store import Store, write

FAILED = ("failed", "crashed", "refused")
# Errors of the node, not of the run: another node would not have them.
NODE_ERRORS = re.compile(
    "no CUDA-capable device|No CUDA GPUs are available|CUDA driver (version|initialization)|uncorrectable ECC"
    "|CUDA error: (unknown error|initialization error|all CUDA-capable devices are busy)|GPU is lost"
    "|fallen off the bus|NVML",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """A run of an element."""

    spec: RunSpec
    criteria: Mapping[str, str]


def work(folder: str, number: int) -> None:
    """Brings the runs of one element as far as they get in this life of its job.

    On SLURM's warning signal, or when its own time is nearly over, it checkpoints and puts itself back into the queue;
    so it does on SIGTERM, unless the scheduler has ended the job. What became of it stands in the submission's
    ``lives``.
    """
    submission = ledger.load(Path(folder))
    file = submission.element_file(number)
    element = json.loads(file.read_text())
    store = Store(submission.order.results)
    life = _begin(submission, number, element["workers"])
    # What failed in the life before would fail again.
    runs = [_Task(spec=RunSpec.from_json(run["spec"], file), criteria=run["criteria"]) for run in element["runs"]]
    tasks = [task for task in runs if task.spec.key not in life.runs]
    with Stop() as stop, repeated(RENEW, lambda: life.touch(submission)):
        end, why = _train(submission, life, tasks, store, stop, _deadline(submission, element["minutes"]))
        life.end, life.why, life.ended = end, why, time.time()
        life.save(submission)
        print(f"{life.job} life {life.restart} on {life.node}: {end}{': ' if why else ''}{why}", flush=True)
        if end == "requeued":
            _requeue(life, submission)


def report(folder: str) -> None:
    """Queues what was killed or what more seeds a verdict asks for, then judges and renders what there is."""
    from repro.cluster import rounds
    from repro.cluster.hours import account
    from repro.collecting.collect import collect
    from repro.judging import document
    from repro.reporting import report as reports

    submission = ledger.load(Path(folder))
    order = submission.order
    session = collect(scale=order.scale, paths=order.paths, keyword=order.keyword, copy=order.copy)
    told = rounds.go_on(submission, session)
    write(submission.folder / "next", told.encode())
    print(told, flush=True)
    store = Store(order.results)
    made, _ = document.document(
        session.selected, store, order.scale, controls=list(session.checks.values()), cluster=account(store)
    )
    document.save(made, order.report / "verdicts.json")
    for line in reports.render(made, order.report):
        print(line, flush=True)


def pilot(spec_file: str, result_file: str, data_dir: str, device: str, most: int) -> None:
    """Measures the networks in a file of specs, each shared by at most so many runs."""
    from repro.cluster import pilot as pilots

    specs = [RunSpec.from_json(text, spec_file) for text in Path(spec_file).read_text().splitlines()]
    node = (allocation() or {}).get("node", "")
    made = pilots.measure(specs, data_dir=Path(data_dir), device=device, node=str(node), most=most)
    pilots.save(made, Path(result_file))


def probe(place: str, data_dir: str) -> None:
    """Looks around on a node for `repro doctor --cluster`."""
    from repro.runs.datasets import COPIES
    from repro.training import gpu
    from repro.training.data import arrays

    told, given = {}, os.environ.get("CUDA_VISIBLE_DEVICES")
    for name in ("digits", *COPIES):
        try:
            _, _, prints = arrays(name, Path(data_dir))
            told[name] = {"fine": True, "told": f"fingerprint of its test images {prints['test'][:12]}…"}
        except ReproError as error:
            told[name] = {"fine": False, "told": str(error)}
    answer = {
        "token": (Path(place) / "token").read_text(),
        "node": (allocation() or {}).get("node"),
        "code": code_digest(),
        "device": detect_device(),
        "gpu": gpu() or (f"SLURM gave GPU {given}, and torch finds no driver" if given else ""),
        "lacking": [name for name in ("scontrol", "squeue", "sbatch", "srun") if shutil.which(name) is None],
        "data": told,
    }
    write(Path(place) / "answer.json", json.dumps(answer).encode())


def _train(
    submission: Submission, life: Life, tasks: list[_Task], store: Store, stop: Stop, deadline: float
) -> tuple[End, str]:
    """Trains, and says how this life ends and why."""
    requeues = submission.profile.requeues
    if life.restart > requeues:
        return "exhausted", f"requeued {life.restart} times, and {requeues} are allowed; see: repro retry --failed"
    if submission.profile.device == "cuda" and detect_device() != "cuda":
        life.faults[life.node] = "it has no NVIDIA driver"

    def told(done: Done) -> None:
        life.runs[done.spec.key] = {
            "status": done.status,
            "seconds": round(done.seconds, 1),
            "error": done.error,
        }
        if NODE_ERRORS.search(done.error):
            life.runs[done.spec.key]["status"] = "paused"  # it is the node that failed
            life.faults[life.node] = done.error
        life.save(submission)
        print(f"{done.status} {done.spec.name}, {done.seconds:.1f} s {done.error}", flush=True)

    site = Site(
        store=store,
        data_dir=submission.order.data_dir,
        device=submission.profile.device,
        workers=life.workers,
        deadline=deadline,
        code=None if submission.order.any_code else submission.code,
        isolated=True,
    )
    ended = life.node not in life.faults and pool.train(tasks, site, stop, told)
    if life.node in life.faults:
        _avoid(submission, {life.node})
        return "paused", f"{life.node}: {life.faults[life.node]}"
    if ended:
        return "done", ""
    if stop.signal is not None and stop.signal != _warning() and not _still_wanted(life):
        return "terminated", "SIGTERM: cancelled, or ended by the scheduler"
    reason = "its time was nearly over" if stop.signal is None else "the scheduler's signal: preempted, or out of time"
    if life.restart >= requeues:
        return "exhausted", f"{reason}, and all {requeues} requeues are used up; see: repro retry --failed"
    return "requeued", reason


def _begin(submission: Submission, number: int, workers: int) -> Life:
    """Notes a new life, and what the scheduler knows against the node of a life before that could not end itself."""
    job = allocation() or {"id": "", "node": "", "restart": 0}
    life = Life(
        element=number,
        restart=int(job["restart"]),
        job=str(job["id"]),
        node=str(job["node"]),
        gpus=submission.profile.gpus,
        workers=workers,
        began=time.time(),
    )
    before = [one for one in ledger.lives(submission, [number]).get(number, []) if one.restart < life.restart]
    if before and before[-1].end is None:
        with contextlib.suppress(ReproError):
            trouble = scheduler.node_trouble(before[-1].node)
            if trouble:
                life.faults[before[-1].node] = f"a life of job {life.job} ended there: {trouble}"
    if before:
        life.runs = {key: told for key, told in before[-1].runs.items() if told["status"] in FAILED}
    life.save(submission)
    if life.faults:
        _avoid(submission, set(life.faults))
    return life


def _avoid(submission: Submission, nodes: set[str]) -> None:
    """Keeps what still waits on this cluster away from nodes, besides those avoided before."""
    store, name = Store(submission.order.results), submission.profile.name
    waiting = [array.job for one in ledger.submissions(store) if one.profile.name == name for array in one.arrays]
    scheduler.exclude(waiting, {*ledger.avoided(store, submission.profile), *nodes})


def _still_wanted(life: Life) -> bool:
    """Whether SIGTERM came from preemption or an operator: the scheduler has then not ended the job."""
    try:
        return scheduler.state(life.job) == "RUNNING"
    except ReproError:
        return False


def _deadline(submission: Submission, minutes: int) -> float:
    """When to stop by ourselves: after SLURM's warning should have come, and well before the end."""
    began = float(os.environ.get("REPRO_BEGAN") or time.time())
    end = float(os.environ.get("SLURM_JOB_END_TIME") or began + 60 * minutes)
    return end - submission.profile.seconds("stop_before") / 2


def _requeue(life: Life, submission: Submission) -> None:
    """Puts this job back into the queue; where that is forbidden the report job's next round goes on."""
    try:
        scheduler.requeue(life.job)
    except ReproError as error:
        life.end, life.why = "paused", str(error)
        life.save(submission)
        return
    sys.exit(1)  # submitit then writes no result


def _warning() -> int:
    """The signal that SLURM sends before it ends a job, as submitit asks for it."""
    import signal

    return int(getattr(signal, "SIG" + os.environ.get("SUBMITIT_PREEMPT_SIGNAL", "USR2")))
