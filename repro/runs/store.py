"""The store: one folder a run, complete or absent, checked against its own hashes whenever it is read."""

import contextlib
import errno
import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from repro.errors import DamagedRunError, SpecError, StoreError
from repro.runs.canonical import canonical, parse
from repro.runs.checkpoint import CHECKPOINT as CHECKPOINT
from repro.runs.checkpoint import HISTORY as HISTORY
from repro.runs.checkpoint import SPEC as SPEC
from repro.runs.checkpoint import glance
from repro.runs.datasets import DATASETS
from repro.runs.lease import holder
from repro.runs.record import fault, fault_in
from repro.runs.spec import RunSpec

RECORD = "run.json"  # written last: a folder that has it is complete
FAILURE = "failure.json"
TENSORS = "tensors.safetensors"
DRAFTS = ".*.*.[0-9]*"  # ".NAME.PID", what ``write`` fills before it renames it

Condition = Literal["complete", "training", "paused", "failed", "missing"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A complete run. Every file is compared with the hash in the record before its content is used.

    Raises:
        StoreError: from any property or method, when a file is missing or was changed.
    """

    folder: Path
    spec: RunSpec
    record: Json  # outcome, how it was trained (code, versions, device, seconds), and the SHA-256 of every other file
    sha256: str  # of run.json itself: it stands for the whole folder

    def read(self, name: str) -> bytes:
        """A file of the run."""
        expected = self.record["files"].get(name)
        if expected is None:
            raise StoreError(f"{self.folder} has no {name}; measure it with: repro run --measure.")
        content = read(self.folder / name)
        if hashlib.sha256(content).hexdigest() != expected:
            raise DamagedRunError(
                self.folder / name, "was changed after the run", f"delete {self.folder} and train it again"
            )
        return content

    def measurement(self, name: str) -> Json:
        """A measurement, as ``training.measure`` made it."""
        return self._object(f"measurements/{name}.json", self.read(f"measurements/{name}.json"))

    @cached_property
    def history(self) -> tuple[Json, ...]:
        """A row per epoch."""
        return tuple(self._object(HISTORY, line) for line in self.read(HISTORY).splitlines())

    def _object(self, name: str, content: bytes) -> Json:
        try:
            found = parse(content)
        except ValueError:
            found = None
        wrong = fault_in(name, found) if isinstance(found, dict) else "it holds no JSON object"
        if wrong is not None:
            advice = f"delete {self.folder} and train it again"
            raise DamagedRunError(self.folder / name, f"is not what a run writes ({wrong})", advice)
        return cast(Json, found)

    @property
    def digest(self) -> str:
        """SHA-256 of what the run computed, without how long it took or where: equal for equal results.

        Measurements that were added later do not count: a run and its copy with more measurements are equal.
        """
        added = {name for addition in self.record.get("additions", ()) for name in addition["files"]}
        return _digest(
            {
                name: sha256
                for name, sha256 in self.record["files"].items()
                if name not in added or not name.startswith("measurements/")
            }
        )

    def check(self) -> None:
        """Reads every file, so that any change is found."""
        for name in self.record["files"]:
            self.read(name)


@dataclass(frozen=True)
class Store:
    """A folder of runs. Reading it needs neither torch nor a lock."""

    root: Path

    def folder(self, spec: RunSpec) -> Path:
        """Where a run lives."""
        return self.root / spec.key

    def condition(self, spec: RunSpec) -> Condition:
        """Whether a run is complete, being trained, paused at a checkpoint, failed, or missing.

        It is complete when it has its record, which ``run`` then compares with what it finds. One whose spec or
        checkpoint is damaged has failed: it cannot go on.
        """
        try:
            return self._condition(spec)
        except DamagedRunError:
            return "failed"

    def run(self, spec: RunSpec) -> Run:
        """A complete run.

        Raises:
            StoreError: it is not complete, or its folder holds another spec.
        """
        return self._open(self.folder(spec), spec)

    def runs(self) -> Iterator[Run]:
        """Every complete run, in order of its key.

        Raises:
            StoreError: a folder was changed by hand.
        """
        for folder in sorted(self.root.iterdir()) if self.root.exists() else ():
            if (folder / RECORD).exists():
                yield self._open(folder, None)

    def failure(self, spec: RunSpec) -> str:
        """Why a run failed: the last line of its traceback, or which of its files is damaged and what to do."""
        try:
            self._condition(spec)
            return str(parse(read(self.folder(spec) / FAILURE))["error"])
        except DamagedRunError as error:
            return str(error)
        except (ValueError, KeyError, TypeError):
            return f"{FAILURE} cannot be read"

    def place(self, spec: RunSpec) -> Json | None:
        """Epoch, step and parts of a paused run, from its checkpoint; None where there is none to be read."""
        return glance(self.folder(spec), spec)

    def progress(self, spec: RunSpec) -> float:
        """Share of a paused run that it has behind it, in [0, 1]."""
        place = self.place(spec)
        if place is None:
            return 0.0
        steps = math.ceil(DATASETS[spec.dataset].train_images / spec.batch_size)
        return min(1.0, float(place["epoch"] + place["step"] / steps) / spec.epochs)

    def begin(self, spec: RunSpec) -> Path:
        """The folder of a run about to be trained, with its spec in it.

        Raises:
            DamagedRunError: there is one whose spec or record cannot be trusted.
            StoreError: the folder cannot be written.
        """
        folder = self.folder(spec)
        with explain_write_errors(folder):
            (folder / "measurements").mkdir(parents=True, exist_ok=True)
            if (folder / RECORD).exists():
                self.run(spec)
            elif (folder / SPEC).exists():
                self._check_spec(folder, spec)
            else:
                write(folder / SPEC, spec.to_json().encode())
        return folder

    def finish(self, spec: RunSpec, record: Json) -> None:
        """Makes a run complete: hashes files and record into run.json, when all that killed writers left is gone.

        The caller holds the run's lease.
        """
        folder = self.folder(spec)
        with explain_write_errors(folder):
            for draft in (*folder.glob(DRAFTS), *folder.glob(f"measurements/{DRAFTS}")):
                draft.unlink(missing_ok=True)
        names = [SPEC, HISTORY, TENSORS, *(f"measurements/{path.name}" for path in folder.glob("measurements/*.json"))]
        files = {name: hashlib.sha256(read(folder / name)).hexdigest() for name in sorted(names)}
        _write_record(folder, {**record, "files": files})
        for name in (CHECKPOINT, FAILURE):
            (folder / name).unlink(missing_ok=True)

    def add(self, run: Run, names: Sequence[str], by: Json) -> None:
        """Enters measurements that were added to a complete run into its record, with the code that made them.

        The caller holds the lease. What was there before keeps its hash, so that no change to it becomes valid.
        """
        files = {name: hashlib.sha256(read(run.folder / name)).hexdigest() for name in sorted(names)}
        additions = [*run.record.get("additions", ()), {**by, "files": sorted(names)}]
        record = {**run.record, "files": {**run.record["files"], **files}, "additions": additions}
        _write_record(run.folder, record)

    def fail(self, spec: RunSpec, error: str, traceback: str) -> None:
        """Leaves word of a crash beside the run's checkpoint; the next attempt starts from there, same seed."""
        text = json.dumps({"error": error, "traceback": traceback}, indent=1)
        with contextlib.suppress(StoreError):  # a full disk must not hide the crash itself
            write(self.folder(spec) / FAILURE, text.encode())

    def _condition(self, spec: RunSpec) -> Condition:
        folder = self.folder(spec)
        names = _names(folder)
        if RECORD in names:
            return "complete"
        if any(name.startswith("lease.") for name in names) and holder(folder) is not None:
            return "training"
        if SPEC in names:
            self._check_spec(folder, spec)
        if FAILURE in names:
            return "failed"
        if CHECKPOINT not in names:
            return "missing"
        if glance(folder, spec) is None:
            raise DamagedRunError(folder / CHECKPOINT, "is damaged", "delete it to train this run from the start")
        return "paused"

    def _open(self, folder: Path, spec: RunSpec | None) -> Run:
        content = read(folder / RECORD)
        try:
            record = parse(content)
            found = None if record.pop("record_sha256") == _digest(record) else "it was edited"
        except (ValueError, TypeError, KeyError, AttributeError):
            found = "it holds no such thing"
        if found is None:
            spec = self._check_spec(folder, spec)
            found = fault(record, spec)
        if found is not None or spec is None:
            raise DamagedRunError(
                folder / RECORD, f"is no run record or was edited ({found})", f"delete {folder} and train it again"
            )
        return Run(folder, spec, record, hashlib.sha256(content).hexdigest())

    def _check_spec(self, folder: Path, spec: RunSpec | None) -> RunSpec:
        """The spec in a folder, which is the one wanted, if one is."""
        path = folder / SPEC
        content = read(path)
        if spec is not None and content == spec.to_json().encode():
            return spec
        advice = f"delete {folder}, and plan the run that you want"
        try:
            found = RunSpec.from_json(content, path)
        except SpecError as error:
            raise DamagedRunError(path, f"was edited ({error})", advice) from None
        if found.key != folder.name or content != found.to_json().encode():
            edited = f"describes run {found.key[:12]}…, not {folder.name[:12]}…: it was edited"
            raise DamagedRunError(path, edited, advice)
        return found


def _names(folder: Path) -> set[str]:
    """The names of the files of a run, none where it has no folder.

    Raises:
        DamagedRunError: the folder cannot be read.
        StoreError: nor can the store.
    """
    try:
        return set(os.listdir(folder))  # noqa: PTH208, for it is the faster one
    except FileNotFoundError:
        return set()
    except OSError as error:
        _look_at_root(folder.parent)
        raise DamagedRunError(folder, f"cannot be read ({error.strerror})", "make it readable, or delete it") from None


def _look_at_root(root: Path) -> None:
    try:
        with os.scandir(root):
            pass
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{root} cannot be read: {error.strerror}. Name a folder with --results.") from None


def read(path: Path) -> bytes:
    """The content of a file of a run.

    Raises:
        DamagedRunError: it cannot be read.
    """
    try:
        return read_plain(path)
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise DamagedRunError(path, found, f"restore it, or delete {path.parent}") from None


def read_plain(path: Path) -> bytes:
    """The content of a plain file: a device or a pipe would have no end.

    Raises:
        OSError: it cannot be read, or is no such file.
    """

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK)  # a pipe would block before it is known to be one

    with open(path, "rb", opener=at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no plain file", str(path))
        return file.read()


def write(path: Path, content: bytes) -> None:
    """Writes a file by rename: it appears whole or not at all.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    write_with(path, lambda draft: _write_through(draft, content))


def write_with(path: Path, fill: Callable[[Path], None]) -> None:
    """As ``write``, for a library that writes to a path of its own."""
    try:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
    except ValueError:
        raise StoreError(f"{str(path)!r} names no file to write; name one.") from None
    try:
        with explain_write_errors(path):
            fill(draft)
            draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


@contextlib.contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turns a failed write into a StoreError that says which file, why, and what to do."""
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT:
                advice = "Free some space"
            case errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
                advice = "Move away what lies there"
            case _:
                advice = "Make it writable"
        raise StoreError(f"{path} cannot be written: {error.strerror}. {advice}, or name another place.") from None


def _write_record(folder: Path, record: Json) -> None:
    record = {**record, "record_sha256": _digest(record)}
    write(folder / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())


def _digest(value: Json) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
