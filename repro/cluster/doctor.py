"""What the suite needs from a cluster: commands and settings, and what one of its nodes sees."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from repro.cluster import ledger, scheduler
from repro.cluster.ledger import Order
from repro.cluster.profile import Profile
from repro.cluster.sbatch import executor, refusals
from repro.cluster.waiting import empty_submission, wait_for
from repro.errors import ClusterError, ReproError
from repro.executing.doctor import Examined
from repro.provenance import allocation, code_digest, detect_device
from repro.runs.datasets import COPIES
from repro.runs.files import explain_write_errors, write

# Lines of a job's log that show why it could not start, the best first.
EXPLAINS = ("repro: setup failed", "execve", "No such file", "not found", "error", "denied")


def examine(one: Profile, order: Order, wait: float) -> Iterator[Examined]:
    """Checks the scheduler's commands and settings, then sends one small job to check a node."""
    yield _try("sbatch", lambda: scheduler.ask("sbatch", "--version").strip())
    controller = _try("controller", lambda: (scheduler.ask("scontrol", "ping").strip() or "it answers").splitlines()[0])
    yield controller
    if controller.state == "FAIL":
        return
    yield _try("accepted", lambda: _test_only(one))
    yield _try("report job", lambda: _test_only(one.for_report, "the report job, which takes no GPU"))
    yield _sacct()
    settings = scheduler.settings()
    yield _setting(settings, "JobRequeue", "1", "jobs request --requeue anyway; some clusters still refuse")
    yield Examined("ok", "MaxArraySize", f"{settings.get('MaxArraySize', 'unknown')}: larger arrays are split")
    yield _preemption(settings)
    yield from _from_a_node(one, order, wait)


def _try(what: str, look: Callable[[], str]) -> Examined:
    try:
        return Examined("ok", what, look())
    except ReproError as error:
        return Examined("FAIL", what, str(error))


def _test_only(one: Profile, what: str = "a job with the resources of the profile") -> str:
    """Asks sbatch whether it would take a job of this profile, without queueing it."""
    with scheduler.outside_a_job():  # without the user's SBATCH_*, as every job is submitted
        scheduler.ask("sbatch", "--test-only", f"--time={one.minutes}", *one.flags(), "--wrap=true")
    return f"sbatch --test-only accepts {what}"


def _sacct() -> Examined:
    try:
        scheduler.ask("sacct", "--noheader", "--allocations", "--starttime=now", patience=2)
    except ClusterError as error:
        return Examined("warn", "sacct", f"{error} The suite works without it: it asks squeue and scontrol.")
    return Examined("ok", "sacct", "accounting answers")


def _setting(settings: dict[str, str], name: str, wanted: str, otherwise: str) -> Examined:
    value = settings.get(name, "unknown")
    return Examined("ok" if value == wanted else "warn", name, value if value == wanted else f"{value}: {otherwise}")


def _preemption(settings: dict[str, str]) -> Examined:
    mode, parameters = settings.get("PreemptMode", "OFF"), settings.get("SlurmctldParameters", "")
    if mode == "OFF":
        return Examined("ok", "preemption", "off: no job is preempted")
    if "preempt_send_user_signal" in parameters:
        return Examined("ok", "preemption", f"{mode}: jobs are warned by a signal and checkpoint at once")
    return Examined(
        "warn",
        "preemption",
        f"{mode} without preempt_send_user_signal: jobs are warned by SIGTERM, KillWait before their end if GraceTime "
        "is 0",
    )


def _from_a_node(one: Profile, order: Order, wait: float) -> Iterator[Examined]:
    """Sends a job that looks at folder, code, GPU and data from a node, and waits for its answer."""
    folder = order.results / ledger.FOLDER / f"probe-{ledger.new_id(order.results)}"
    with explain_write_errors(folder):
        (folder / "log").mkdir(parents=True)
    token = secrets.token_hex(8)
    write(folder / "token", token.encode())
    try:
        job = _send(one, order, folder)
    except ClusterError as error:
        shutil.rmtree(folder, ignore_errors=True)
        yield Examined("FAIL", "probe", str(error))
        return
    answer, state = wait_for(folder / "answer.json", job, wait)
    if answer is None:
        yield Examined("FAIL", "probe", f"job {job} is {state or 'gone'}, with no answer{_reason(folder, job, state)}")
        scheduler.cancel([job])
        return
    shutil.rmtree(folder, ignore_errors=True)
    seen = "ok" if answer["token"] == token else "FAIL"
    yield _examined(seen, "folder", f"{order.results} is the same on node {answer['node']}")
    same = answer["code"] == code_digest()
    yield _examined(
        "ok" if same else "FAIL", "code", f"the node has code {answer['code'][:12]}…, we {code_digest()[:12]}…"
    )
    wanted = one.device == "cpu" or (answer["device"] == "cuda" and answer["gpu"])
    yield _examined("ok" if wanted else "FAIL", "GPU", answer["gpu"] or f"none on the node; device is {one.device}")
    missing = ", ".join(answer["missing"])
    yield _examined(
        "warn" if missing else "ok",
        "in a job",
        f"no {missing}: jobs cannot requeue themselves or queue a further round; mount SLURM's commands"
        if missing
        else "SLURM's commands are available, for requeues and further rounds",
    )
    for name, read in answer["data"].items():
        yield _examined("ok" if read["fine"] else "warn", name, read["message"])


def _reason(folder: Path, job: str, state: str) -> str:
    """Why a probe gave no answer: the line of its log that explains it, or the scheduler's reason."""
    log = next(iter(folder.glob("log/*_log.out")), None)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log else []
    for words in EXPLAINS:
        for line in lines:
            if re.search(words, line, re.IGNORECASE):
                return f": {line.strip()}"
    if lines:
        return f": {lines[-1]}"
    waits = next((one.reason for one in scheduler.jobs() if one.id == job and one.live), None)
    if waits is not None or state.startswith("PENDING"):
        return f": it never started ({waits or 'it waited'}); raise --wait, or request less in the profile"
    return f", and left no log: does the node see {folder.parents[1]}?"


def _examined(state: str, what: str, message: str) -> Examined:
    known: dict[str, Literal["ok", "warn", "FAIL"]] = {"ok": "ok", "warn": "warn", "FAIL": "FAIL"}
    return Examined(known[state], what, message)


def _send(one: Profile, order: Order, folder: Path) -> str:
    made = executor(
        empty_submission(one, order),
        log=folder / "log",
        job_name=f"repro.{folder.name}",
        time=one.minutes,
        gpus_per_node=one.gpus_per_node,
        gres=one.gres,
    )
    with refusals(), scheduler.outside_a_job():
        return str(made.submit(probe, str(folder), str(order.data_dir)).job_id)


def probe(folder: str, data_dir: str) -> None:
    """Checks a node for `repro doctor --cluster`."""
    from repro.training import gpu
    from repro.training.data import arrays

    found, given = {}, os.environ.get("CUDA_VISIBLE_DEVICES")
    for name in ("digits", *COPIES):
        try:
            _, _, prints = arrays(name, Path(data_dir))
            found[name] = {"fine": True, "message": f"fingerprint of its test images {prints['test'][:12]}…"}
        except ReproError as error:
            found[name] = {"fine": False, "message": str(error)}
    answer = {
        "token": (Path(folder) / "token").read_text(encoding="utf-8"),
        "node": (allocation() or {}).get("node"),
        "code": code_digest(),
        "device": detect_device(),
        "gpu": gpu() or (f"SLURM gave GPU {given}, but torch finds no driver" if given else ""),
        "missing": [name for name in ("scontrol", "squeue", "sbatch", "srun") if shutil.which(name) is None],
        "data": found,
    }
    write(Path(folder) / "answer.json", json.dumps(answer).encode())
