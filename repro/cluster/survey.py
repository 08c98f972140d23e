"""What a cluster is like: a first profile from what it says of itself, and what it lacks for the suite."""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from repro.cluster import ledger, profile, scheduler, submit
from repro.cluster.ledger import Order, Submission
from repro.cluster.profile import Profile
from repro.errors import ClusterError, ReproError
from repro.executing.doctor import Examined
from repro.provenance import code_digest, commit
from repro.runs.store import Store, explain_write_errors, write

TEMPLATE = """\
# Written by `repro cluster init` from what sinfo says; every key is explained in slurm/README.md.
submitit = "{submitit}"
partition = "{partition}"
# account = ""
# qos = ""
device = "{device}"
{gpus}
cpus = {cpus}
memory = "{memory}G"
time = "{time}"
stop_before = "2m"
runs_per_gpu = 1
requeues = 5
# scratch = "/scratch/$USER/batchnorm-repro"
# data = "/datasets/cifar10"
# setup = ["module load python"]
"""
MEMORY, CPUS = 32, 8  # as much as a job can use
LONGEST = 4  # hours that a job asks for unless told otherwise: short jobs start sooner


def init(name: str, where: Path = profile.FOLDER) -> Path:
    """Writes a first profile.

    Raises:
        ClusterError: there is one of that name, or the scheduler does not answer.
    """
    path = where / f"{name}.toml"
    if path.exists():
        raise ClusterError(f"{path} exists; edit it, or name another.")
    best = max(_partitions(), key=lambda one: (one["gpus"] > 0, one["default"], one["hours"]))
    text = TEMPLATE.format(
        submitit=profile.installed(),
        partition=best["name"],
        device="cuda" if best["gpus"] else "cpu",
        gpus="gpus_per_node = 1" if best["gpus"] else "# gpus_per_node = 1: sinfo names no GPU here",
        cpus=max(1, min(CPUS, best["cpus"] // max(1, best["gpus"]))),
        memory=max(1, min(MEMORY, int(best["memory"] / 1024 / max(1, best["gpus"]) * 0.9))),
        time=f"{min(LONGEST, int(best['hours']))}h" if best["hours"] >= 1 else f"{int(60 * best['hours'])}m",
    )
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, text.encode())
    profile.load(str(path))
    return path


def examine(one: Profile, order: Order, wait: float) -> Iterator[Examined]:
    """Looks at the scheduler's commands and settings, then sends one small job to look from a node."""
    yield _try("sbatch", lambda: scheduler.ask("sbatch", "--version").strip())
    controller = _try("controller", lambda: scheduler.ask("scontrol", "ping").strip().splitlines()[0])
    yield controller
    if controller.state == "FAIL":
        return
    yield _try("accepted", lambda: _test_only(one))
    yield _sacct()
    settings = scheduler.settings()
    yield _setting(settings, "JobRequeue", "1", "jobs ask for --requeue all the same; some clusters then still refuse")
    yield Examined("ok", "MaxArraySize", f"{settings.get('MaxArraySize', 'unknown')}: larger arrays are cut")
    yield _preemption(settings)
    yield from _from_a_node(one, order, wait)


def _partitions() -> list[dict[str, Any]]:
    found = []
    for line in scheduler.ask("sinfo", "--noheader", "--format=%P|%l|%c|%m|%G").splitlines():
        name, limit, cpus, memory, gres = line.split("|")
        found.append(
            {
                "name": name.rstrip("*"),
                "default": name.endswith("*"),
                "hours": _hours(limit),
                "cpus": int(cpus.rstrip("+")),
                "memory": int(memory.rstrip("+")),
                "gpus": profile.gpus_of(gres),
            }
        )
    if not found:
        raise ClusterError("sinfo lists no partition; ask who runs the cluster which one you may use.")
    return found


def _hours(limit: str) -> float:
    if limit in ("infinite", "n/a"):
        return 24.0 * 365
    days, _, rest = limit.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    seconds = float(sum(part * 60**power for power, part in enumerate(reversed(parts))))
    return 24.0 * int(days or 0) + seconds / 3600


def _try(what: str, look: Callable[[], str]) -> Examined:
    try:
        return Examined("ok", what, look())
    except ReproError as error:
        return Examined("FAIL", what, str(error))


def _test_only(one: Profile) -> str:
    """Asks sbatch whether it would take a job of this profile, without queueing it."""
    options = {
        "partition": one.partition, "account": one.account, "qos": one.qos, "constraint": one.constraint,
        "exclude": ",".join(one.exclude) or None, "gpus-per-node": one.gpus_per_node, "gres": one.gres,
        "cpus-per-task": one.cpus, "mem": one.memory, "time": one.minutes, **one.sbatch,
    }  # fmt: skip
    flags = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in options.items()
        if value is not None and value is not False
    ]
    scheduler.ask("sbatch", "--test-only", *flags, "--wrap=true")
    return "sbatch --test-only takes a job as the profile asks for it"


def _sacct() -> Examined:
    try:
        scheduler.ask("sacct", "--noheader", "--allocations", "--starttime=now", patience=2)
    except ClusterError as error:
        return Examined("warn", "sacct", f"{error} The suite does without: it asks squeue and scontrol.")
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
        f"{mode} without preempt_send_user_signal: jobs hear of it by SIGTERM, or not at all where GraceTime is 0",
    )


def _from_a_node(one: Profile, order: Order, wait: float) -> Iterator[Examined]:
    """Sends a job that looks at folder, code, GPU and data from a node, and waits for its answer."""
    place = order.results / ledger.FOLDER / f"probe-{ledger.new_id()}"
    with explain_write_errors(place):
        (place / "log").mkdir(parents=True)
    token = secrets.token_hex(8)
    write(place / "token", token.encode())
    try:
        job = _send(one, order, place)
    except ClusterError as error:
        yield Examined("FAIL", "probe", str(error))
        return
    answer, state = wait_for(place / "answer.json", job, wait)
    if answer is None:
        log = next(iter(place.glob("log/*_log.out")), None)
        words = log.read_text(errors="replace").strip().splitlines()[-1:] if log else []
        more = f": {words[0]}" if words else f", and left no log: does the node see {order.results}?"
        yield Examined("FAIL", "probe", f"job {job} is {state or 'gone'} without an answer{more}")
        scheduler.cancel([job])
        return
    shutil.rmtree(place, ignore_errors=True)
    seen = "ok" if answer["token"] == token else "FAIL"
    yield _examined(seen, "folder", f"{order.results} is the same on node {answer['node']}")
    same = answer["code"] == code_digest()
    yield _examined(
        "ok" if same else "FAIL", "code", f"the node has code {answer['code'][:12]}…, we {code_digest()[:12]}…"
    )
    wanted = one.device == "cpu" or (answer["device"] == "cuda" and answer["gpu"])
    yield _examined("ok" if wanted else "FAIL", "GPU", answer["gpu"] or f"none on the node; device is {one.device}")
    lacking = ", ".join(answer["lacking"])
    yield _examined(
        "warn" if lacking else "ok",
        "in a job",
        f"no {lacking}: jobs cannot requeue themselves nor queue a further round; show the container SLURM's commands"
        if lacking
        else "SLURM's commands are there, for requeues and further rounds",
    )
    for name, told in answer["data"].items():
        yield _examined("ok" if told["fine"] else "warn", name, told["told"])


def _examined(state: str, what: str, told: str) -> Examined:
    known: dict[str, Literal["ok", "warn", "FAIL"]] = {"ok": "ok", "warn": "warn", "FAIL": "FAIL"}
    return Examined(known[state], what, told)


def _send(one: Profile, order: Order, place: Path) -> str:
    from repro.cluster.job import probe

    executor = submit.executor(
        _nothing(one, order),
        log=place / "log",
        job_name=f"repro.{place.name}",
        time=min(10, one.minutes),
        gpus_per_node=one.gpus_per_node,
        gres=one.gres,
    )
    with submit.refusals(), scheduler.outside_a_job():
        return str(executor.submit(probe, str(place), str(order.data_dir)).job_id)


def send_pilot(one: Profile, order: Order, specs: list[str], minutes: int, most: int) -> tuple[str, Path]:
    """Queues the job that measures networks; its id, and the file that it will write."""
    from repro.cluster.job import pilot

    place = order.results / ledger.FOLDER / f"pilot-{one.name}-{ledger.new_id()}"
    with explain_write_errors(place):
        (place / "log").mkdir(parents=True)
    write(place / "specs", "\n".join(specs).encode())
    result = order.results / ledger.FOLDER / f"pilot-{one.name}.json"
    executor = submit.executor(
        _nothing(one, order),
        log=place / "log",
        job_name=f"repro.{place.name}",
        time=minutes,
        gpus_per_node=one.gpus_per_node,
        gres=one.gres,
        **submit.share(one, most),
    )
    with submit.refusals(), scheduler.outside_a_job():
        job = executor.submit(pilot, str(place / "specs"), str(result), str(order.data_dir), one.device, most)
    return str(job.job_id), result


def wait_for(file: Path, job: str, wait: float) -> tuple[Any, str]:
    """What a job writes into a JSON file, and None with its last state when it ends or time passes before."""
    until, state, pause = time.monotonic() + wait, "", 1.0
    while time.monotonic() < until:
        if file.exists():
            return json.loads(file.read_text()), "COMPLETED"
        found = [one for one in scheduler.jobs() if one.id == job]
        state = found[0].state if found else ""
        if not found or not found[0].live:
            time.sleep(2)  # a shared folder shows a file a moment later
            return (json.loads(file.read_text()), state) if file.exists() else (None, state)
        time.sleep(pause)
        pause = min(10.0, 1.2 * pause)
    return None, f"{state} after {wait:.0f} s"


def _nothing(one: Profile, order: Order) -> Submission:
    """A submission without elements, for jobs that train nothing."""
    return Submission(
        id="", chain="", order=order, profile=one, code=code_digest(), commit=commit(), round=0, created=time.time(),
        elements=(), gpu_hours=0.0, reused_seconds=0.0, excluded=ledger.avoided(Store(order.results), one),
    )  # fmt: skip
