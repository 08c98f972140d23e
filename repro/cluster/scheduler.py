"""SLURM's commands: retried while the controller does not answer, with SLURM's own message in every error."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from repro.cluster import hints
from repro.errors import ClusterError
from repro.provenance import allocation

# States of a job that has not ended; the others are final.
LIVE = {
    "PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SUSPENDED",
    "STOPPED", "RESIZING", "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "RESV_DEL_HOLD",
}  # fmt: skip
BUSY = re.compile(
    "contact slurm controller|Socket timed out|Connection refused|temporarily unavailable|Zero Bytes were transmitted"
    "|Transport endpoint|Connection timed out|controller connect failure",
    re.IGNORECASE,
)
PATIENCE = 8.0  # seconds without an answer from the controller before a command fails
ANSWER = 9.0  # seconds that one command may take
IN_A_JOB = 60.0  # either, inside a job, where no user is waiting
CLUSTER = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT")  # variables: which one is asked, and how
FILTERS = ("SQUEUE_", "SCANCEL_", "SACCT_", "SINFO_")  # variables of a user that would hide jobs and nodes
# What to change, by a phrase of the scheduler's message.
ADVICE = (
    ("invalid partition", "name one of `sinfo -o %P` as partition in the profile"),
    ("invalid account", hints.ACCOUNT),
    ("invalid qos", hints.QOS),
    ("generic resource", "ask for GPUs the other way in the profile: gpus_per_node = 1, or gres = \"gpu:TYPE:1\""),
    ("invalid gres", "ask for GPUs the other way in the profile: gpus_per_node = 1, or gres = \"gpu:TYPE:1\""),
    ("invalid feature", "name a feature of `sinfo -o %f` as constraint in the profile"),
    ("node configuration is not available", "ask for what one node has: sinfo -N -o '%N %c %m %G'"),
    ("time limit", hints.TIME),
    ("job violates accounting/qos policy", hints.LIMIT),
    ("submit limit", hints.LIMIT),
    ("job array specification", "lower array_size in the profile to MaxArraySize of `scontrol show config`"),
    ("invalid node name", "name nodes of `sinfo -N` under exclude in the profile"),
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One job, or one element of an array, as the scheduler knows it."""

    id: str  # "12", or "12_3" for element 3
    name: str
    state: str  # such as "PENDING"
    node: str  # "" before it has one
    reason: str  # why it waits or has failed, as the scheduler puts it
    exit_code: str = ""  # "1:0": exit status and signal; "" if unknown

    @property
    def live(self) -> bool:
        """Whether it is waiting or running."""
        return self.state in LIVE


def ask(*command: str, patience: float | None = None) -> str:
    """The output of a scheduler command; retried, at growing intervals, while the controller does not answer.

    Raises:
        ClusterError: the command is missing or fails; with its own message.
    """
    if shutil.which(command[0]) is None:
        raise ClusterError(f"{command[0]} is not on the PATH; use a machine that submits jobs to SLURM.")
    in_a_job = allocation() is not None
    answer = IN_A_JOB if in_a_job else ANSWER
    if patience is None:
        patience = IN_A_JOB if in_a_job else PATIENCE
    began, pause = time.monotonic(), 0.5
    env = {name: value for name, value in os.environ.items() if not name.startswith(FILTERS)}
    while True:
        try:
            done = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", timeout=answer, env=env
            )
            message, failed = done.stderr.strip(), done.returncode != 0
        except subprocess.TimeoutExpired:
            done, message, failed = None, f"Connection timed out: no answer within {answer:.0f} s", True
        if done is not None and not failed:
            return done.stdout
        if not BUSY.search(message) or time.monotonic() - began + pause > patience:
            raise ClusterError(refusal(command[0], message))
        time.sleep(pause)
        pause *= 2


def is_here() -> bool:
    """Whether this machine has SLURM's commands."""
    return shutil.which("squeue") is not None


def refusal(command: str, message: str) -> str:
    """One line with the scheduler's message and what to change."""
    plain = " ".join(dict.fromkeys(line.strip() for line in message.splitlines() if line.strip())) or "no message"
    lowered = plain.lower()
    advice = next((text for start, text in ADVICE if start in lowered), "")
    if BUSY.search(plain):
        advice = "the controller does not answer; retry later, or see: scontrol ping"
    return f"{command} failed: {plain}" + (f" Change: {advice}." if advice else "")


def jobs() -> list[Job]:
    """Every job of this user that the scheduler still knows, one entry per array element; a single call."""
    # All states: a job that has just ended still has its exit state.
    printed = ask("squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%j|%T|%N|%r")
    return [Job(*line.split("|", 4)) for line in printed.splitlines() if line.count("|") >= 4]


def ended(ids: Sequence[str]) -> dict[str, list[Job]]:
    """How jobs ended, one entry per attempt, in order: from accounting or, where that is off, the controller."""
    if not ids:
        return {}
    asked = set(ids)
    arrays = sorted({one.partition("_")[0] for one in asked})
    try:
        printed = ask(
            "sacct", "--noheader", "--parsable2", "--allocations", "--duplicates", f"--jobs={','.join(arrays)}",
            "--format=JobID,JobName,State,NodeList,ExitCode",
            patience=2,
        )  # fmt: skip
        found = list(filter(None, map(_accounted, printed.splitlines())))
    except ClusterError:
        found = known()
    wanted: dict[str, list[Job]] = {}
    for job in found:
        if job.id in asked:
            wanted.setdefault(job.id, []).append(job)
    return wanted


def known() -> list[Job]:
    """Every job that the controller still knows, with its exit code."""
    return list(filter(None, map(_shown, ask("scontrol", "--oneliner", "show", "job").splitlines())))


def show(job: str) -> Job | None:
    """One job as the controller knows it; None once it has forgotten it."""
    try:
        return _shown(ask("scontrol", "--oneliner", "show", "job", job))
    except ClusterError:
        return None


def requeue(job: str) -> None:
    """Puts a running job back into the queue."""
    ask("scontrol", "requeue", job)


def cancel(ids: Iterable[str]) -> None:
    """Cancels jobs; one that has ended meanwhile is no error."""
    some = list(ids)
    for start in range(0, len(some), 1000):  # argument lists are limited
        ask("scancel", "--quiet", *some[start : start + 1000])


def cancel_by_name(name: str) -> None:
    """Cancels the jobs of a name, such as those that sbatch queued although it failed."""
    ask("scancel", "--quiet", "--me", f"--name={name}")


def cancel_waiting(ids: Iterable[str]) -> None:
    """Cancels the elements of arrays that are pending, whether new or requeued; of none, nothing.

    Without ids, scancel would take every pending job that it may.
    """
    if some := list(ids):
        ask("scancel", "--quiet", "--me", "--state=PENDING", *some)


def state(job: str) -> str:
    """The state of one job; "" if the scheduler does not know it."""
    return next((one.state for one in jobs() if one.id == job), "")


def exclude(ids: Iterable[str], nodes: Iterable[str]) -> None:
    """Excludes nodes for waiting jobs; running jobs are left alone."""
    for job in ids:
        try:
            ask("scontrol", "update", f"JobId={job}", f"ExcNodeList={','.join(sorted(nodes))}")
        except ClusterError:
            continue  # it runs, or has ended


def node_trouble(node: str) -> str | None:
    """The scheduler's report of a fault of a node; None if there is none, or if it is drained on purpose."""
    state, _, reason = ask("sinfo", "--noheader", f"--nodes={node}", "--format=%T|%E").split("\n")[0].partition("|")
    return _trouble(state, reason)


def _trouble(state: str, reason: str) -> str | None:
    drained = state.startswith("drain") and re.search("fail|not responding|error", reason, re.IGNORECASE)
    if drained or re.match("down|fail|error|unknown", state) or state.endswith("*"):
        return f"{state}: {reason}"
    return None


def troubles() -> dict[str, str | None]:
    """Every node of the cluster, with the scheduler's report of its fault; None for none."""
    lines = (line.split("|", 2) for line in ask("sinfo", "--noheader", "--Node", "--format=%N|%T|%E").splitlines())
    return {node: _trouble(state, reason) for node, state, reason in (one for one in lines if len(one) == 3)}


def settings() -> dict[str, str]:
    """The scheduler's configuration."""
    lines = ask("scontrol", "show", "config").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


@contextmanager
def outside_a_job() -> Iterator[None]:
    """Hides the job that we run in, so that submitted jobs inherit nothing of it but the cluster."""
    from submitit.helpers import clean_env

    kept = {name: os.environ[name] for name in CLUSTER if name in os.environ}
    with clean_env():
        os.environ.update(kept)
        yield


def _accounted(line: str) -> Job | None:
    fields = line.split("|")
    if len(fields) != 5:
        return None
    number, name, state, node, code = fields
    return Job(number, name, state.split(" ")[0], "" if node == "None assigned" else node, "", code)


def _shown(line: str) -> Job | None:
    fields = dict(part.partition("=")[::2] for part in line.split() if "=" in part)
    if "JobId" not in fields:
        return None
    array = fields.get("ArrayJobId")
    number = f"{array}_{fields.get('ArrayTaskId', '')}" if array else fields["JobId"]
    state, node = fields.get("JobState", ""), fields.get("NodeList", "")
    return Job(
        number, fields.get("JobName", ""), state, "" if node == "(null)" else node, fields.get("Reason", ""),
        fields.get("ExitCode", ""),
    )  # fmt: skip
