"""One run of an export beside the store that it may enter: what becomes of it is decided, then carried out."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from repro.errors import DamagedRunError, SpecError, StoreError
from repro.runs.checkpoint import read_checkpoint
from repro.runs.files import explain_write_errors, make_folder, read_plain
from repro.runs.lease import Lease
from repro.runs.run import Run, read
from repro.runs.spec import RunSpec
from repro.runs.spec_json import read_spec
from repro.runs.store import CHECKPOINT, FAILURE, HISTORY, RECORD, SPEC, TENSORS, Store

PATIENCE = 10.0  # seconds to wait for another import that holds the same run
Decision = Literal["new", "equal", "newer checkpoint", "kept ours", "tensors added", "repaired", "damaged here"]


class Arrival:
    """One run of an export beside the store that it may enter.

    ``arrived`` is the unpacked export, ``folder`` the run's in it, and ``file`` the export, which errors name.

    Raises:
        StoreError: the run that arrived is damaged, or has a file that no export has.
    """

    def __init__(self, store: Store, arrived: Store, folder: Path, file: Path) -> None:
        self._store, self._folder, self._file = store, folder, file
        self._done = "Nothing of it was imported."
        self._spec = self._read_spec()
        with self._blaming_file():
            self._theirs = arrived.run(self._spec) if (folder / RECORD).exists() else None
            if self._theirs is not None:
                self._theirs.check()
                self._refuse_unlisted({*self._theirs.record["files"], RECORD})
                self._at = (self._spec.rows, 0)
            else:
                _, position, _ = read_checkpoint(folder, self._spec)
                self._refuse_unlisted({SPEC, HISTORY, CHECKPOINT})
                self._at = (position[self._spec.row_name], position["step"])

    def decide(self) -> Decision:
        """Decides whether the run is imported.

        Raises:
            StoreError: the store has other results for it.
        """
        here = self._store.condition(self._spec)
        if here == "complete":
            if self._theirs is None:
                return "kept ours"
            try:
                ours = self._store.run(self._spec)
            except DamagedRunError:  # its record: what its results were, its other files must say
                if self._theirs.has_tensors and self._agrees(self._theirs):
                    return "repaired"
                raise
            if ours.digest == self._theirs.digest:
                damaged = _damaged(ours)
                if not all(self._has(name, ours) for name in damaged):
                    return "damaged here"
                return "repaired" if damaged else "tensors added" if self._lacking(ours) else "equal"
            raise self._conflict(ours.folder)
        if not (self._store.folder(self._spec) / CHECKPOINT).exists():
            return "new"
        ours_at = self._paused_here()
        if ours_at is None:
            self._refuse_another_run()
            return "repaired"
        if self._theirs is None and ours_at >= self._at:
            return "kept ours"
        self._refuse_another_history(ours_at[0])
        return "new" if self._theirs is not None else "newer checkpoint"

    def _paused_here(self) -> tuple[int, int] | None:
        """Row and step of the paused run in the store, even if it has failed since; None if it is damaged.

        Raises:
            StoreError: its files cannot be read, which is no damage of theirs.
        """
        folder = self._store.folder(self._spec)
        try:
            for name in (SPEC, CHECKPOINT, HISTORY):
                with contextlib.suppress(FileNotFoundError):
                    read_plain(folder / name)
            self._store.check_spec(self._spec)
            _, position, _ = read_checkpoint(folder, self._spec)
        except OSError as error:
            raise StoreError(f"{folder} cannot be read ({error}); import again when it can. {self._done}") from None
        except StoreError:
            return None
        return position[self._spec.row_name], position["step"]

    def settle(self) -> Decision:
        """Carries the decision out under the run's lease, having decided again in case another import came first."""
        target = self._store.folder(self._spec)
        self._done = "Other runs of the file may have been imported."  # another import came first
        until = time.monotonic() + PATIENCE
        while True:
            decision = self.decide()
            if decision not in ("new", "newer checkpoint", "tensors added", "repaired"):
                return decision
            make_folder(target)
            with explain_write_errors(target):
                lease = Lease.take(target)
            if lease is not None:
                break
            if time.monotonic() >= until:
                raise StoreError(f"{target} is being trained by another process; import again when it is done.")
            time.sleep(0.05)
        try:
            decision = self.decide()
            with explain_write_errors(target):
                if decision in ("new", "newer checkpoint"):
                    _move(self._folder, target)
                elif decision in ("tensors added", "repaired"):
                    self._mend(target)
            return decision
        finally:
            lease.release()

    def _mend(self, target: Path) -> None:
        """Replaces what is damaged of a run, or adds what it lacks; its own record stays if it can be read."""
        try:
            ours = self._store.run(self._spec)
        except DamagedRunError:  # or it has none yet
            _move(self._folder, target)
            return
        for name in [*_damaged(ours), *self._lacking(ours)]:
            (target / name).parent.mkdir(exist_ok=True)
            (self._folder / name).replace(target / name)

    def _has(self, name: str, ours: Run) -> bool:
        """Whether a file of ours arrived, with the content that our record names."""
        theirs = self._theirs
        assert theirs is not None
        return theirs.record["files"].get(name) == ours.record["files"][name] and (theirs.folder / name).exists()

    def _lacking(self, ours: Run) -> list[str]:
        """The trained tensors, if they arrived and ours are missing."""
        return [TENSORS] if not ours.has_tensors and self._has(TENSORS, ours) else []

    def _conflict(self, folder: Path) -> StoreError:
        return StoreError(
            f"{self._file} holds other results than {folder} for {self._spec.name}: conflict. Keep one: "
            f"delete that folder to take theirs, or leave the run out of the export. {self._done}"
        )

    def _agrees(self, theirs: Run) -> bool:
        """Whether every file that is left of ours, the history among them, is the one that theirs has."""
        folder = self._store.folder(self._spec)
        left = [name for name in theirs.record["files"] if (folder / name).exists()]
        return HISTORY in left and all(read(folder / name) == theirs.read(name) for name in left)

    def _refuse_another_history(self, rows: int) -> None:
        """Refuses a run that was trained otherwise up to where our checkpoint of it stands, after so many rows."""
        folder = self._store.folder(self._spec)
        ours, theirs = (_rows(place / HISTORY)[:rows] for place in (folder, self._folder))
        if ours != theirs[: len(ours)]:
            raise self._conflict(folder)

    def _refuse_another_run(self) -> None:
        """Refuses to replace a damaged paused run by one that was trained otherwise: damage changes a row at most."""
        folder = self._store.folder(self._spec)
        ours, theirs = (_rows(place / HISTORY) for place in (folder, self._folder))
        if sum(one != other for one, other in zip(ours, theirs, strict=False)) > 1:
            raise self._conflict(folder)

    def _read_spec(self) -> RunSpec:
        path = self._folder / SPEC
        where = f"{self._file}: run {self._folder.name[:12]}…"
        if not path.exists():
            raise StoreError(f"{where} has no spec; export it again. Nothing of it was imported.")
        try:
            spec = read_spec(path.read_bytes(), f"{where}: {SPEC}")
        except SpecError as error:
            raise StoreError(f"{error} Nothing of it was imported.") from None
        if spec.key != self._folder.name:
            held = f"{where} holds the spec of {spec.key[:12]}…"
            raise StoreError(f"{held}; export it again. Nothing of it was imported.")
        return spec

    @contextlib.contextmanager
    def _blaming_file(self) -> Iterator[None]:
        """Names the exported file, not the temporary folder that it was unpacked into."""
        try:
            yield
        except DamagedRunError as error:
            name = error.path.relative_to(self._folder.parent)
            raise StoreError(
                f"{self._file}: {name} {error.found}; export it again where it came from. Nothing of it was imported."
            ) from None

    def _refuse_unlisted(self, known: set[str]) -> None:
        """Refuses files that are no part of a run, such as measurements that its record does not list."""
        found = {path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()}
        if found - known:
            raise StoreError(
                f"{self._file} holds {self._folder.name[:12]}…/{min(found - known)}, which no export has. "
                "Nothing of it was imported."
            )


def _rows(history: Path) -> list[bytes]:
    return read(history).splitlines() if history.exists() else []


def _damaged(run: Run) -> list[str]:
    """The files of a stored run that are not those that its record names, less tensors that were left out."""
    found = []
    for name in run.record["files"]:
        if name != TENSORS or run.has_tensors:
            try:
                run.read(name)
            except DamagedRunError:
                found.append(name)
    return found


def _move(source: Path, target: Path) -> None:
    """Moves a run's files into the store: a checkpoint there goes first, and what makes theirs whole comes last."""
    (target / CHECKPOINT).unlink(missing_ok=True)
    files = [path for path in source.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.name in (CHECKPOINT, RECORD)):
        place = target / path.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        path.replace(place)
    (target / FAILURE).unlink(missing_ok=True)
