"""A complete run, checked against its own hashes whenever it is read."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from repro.errors import DamagedRunError, StoreError
from repro.runs.canonical import digest, parse
from repro.runs.checkpoint import HISTORY
from repro.runs.files import read_plain
from repro.runs.record import fault_in
from repro.runs.spec import RunSpec

Json = dict[str, Any]

TENSORS = "tensors.safetensors"


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

    @property
    def has_tensors(self) -> bool:
        """Whether what was trained lies beside its record; an export may have left it out, and it is measured then."""
        return (self.folder / TENSORS).exists()

    def read(self, name: str) -> bytes:
        """A file of the run."""
        expected = self.record["files"].get(name)
        if expected is None:
            raise StoreError(f"{self.folder} has no {name}; measure it with: repro run --measure.")
        if name == TENSORS and not self.has_tensors:
            raise StoreError(
                f"{self.folder} came without its trained tensors; import an export that has them, or delete the "
                "folder and train it again: repro run."
            )
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
        """One row per evaluation: after every epoch, or after so many steps as the spec says."""
        return tuple(self._object(HISTORY, line) for line in self.read(HISTORY).splitlines())

    def _object(self, name: str, content: bytes) -> Json:
        try:
            found = parse(content)
        except ValueError:
            found = None
        wrong = fault_in(name, found, self.spec) if isinstance(found, dict) else "it holds no JSON object"
        if wrong is not None:
            advice = f"delete {self.folder} and train it again"
            raise DamagedRunError(self.folder / name, f"is not what a run writes ({wrong})", advice)
        return cast(Json, found)

    @property
    def digest(self) -> str:
        """SHA-256 of what the run computed, whatever machine computed it and however long that took.

        Measurements added later do not count: a run equals its copy with more measurements.
        """
        added = {name for addition in self.record.get("additions", ()) for name in addition["files"]}
        return digest(
            {
                name: sha256
                for name, sha256 in self.record["files"].items()
                if name not in added or not name.startswith("measurements/")
            }
        )

    def check(self) -> None:
        """Reads every file, and so finds any change; trained tensors that an export left out are none."""
        for name in self.record["files"]:
            if name != TENSORS or self.has_tensors:
                self.read(name)


def read(path: Path) -> bytes:
    """The content of a file of a run.

    Raises:
        DamagedRunError: it cannot be read.
    """
    try:
        return read_plain(path)
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        folder = path.parent.parent if path.parent.name == "measurements" else path.parent
        raise DamagedRunError(path, found, f"restore it, or delete {folder}") from None
