"""A first profile, from sinfo's description of a cluster."""

from pathlib import Path
from typing import Any

from repro.cluster import profile, scheduler
from repro.errors import ClusterError
from repro.runs.files import make_folder, write

TEMPLATE = """\
# Written by `repro cluster init` from sinfo's output; every key is explained in slurm/README.md.
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
LONGEST = 4  # default time limit in hours: short jobs start sooner


def init(name: str, where: Path = profile.FOLDER) -> Path:
    """Writes a first profile.

    Raises:
        ClusterError: one of that name exists, or the scheduler does not answer.
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
    make_folder(path.parent)
    write(path, text.encode())
    profile.load(str(path))
    return path


def _partitions() -> list[dict[str, Any]]:
    found = []
    for line in scheduler.ask("sinfo", "--noheader", "--format=%P|%l|%c|%m|%G").splitlines():
        try:
            name, limit, cpus, memory, gres = line.split("|")
            found.append(
                {
                    "name": name.rstrip("*"),
                    "default": name.endswith("*"),
                    "hours": hours(limit),
                    "cpus": int(cpus.rstrip("+")),
                    "memory": int(memory.rstrip("+")),
                    "gpus": profile.gpus_of(gres),
                }
            )
        except ValueError:
            raise ClusterError(
                f"sinfo describes a partition as {line!r}, not as name|limit|cpus|memory|gres; copy a profile from "
                "slurm/ and edit it instead."
            ) from None
    if not found:
        raise ClusterError("sinfo lists no partition; ask your cluster's administrators which one you may use.")
    return found


def hours(limit: str) -> float:
    """A time limit as sinfo prints it."""
    if limit in ("infinite", "n/a"):
        return 24.0 * 365
    days, _, rest = limit.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    seconds = float(sum(part * 60**power for power, part in enumerate(reversed(parts))))
    return 24.0 * int(days or 0) + seconds / 3600
