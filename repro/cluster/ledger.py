"""Submissions on disk: what was ordered, which element of which array trains which runs, and every life it has had."""

import dataclasses
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from repro.cluster import profile as profiles
from repro.cluster.profile import Profile
from repro.errors import ClusterError
from repro.runs.store import Store, explain_write_errors, write

Json = dict[str, Any]
FOLDER = ".slurm"  # in the store

# How a life ended, in its own words; a life that was killed could write none.
End = Literal["done", "requeued", "terminated", "exhausted", "paused"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a user asked for, so that a job can ask for it again; every path absolute."""

    scale: str
    paths: tuple[str, ...]
    keyword: str
    copy: str | None  # --data
    results: Path
    data_dir: Path
    report: Path
    granted_gpu_hours: float  # what the user agreed to, over all rounds
    any_code: bool  # whether jobs go on with code of another digest

    def to_json(self) -> Json:
        """As JSON values."""
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, fields: Json) -> "Order":
        """What ``to_json`` gave."""
        places = {name: Path(fields[name]) for name in ("results", "data_dir", "report")}
        return cls(**{**fields, **places, "paths": tuple(fields["paths"])})


@dataclass(frozen=True, kw_only=True)
class Array:
    """One job array as the scheduler took it: elements ``first`` … ``first + count − 1`` of the submission."""

    job: str  # its id
    first: int
    count: int
    minutes: int  # time limit of an element
    workers: int  # runs at a time in one element


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One round of jobs for one order."""

    id: str
    chain: str  # id of the first round
    order: Order
    profile: Profile
    code: str  # digest that jobs must have
    commit: str
    round: int  # 0, and one more each time a report job queues what bad luck had stopped
    created: float  # time.time()
    elements: tuple[tuple[str, ...], ...]  # keys of the runs of each
    gpu_hours: float  # expected
    reused_seconds: float  # device-seconds of the complete runs that were found and not trained again
    excluded: tuple[str, ...] = ()  # nodes kept away from
    arrays: tuple[Array, ...] = ()
    report_job: str | None = None

    @property
    def folder(self) -> Path:
        """Where it lives."""
        return self.order.results / FOLDER / self.id

    @property
    def log(self) -> Path:
        """submitit's folder: scripts and logs of the jobs."""
        return self.folder / "log"

    def element_file(self, number: int) -> Path:
        """What the job of an element reads."""
        return self.folder / "elements" / f"{number:05d}.json"

    def array_name(self, first: int) -> str:
        """The job name of the array that begins with an element: found again in the queue even if we die here."""
        return f"repro.{self.id}.{first}"

    @property
    def report_name(self) -> str:
        """The job name of the last job."""
        return f"repro.{self.id}.report"

    def job_of(self, element: int) -> str | None:
        """The scheduler's id of an element; None while it is not queued."""
        for array in self.arrays:
            if array.first <= element < array.first + array.count:
                return array.job if array.count == 1 else f"{array.job}_{element - array.first}"
        return None

    def log_of(self, job: str | None) -> Path:
        """What a job has written."""
        return self.log / f"{job}_0_log.out"

    def save(self) -> None:
        """Writes submission.json."""
        fields = dataclasses.asdict(self) | {"order": self.order.to_json(), "profile": profiles.to_json(self.profile)}
        write(self.folder / "submission.json", json.dumps(fields, indent=1).encode())


@dataclass(kw_only=True)
class Life:
    """One life of an element: from its start on a node to its end or its next requeue."""

    element: int
    restart: int  # SLURM_RESTART_COUNT
    job: str
    node: str
    gpus: int
    workers: int
    began: float
    ended: float | None = None  # None while it lives, or when it was killed
    end: End | None = None
    why: str = ""
    faults: dict[str, str] = field(default_factory=dict)  # node, its own or that of the life before -> what is wrong
    runs: dict[str, Json] = field(default_factory=dict)  # key -> status, seconds, error
    last_sign: float = 0.0  # when the file was touched last; read, not written

    def path(self, submission: Submission) -> Path:
        """Its file."""
        return submission.folder / "lives" / f"{self.element:05d}.{self.restart}.json"

    def save(self, submission: Submission) -> None:
        """Writes it by rename."""
        fields = dataclasses.asdict(self)
        del fields["last_sign"]
        write(self.path(submission), json.dumps(fields, indent=1).encode())

    def touch(self, submission: Submission) -> None:
        """Shows that it lives."""
        os.utime(self.path(submission))

    @property
    def seconds(self) -> float:
        """How long it lasted, as far as it could tell."""
        return max(0.0, (self.ended if self.ended is not None else self.last_sign) - self.began)


def new_id() -> str:
    """A name that sorts by time and that no other submission of this user has."""
    return time.strftime("%y%m%d-%H%M%S") + f"-{secrets.token_hex(2)}"


def create(submission: Submission) -> None:
    """Makes the folder of a submission."""
    with explain_write_errors(submission.folder):
        for name in ("elements", "lives", "log"):
            (submission.folder / name).mkdir(parents=True, exist_ok=True)
    submission.save()


def load(folder: Path) -> Submission:
    """A submission from its folder.

    Raises:
        ClusterError: it cannot be read.
    """
    path = folder / "submission.json"
    try:
        fields = json.loads(path.read_text())
        return Submission(
            **{
                **fields,
                # The store may have moved since; the folder is where we found it.
                "order": Order.from_json({**fields["order"], "results": str(folder.absolute().parents[1])}),
                # Another version of the suite may have written it: what it did not know has its default.
                "profile": profiles.from_json(
                    {key: value for key, value in fields["profile"].items() if key in profiles.KEYS | {"name"}}
                ),
                "elements": tuple(tuple(keys) for keys in fields["elements"]),
                "arrays": tuple(Array(**array) for array in fields["arrays"]),
                "excluded": tuple(fields["excluded"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            f"{path} cannot be read ({error}); cancel its jobs with scancel, and delete {folder}."
        ) from None


def submissions(store: Store) -> list[Submission]:
    """Every submission of a store, the oldest first."""
    folders = sorted((store.root / FOLDER).glob("*/submission.json"))
    return [load(path.parent) for path in folders]


def lives(submission: Submission, elements: Sequence[int] | None = None) -> dict[int, list[Life]]:
    """The lives of elements, in order; of all elements unless some are named."""
    patterns = ["*.json"] if elements is None else [f"{number:05d}.*.json" for number in elements]
    found: dict[int, list[Life]] = {}
    for life in _read_lives(submission.folder / "lives", patterns):
        found.setdefault(life.element, []).append(life)
    return {number: sorted(some, key=lambda life: life.restart) for number, some in found.items()}


def faults(store: Store, cluster: str) -> dict[str, str]:
    """Nodes of a cluster that failed a life, and why: excluded from everything submitted from now on."""
    found: dict[str, str] = {}
    for submission in submissions(store):
        if submission.profile.name != cluster:
            continue
        for some in lives(submission).values():
            for life in some:
                found |= life.faults
        found |= {death["node"]: death["fault"] for death in deaths(submission).values() if death.get("fault")}
    return found


def avoided(store: Store, profile: Profile) -> tuple[str, ...]:
    """Nodes that jobs are kept away from: those that the profile names, and those that failed and are not trusted."""
    return tuple(sorted({*profile.exclude, *(set(faults(store, profile.name)) - set(profile.trusted))}))


def deaths(submission: Submission) -> dict[str, Json]:
    """How the scheduler says that jobs ended which could not say it themselves, by job."""
    try:
        found: dict[str, Json] = json.loads((submission.folder / "deaths.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def note_deaths(submission: Submission, found: dict[str, Json]) -> None:
    """Keeps what the scheduler said, which forgets it after a while."""
    write(submission.folder / "deaths.json", json.dumps(deaths(submission) | found, indent=1).encode())


def _read_lives(folder: Path, patterns: Sequence[str]) -> Iterator[Life]:
    for pattern in patterns:
        for path in folder.glob(pattern):
            try:
                yield Life(**json.loads(path.read_text()), last_sign=path.stat().st_mtime)
            except (OSError, ValueError, TypeError):
                continue  # being replaced, or damaged: it tells nothing
