"""Submissions on disk: the order, the runs of each element of each array, and every attempt at an element."""

import dataclasses
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from repro.cluster import profile as profiles
from repro.cluster.profile import Profile
from repro.errors import ClusterError, ReproError
from repro.runs.files import explain_write_errors, write
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec

Json = dict[str, Any]
FOLDER = ".slurm"  # in the store
ATTEMPTS = "attempts"  # in the folder of a submission

# How an attempt ended, as it reported itself; one that was killed reported nothing.
End = Literal["done", "requeued", "terminated", "exhausted", "paused", "waiting"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a user submitted, so that a job can submit it again; all paths are absolute."""

    scale: str
    paths: tuple[str, ...]
    keyword: str
    copy: str | None  # --data
    results: Path
    data_dir: Path
    report: Path
    granted_gpu_hours: float  # what the user agreed to, over all rounds
    any_code: bool  # whether jobs also run with code of another digest

    @property
    def selection(self) -> tuple[object, ...]:
        """What the report of this order covers: orders of the same selection share a report."""
        return (self.scale, self.paths, self.keyword, self.copy)

    def to_json(self) -> Json:
        """As JSON values."""
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, fields: Json) -> "Order":
        """The order that ``to_json`` gave."""
        places = {name: Path(fields[name]) for name in ("results", "data_dir", "report")}
        return cls(**{**fields, **places, "paths": tuple(fields["paths"])})


@dataclass(frozen=True, kw_only=True)
class Array:
    """One job array as the scheduler accepted it: elements ``first`` … ``first + count − 1`` of the submission."""

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
    code: str  # digest that the jobs' code must have
    commit: str
    round: int  # 0, and one more each time a report job queues interrupted runs again
    created: float  # time.time()
    elements: tuple[tuple[str, ...], ...]  # keys of the runs of each
    gpu_hours: float  # expected
    reused_seconds: float  # device-seconds of the complete runs that were reused
    excluded: tuple[str, ...] = ()  # nodes that jobs avoid
    arrays: tuple[Array, ...] = ()
    report_job: str | None = None

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.order.results / FOLDER / self.id

    @property
    def log(self) -> Path:
        """submitit's folder: scripts and logs of the jobs."""
        return self.folder / "log"

    def element_file(self, number: int) -> Path:
        """The file that the job of an element reads, as ``read_element`` does."""
        return self.folder / "elements" / f"{number:05d}.json"

    def owns(self, job_name: str) -> bool:
        """Whether a job of that name was submitted by this submission: ids of jobs are reused."""
        parts = parts_of(job_name)
        return parts is not None and parts[0] == self.id

    def array_name(self, first: int) -> str:
        """Job name of the array that begins with an element, by which it is found even if we are killed here."""
        return f"repro.{self.id}.{first}"

    @property
    def report_name(self) -> str:
        """Job name of the report job."""
        return f"repro.{self.id}.report"

    def job_of(self, element: int) -> str | None:
        """The scheduler's id of an element; None if it is not queued."""
        for array in self.arrays:
            if array.first <= element < array.first + array.count:
                return array.job if array.count == 1 else f"{array.job}_{element - array.first}"
        return None

    def log_of(self, job: str | None) -> Path:
        """The log of a job."""
        return self.log / f"{job}_0_log.out"

    def save(self) -> None:
        """Writes submission.json."""
        fields = dataclasses.asdict(self) | {"order": self.order.to_json(), "profile": profiles.to_json(self.profile)}
        write(self.folder / "submission.json", json.dumps(fields, indent=1).encode())


@dataclass(frozen=True, kw_only=True)
class QueuedRun:
    """A run of an element."""

    spec: RunSpec
    criteria: Mapping[str, str]  # frozen rules of the checks that need it


@dataclass(frozen=True, kw_only=True)
class QueuedElement:
    """What the job of an element trains, as it was queued."""

    runs: tuple[QueuedRun, ...]
    workers: int  # runs at a time
    devices: int  # of each run
    minutes: int  # time limit


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at an element: from its start on a node to its end or its next requeue."""

    element: int
    restart: int  # SLURM_RESTART_COUNT
    job: str
    node: str
    gpus: int
    workers: int
    began: float
    ended: float | None = None  # None while it is running, or if it was killed
    end: End | None = None
    why: str = ""
    meeting: str = ""  # where its tasks meet to train one run, a URL; empty if there is only one task
    faults: Mapping[str, str] = field(default_factory=dict)  # node of this attempt or of the one before -> its fault
    runs: Mapping[str, Json] = field(default_factory=dict)  # key -> status, seconds, error
    last_sign: float = 0.0  # when the file was last touched; read, not written

    def path(self, submission: Submission) -> Path:
        """Its file."""
        return _attempt_file(submission, self.element, self.restart)

    def save(self, submission: Submission) -> None:
        """Writes it by rename."""
        fields = dataclasses.asdict(self)
        del fields["last_sign"]
        write(self.path(submission), json.dumps(fields, indent=1).encode())

    def touch(self, submission: Submission) -> None:
        """Shows that it is still running."""
        os.utime(self.path(submission))

    @property
    def seconds(self) -> float:
        """How long it lasted, by its own reports."""
        return max(0.0, (self.ended if self.ended is not None else self.last_sign) - self.began)


def new_id(root: Path) -> str:
    """A unique name that sorts by time (UTC), and that distinguishes the jobs of one store from another's."""
    now = time.time()
    within = int(now % 1 * 4096)  # two submissions may fall into one second
    return f"{time.strftime('%y%m%d-%H%M%S', time.gmtime(now))}-{mark(root)}-{within:03x}{secrets.token_hex(2)}"


def mark(root: Path) -> str:
    """The part that the ids of all submissions of a store share."""
    return hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:6]


def parts_of(job_name: str) -> tuple[str, str] | None:
    """A submission's id and its first element, or ``report``, of a job's name; None if it is not of this suite."""
    parts = job_name.split(".")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "repro" else None


def create(submission: Submission) -> None:
    """Makes the folder of a submission."""
    with explain_write_errors(submission.folder):
        for name in ("elements", ATTEMPTS, "log"):
            (submission.folder / name).mkdir(parents=True, exist_ok=True)
    submission.save()


def load(folder: Path) -> Submission:
    """A submission from its folder.

    Raises:
        ClusterError: it cannot be read.
    """
    path = folder / "submission.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Submission(
            **{
                **fields,
                # The store may have moved since: trust the folder that we found it in.
                "order": Order.from_json({**fields["order"], "results": str(folder.absolute().parents[1])}),
                # Another version of the suite may have written it: new keys take their defaults.
                "profile": profiles.from_json(
                    {key: value for key, value in fields["profile"].items() if key in profiles.KEYS | {"name"}}
                ),
                "elements": tuple(tuple(keys) for keys in fields["elements"]),
                "arrays": tuple(Array(**array) for array in fields["arrays"]),
                "excluded": tuple(fields["excluded"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ReproError) as error:
        raise ClusterError(
            f"{path} cannot be read: {type(error).__name__}: {error}. Put it back, or delete {folder} and submit "
            "again; its jobs are then found by their name."
        ) from None


def read_element(submission: Submission, number: int) -> QueuedElement:
    """What the job of an element trains; it is there before that has started.

    Raises:
        ClusterError: the file cannot be read.
        SpecError: it holds a spec that this version does not know.
    """
    file = submission.element_file(number)
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        return QueuedElement(
            runs=tuple(
                QueuedRun(spec=read_spec(one["spec"], file), criteria=one["criteria"]) for one in fields["runs"]
            ),
            workers=fields["workers"],
            devices=fields.get("devices", 1),
            minutes=fields["minutes"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(f"{file} cannot be read: {type(error).__name__}: {error}. Submit its runs again.") from None


def attempts(submission: Submission, elements: Sequence[int] | None = None) -> dict[int, tuple[Attempt, ...]]:
    """The attempts at elements, in order; at all elements unless some are given."""
    patterns = ["*.json"] if elements is None else [f"{number:05d}.*.json" for number in elements]
    found: dict[int, list[Attempt]] = {}
    for one in _read_attempts(submission.folder / ATTEMPTS, patterns):
        if one.element < len(submission.elements):
            found.setdefault(one.element, []).append(one)
    return {number: tuple(sorted(some, key=lambda one: one.restart)) for number, some in found.items()}


def attempt(submission: Submission, element: int, restart: int) -> Attempt | None:
    """One attempt at an element; None if there is no such file, or it cannot be read now."""
    return _read_attempt(_attempt_file(submission, element, restart))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a small file; an empty one if it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def deaths_file(submission: Submission) -> Path:
    """How jobs ended that could not report it themselves, by job, from the scheduler."""
    return submission.folder / "deaths.json"


def cancelled_file(submission: Submission) -> Path:
    """The runs whose jobs the user cancelled."""
    return submission.folder / "cancelled.json"


def report_file(submission: Submission) -> Path:
    """The outcome of the report job."""
    return submission.folder / "report.json"


def _read_attempts(folder: Path, patterns: Sequence[str]) -> Iterator[Attempt]:
    for pattern in patterns:
        yield from filter(None, map(_read_attempt, folder.glob(pattern)))


def _attempt_file(submission: Submission, element: int, restart: int) -> Path:
    return submission.folder / ATTEMPTS / f"{element:05d}.{restart}.json"


def _read_attempt(path: Path) -> Attempt | None:
    try:
        return Attempt(**json.loads(path.read_text(encoding="utf-8")), last_sign=path.stat().st_mtime)
    except (OSError, ValueError, TypeError):
        return None  # being replaced, damaged, or on a file system that does not answer
