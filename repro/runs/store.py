"""The store: one folder a run, which is complete or not, and whose record is checked whenever it is opened."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro.errors import DamagedRunError, SpecError, StoreError
from repro.runs.canonical import digest, parse
from repro.runs.checkpoint import CHECKPOINT, HISTORY, SPEC, glance
from repro.runs.files import DRAFTS, explain_write_errors, write
from repro.runs.lease import holder
from repro.runs.record import fault
from repro.runs.run import TENSORS, Run, read
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec

__all__ = [
    "CHECKPOINT", "FAILURE", "HISTORY", "RECORD", "SPEC", "TENSORS", "Condition", "Run", "Store",
    "explain_write_errors", "is_named", "write",
]  # fmt: skip

RECORD = "run.json"  # written last: a folder that has it is complete
FAILURE = "failure.json"

Condition = Literal["complete", "training", "paused", "failed", "missing"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """A folder of runs. Reading it needs neither torch nor a lock."""

    root: Path

    def folder(self, spec: RunSpec) -> Path:
        """The folder of a run."""
        return self.root / spec.key

    def condition(self, spec: RunSpec) -> Condition:
        """Whether a run is complete, being trained, paused at a checkpoint, failed, or missing.

        It is complete when it has its record, which ``run`` then checks. A run whose spec or checkpoint is damaged has
        failed: it cannot be resumed.
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
            if _is_there(folder / RECORD):
                yield self._open(folder, None)

    def specs(self) -> Iterator[RunSpec]:
        """The spec of every run that has a folder, in order of its key; damaged ones are left out."""
        for folder in self._folders():
            with contextlib.suppress(StoreError):
                yield self._check_spec(folder, None)

    def damaged(self) -> Iterator[DamagedRunError]:
        """What is wrong with each run whose spec or record cannot be trusted, in order of its key."""
        for folder in self._folders():
            try:
                if (folder / RECORD).exists():
                    self._open(folder, None)
                else:
                    self._check_spec(folder, None)
            except DamagedRunError as error:
                yield error

    def traceback(self, spec: RunSpec) -> str:
        """The traceback of a run's crash; "" where there is none to be read."""
        try:
            return str(parse(read(self.folder(spec) / FAILURE))["traceback"])
        except (DamagedRunError, ValueError, KeyError, TypeError):
            return ""

    def failure(self, spec: RunSpec) -> str:
        """Why a run failed: the last line of its traceback, or its damaged file and what to do about it."""
        try:
            self._condition(spec)
            return str(parse(read(self.folder(spec) / FAILURE))["error"])
        except DamagedRunError as error:
            return str(error)
        except (ValueError, KeyError, TypeError):
            return f"{FAILURE} cannot be read"

    def position(self, spec: RunSpec) -> Json | None:
        """Rows, step and parts of a paused run, from its checkpoint; None without a readable one."""
        return glance(self.folder(spec), spec)

    def progress(self, spec: RunSpec) -> float:
        """Share of a paused run that is done, in [0, 1]."""
        position = self.position(spec)
        if position is None:
            return 0.0
        return min(1.0, spec.done(position[spec.row_name], position["step"]))

    def check_spec(self, spec: RunSpec) -> None:
        """Reads the spec of a run that was begun.

        Raises:
            DamagedRunError: it is missing, damaged or another one.
        """
        self._check_spec(self.folder(spec), spec)

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

    def withdraw(self, spec: RunSpec) -> None:
        """Removes the folder of a run that was begun and has nothing but its spec, as where its data are broken."""
        folder = self.folder(spec)
        with contextlib.suppress(OSError):
            if _names(folder) == {SPEC, "measurements"} and not os.listdir(folder / "measurements"):  # noqa: PTH208 (faster)
                (folder / "measurements").rmdir()
                (folder / SPEC).unlink()
                folder.rmdir()

    def finish(self, spec: RunSpec, record: Json) -> None:
        """Makes a run complete: removes what killed writers left, and hashes files and record into run.json.

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
        """Records measurements that were added to a complete run, with the code that made them.

        The caller holds the lease. Earlier files keep their hashes, so that no change to them becomes valid.
        """
        files = {name: hashlib.sha256(read(run.folder / name)).hexdigest() for name in sorted(names)}
        additions = [*run.record.get("additions", ()), {**by, "files": sorted(names)}]
        record = {**run.record, "files": {**files, **run.record["files"]}, "additions": additions}
        _write_record(run.folder, record)

    def fail(self, spec: RunSpec, error: str, traceback: str) -> None:
        """Records a crash beside the run's checkpoint; the next attempt resumes from that, with the same seed."""
        text = json.dumps({"error": error, "traceback": traceback}, indent=1)
        with contextlib.suppress(StoreError):  # a full disk must not hide the crash itself
            write(self.folder(spec) / FAILURE, text.encode())

    def _folders(self) -> list[Path]:
        """The folders of runs, in order of their keys."""
        there = sorted(self.root.iterdir()) if self.root.is_dir() else []
        return [folder for folder in there if folder.name[:1] != "." and _is_there(folder / SPEC)]

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
            found = None if record.pop("record_sha256") == digest(record) else "it was edited"
        except (ValueError, TypeError, KeyError, AttributeError):
            found = "it holds no record"
        if found is None:
            spec = self._check_spec(folder, spec)
            found = fault(record, spec)
        if found is not None or spec is None:
            raise DamagedRunError(
                folder / RECORD, f"is not a run record, or was edited ({found})", f"delete {folder} and train it again"
            )
        return Run(folder, spec, record, hashlib.sha256(content).hexdigest())

    def _check_spec(self, folder: Path, spec: RunSpec | None) -> RunSpec:
        """The spec in a folder, which must be the given one, if any."""
        path = folder / SPEC
        content = read(path)
        if spec is not None and content == spec.to_json().encode():
            return spec
        advice = f"delete {folder} and train it again"
        try:
            found = read_spec(content, "it")
        except SpecError as error:
            raise DamagedRunError(path, f"was edited ({str(error).rstrip('.')})", advice) from None
        if found.key != folder.name or content != found.to_json().encode():
            edited = f"describes run {found.key[:12]}…, not {folder.name[:12]}…: it was edited"
            raise DamagedRunError(path, edited, advice)
        return found


def is_named(spec: RunSpec, words: str) -> bool:
    """Whether a run's key begins with some characters, or its name with whole words, in whatever case."""
    return spec.key.startswith(words) or f"{spec.name} ".casefold().startswith(f"{words.rstrip()} ".casefold())


def _names(folder: Path) -> set[str]:
    """The names of the files of a run; none if it has no folder.

    Raises:
        DamagedRunError: the folder cannot be read.
        StoreError: the store cannot be read either.
    """
    try:
        return set(os.listdir(folder))  # noqa: PTH208 (faster)
    except FileNotFoundError:
        return set()
    except OSError as error:
        _check_root(folder.parent)
        raise DamagedRunError(folder, f"cannot be read ({error.strerror})", "make it readable, or delete it") from None


def _check_root(root: Path) -> None:
    try:
        with os.scandir(root):
            pass
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{root} cannot be read: {error.strerror}. Name a folder with --results.") from None


def _write_record(folder: Path, record: Json) -> None:
    record = {**record, "record_sha256": digest(record)}
    write(folder / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())


def _is_there(path: Path) -> bool:
    """Whether a file is there and may be seen: the folder of another user's run may be closed."""
    try:
        return path.exists()
    except PermissionError:
        return False
