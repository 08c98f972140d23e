"""Profiles: the settings of one cluster, from ``slurm/<name>.toml``; unknown and misspelt keys are refused."""

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro.errors import ClusterError, did_you_mean
from repro.planning import quantities
from repro.provenance import folder

REPORT_MINUTES = 30
FOLDER = Path("slurm")  # in the current folder; then the package's own copy


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The settings of a cluster. Every field is a key of the TOML file, and every key a field.

    Raises:
        ClusterError: a value has the wrong type or is out of range.
    """

    name: str  # of the file, without .toml; not a key
    submitit: str  # version that the profile was written for, such as "1.5"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    exclude: tuple[str, ...] = ()  # nodes never to use
    trusted: tuple[str, ...] = ()  # nodes to use again although they failed jobs
    gpus_per_node: int | None = None  # how to request a GPU: this way …
    gres: str | None = None  # … or this way, such as "gpu:a100:1"
    node_gpus: int | None = None  # that a run of several processes may take on a node; None for all of its own
    device: str = "cuda"  # what a run trains on: "cuda" or "cpu"
    cpus: int = 4  # per run: a job whose runs share a GPU requests this for each
    memory: str = "16G"  # per run, likewise
    time: str = "4h"  # the longest time limit of a job
    stop_before: str = "2m"  # how long before its limit a job checkpoints and requeues itself
    shortest: str = "3m"  # the least work of a job: shorter runs share one, one after the other
    array_size: int | None = None  # the largest array; None for MaxArraySize of scontrol
    parallelism: int = 64  # elements of an array that may run at the same time
    runs_per_gpu: int | Literal["throughput"] = 1  # "throughput": as `repro cluster throughput` measured
    requeues: int = 5  # attempts of a job after its first, before its runs are EXHAUSTED
    setup: tuple[str, ...] = ()  # shell lines before Python, such as "module load cuda"
    python: str | None = None  # Python or a container prefix with it; None for the one that submits
    scratch: str | None = None  # shared folder for the store; None for --results
    data: str | None = None  # folder of the data sets; None for --data-dir
    report_partition: str | None = None  # for the job that judges and renders; None for ``partition``
    report_account: str | None = None  # likewise, where GPUs have an account or a qos of their own
    report_qos: str | None = None
    sbatch: Mapping[str, str | int | bool] = dataclasses.field(
        default_factory=dict
    )  # further options, as sbatch takes them

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            self._check(field.name, getattr(self, field.name))
        if self.gpus_per_node is not None and self.gres is not None:
            raise self._error("gpus_per_node and gres are both set; keep the one that your cluster takes.")
        if self.device == "cuda" and not self.gpus:
            raise self._error('device is "cuda" and no GPU is requested; set gpus_per_node or gres.')
        if self.seconds("stop_before") >= 60 * self.minutes:
            raise self._error(
                f"stop_before is {self.stop_before}, as long as time, {self.minutes} min; make it shorter."
            )

    @property
    def gpus(self) -> int:
        """GPUs of one job."""
        return gpus_of(self.gres) if self.gres else self.gpus_per_node or 0

    def gpus_for(self, devices: int) -> int:
        """GPUs of a job whose runs take so many devices each; 0 where no GPU is requested."""
        return devices if devices > 1 and self.gpus else self.gpus

    @property
    def minutes(self) -> int:
        """The longest time limit of a job; SLURM takes whole minutes."""
        return max(1, int(self.seconds("time") // 60))

    def spread(self, devices: int) -> tuple[int, int]:
        """Nodes of a job whose run has so many processes, and tasks on each."""
        tasks = min(devices, self.node_gpus or devices)
        if devices % tasks:
            raise self._error(
                f"node_gpus is {self.node_gpus}, which does not divide {devices} processes; set a divisor of {devices}."
            )
        return devices // tasks, tasks

    def megabytes(self, runs: int) -> str:
        """Memory of a job in which ``runs`` runs share a GPU, as sbatch takes it."""
        return f"{int(self.memory[:-1]) * runs * 1024 ** 'KMGT'.index(self.memory[-1]) // 1024}M"

    def flags(self) -> list[str]:
        """Options of sbatch for a job on the nodes of this profile, without its time limit."""
        options = {
            "partition": self.partition, "account": self.account, "qos": self.qos, "constraint": self.constraint,
            "exclude": ",".join(self.exclude) or None, "gpus-per-node": self.gpus_per_node, "gres": self.gres,
            "cpus-per-task": self.cpus, "mem": self.memory, **self.sbatch,
        }  # fmt: skip
        return [
            f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
            for name, value in options.items()
            if value is not None and value is not False
        ]

    @property
    def for_report(self) -> "Profile":
        """The same for the job that judges and renders, which takes no GPU and has nothing to checkpoint."""
        own = self.report_partition  # its nodes may differ from those that train
        return dataclasses.replace(
            self,
            partition=own or self.partition,
            constraint=None if own else self.constraint,
            account=self.report_account or self.account,
            qos=self.report_qos or self.qos,
            gpus_per_node=None,
            gres=None,
            device="cpu",
            time=f"{REPORT_MINUTES if own else min(REPORT_MINUTES, self.minutes)}m",
            stop_before="1s",
        )

    def seconds(self, name: Literal["time", "stop_before", "shortest"]) -> float:
        """A duration in seconds."""
        return quantities.seconds(str(getattr(self, name)))

    def root(self, name: Literal["scratch", "data"]) -> Path | None:
        """A root folder, with variables such as $USER filled in."""
        value = getattr(self, name)
        if value is None:
            return None
        filled = os.path.expandvars(value)
        if "$" in filled:
            raise self._error(f"{name} is {value!r}, and a variable in it is not set; set it, or write the full path.")
        try:
            return Path(filled).expanduser()
        except RuntimeError:  # no such user
            raise self._error(f"{name} is {value!r}, but nobody has that home; write the full path.") from None

    def _check(self, name: str, value: Any) -> None:
        match name:
            case "gpus_per_node" | "node_gpus" | "array_size" | "cpus" | "parallelism" | "requeues" | "runs_per_gpu":
                least = 0 if name in ("requeues", "gpus_per_node") else 1
                optional = value is None and name in ("gpus_per_node", "node_gpus", "array_size")
                fine = optional or (name == "runs_per_gpu" and value == "throughput")
                if not fine and (type(value) is not int or value < least):
                    more = ' or "throughput"' if name == "runs_per_gpu" else ""
                    raise self._error(f"{name} is {value!r}; allowed: a whole number, {least} or more{more}.")
            case "exclude" | "trusted" | "setup":
                if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
                    raise self._error(f'{name} is {value!r}; allowed: a list of texts, such as ["one", "two"].')
            case "sbatch":
                _check_sbatch(self, value)
            case "time" | "stop_before" | "shortest":
                try:
                    quantities.seconds(str(value))
                except ValueError:
                    raise self._error(
                        f"{name} is {value!r}; allowed: a duration such as {quantities.EXAMPLES}."
                    ) from None
            case "memory":
                if not isinstance(value, str) or not re.fullmatch(r"\d+[KMGT]", value):
                    raise self._error(f'memory is {value!r}; allowed: a size such as "16G".')
            case "device":
                if value not in ("cuda", "cpu"):
                    raise self._error(f'device is {value!r}; allowed: "cuda" or "cpu".')
            case _:
                required = name in ("name", "submitit")
                if not (isinstance(value, str) and value.strip()) and (required or value is not None):
                    raise self._error(f"{name} is {value!r}; allowed: a text that is not empty.")

    def _error(self, text: str) -> ClusterError:
        return ClusterError(f"profile {self.name}: {text}")


KEYS = {field.name: None for field in dataclasses.fields(Profile) if field.name != "name"}.keys()  # in their order

# What the suite sets itself; an [sbatch] table must not override it.
OURS = {
    "array", "dependency", "error", "job-name", "nodes", "ntasks", "ntasks-per-node", "open-mode", "output", "requeue",
    "no-requeue", "signal",
}  # fmt: skip


def _check_sbatch(profile: Profile, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(item, str | int) for item in value.values()):
        raise profile._error(f"sbatch is {value!r}; allowed: a table of texts, numbers and booleans.")
    keys = {field.name for field in dataclasses.fields(Profile)} | {"mem", "cpus-per-task", "gpus-per-node"}
    for name in value:
        plain = name.replace("_", "-")
        if plain in ("cluster", "clusters"):
            raise profile._error(
                f"[sbatch] sets {name}, and squeue would ask another cluster; take it out, and: "
                f"export SLURM_CLUSTERS={value[name]}"
            )
        if plain in OURS:
            raise profile._error(f"[sbatch] sets {name}, which the suite sets itself; take it out.")
        if plain in {key.replace("_", "-") for key in keys}:
            raise profile._error(f"[sbatch] sets {name}, which has a key of its own; set that one.")


def load(name: str, where: Path = FOLDER) -> Profile:
    """The profile of a name, or of a path that ends with .toml.

    Raises:
        ClusterError: there is none, it is not TOML, or it has an unknown key or a wrong value.
    """
    path = _find(name, where)
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ClusterError(f"{path} cannot be read as TOML: {error}; correct it.") from None
    for key in fields:
        if key not in KEYS:
            meant = did_you_mean(key, KEYS)
            raise ClusterError(f"{path} has the unknown key {key!r}{meant}; allowed: {', '.join(KEYS)}.")
    if "submitit" not in fields:
        raise ClusterError(f'{path} does not name its version of submitit; add: submitit = "{installed()}".')
    made = from_json({"name": path.stem, **fields})
    if made.submitit.split(".")[:2] != installed().split("."):
        raise ClusterError(
            f"{path} was written for submitit {made.submitit}, but {installed()} is installed; install that version, "
            f'or review the profile and set submitit = "{installed()}".'
        )
    return made


def to_json(profile: Profile) -> dict[str, Any]:
    """A profile as JSON values."""
    return dataclasses.asdict(profile)


def from_json(fields: Mapping[str, Any]) -> Profile:
    """A profile from JSON or TOML values."""
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    return Profile(**values)


def installed() -> str:
    """Major and minor version of the submitit that is installed."""
    from importlib.metadata import version

    return ".".join(version("submitit").split(".")[:2])


def with_gpus(gres: str, count: int) -> str:
    """A list of generic resources with another number of GPUs: "gpu:a100:1,nvme:1" and 4 to "gpu:a100:4,nvme:1"."""
    return re.sub(r"(?<![^,])((?:gres/)?gpu(?::[A-Za-z][^:,(]*)?)(?::\d+)?", rf"\g<1>:{count}", gres, count=1)


def gpus_of(gres: str) -> int:
    """GPUs in a list of generic resources as SLURM writes it, such as "gpu:a100:4(S:0-1),nvme:1"."""
    for entry in gres.split(","):
        fields = entry.partition("(")[0].split(":")
        if fields[0] in ("gpu", "gres/gpu"):
            return int(fields[-1]) if fields[-1].isdigit() else 1
    return 0


def _find(name: str, where: Path) -> Path:
    if name.endswith(".toml"):
        if Path(name).exists():
            return Path(name)
        raise ClusterError(f"{name} does not exist; write a first profile with: repro cluster init NAME.")
    places = [where, folder("slurm")]
    for place in places:
        if (place / f"{name}.toml").exists():
            return place / f"{name}.toml"
    there = sorted({path.stem for place in places for path in place.glob("*.toml")})
    raise ClusterError(
        f"there is no profile slurm/{name}.toml; there are: {', '.join(there) or 'none'}. "
        f"Write a first one with: repro cluster init {name}."
    )
