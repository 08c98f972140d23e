"""Runs in transit: one compressed file that carries runs from a store to another."""

import contextlib
import io
import json
import shutil
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from repro.errors import ReproError, StoreError
from repro.runs.lease import Lease
from repro.runs.spec import RunSpec
from repro.runs.store import CHECKPOINT, FAILURE, HISTORY, RECORD, SPEC, Store, explain_write_errors, read, write_with


def export(store: Store, specs: Sequence[RunSpec], file: Path) -> int:
    """Packs complete and paused runs into a .tar.xz, the same bytes for the same runs; returns how many.

    Raises:
        StoreError: a run was changed by hand, nothing is there to pack, or the file cannot be written.
    """
    members: list[tuple[str, bytes]] = []
    packed = 0
    for spec in sorted(specs, key=lambda spec: spec.key):
        condition, folder = store.condition(spec), store.folder(spec)
        if condition == "complete":
            run = store.run(spec)
            run.check()
            names = [*run.record["files"], RECORD]
        elif condition == "paused":
            names = [SPEC, HISTORY, CHECKPOINT]
        else:
            continue
        packed += 1
        members += [(f"{spec.key}/{name}", read(folder / name)) for name in names]
    if not packed:
        raise StoreError(
            f"{store.root} has no complete or paused run of this plan; nothing was written. See: repro status."
        )
    write_with(file, lambda draft: _pack(draft, members))
    return packed


def take_in(store: Store, file: Path) -> Counter[str]:
    """Adds the runs of an exported file to a store: counts of "new", "equal", "newer checkpoint", "kept ours".

    A run that is already there with equal results is left as it is. Nothing is taken in if any run is damaged or in
    conflict.

    Raises:
        StoreError: the file is damaged, or holds other results for a run that the store has, which is named.
    """
    new = not store.root.exists()
    with explain_write_errors(store.root):
        store.root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".import-", dir=store.root))
    try:
        _unpack(file, staging)
        arrived = Store(staging)
        decisions = [(folder, _decide(store, arrived, folder, file)) for folder in sorted(staging.iterdir())]
        for folder, decision in decisions:
            if decision in ("new", "newer checkpoint"):
                _move(folder, store.root / folder.name)
        return Counter(decision for _, decision in decisions)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if new:
            with contextlib.suppress(OSError):  # it holds runs now
                store.root.rmdir()


def _pack(draft: Path, members: Sequence[tuple[str, bytes]]) -> None:
    with tarfile.open(draft, "w:xz", preset=6) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def _unpack(file: Path, staging: Path) -> None:
    """Writes the members of an export below ``staging``, and nothing anywhere else."""
    try:
        with tarfile.open(file, "r:xz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if not member.isfile() or path.is_absolute() or ".." in path.parts or len(path.parts) not in (2, 3):
                    raise StoreError(f"{file} holds {member.name!r}, which no export has; it was not taken in.")
                target = staging / path
                content = tar.extractfile(member)
                assert content is not None
                with explain_write_errors(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
            assert tar.fileobj is not None
            while tar.fileobj.read(1_000_000):  # tar ends before xz does: only then is the file known to be whole
                pass
    except FileNotFoundError:
        raise StoreError(f"{file} does not exist; name a file that `repro export` wrote.") from None
    except ReproError:
        raise
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise StoreError(f"{file} is damaged or no export ({error}); copy it again. Nothing was taken in.") from None
    except Exception as error:  # lzma.LZMAError, where Python has lzma
        raise StoreError(f"{file} is damaged ({error}); copy it again. Nothing was taken in.") from None


def _decide(store: Store, arrived: Store, folder: Path, file: Path) -> str:
    """What becomes of one run that arrived."""
    spec_file = folder / SPEC
    if not spec_file.exists():
        raise StoreError(f"{file} lacks the spec of run {folder.name[:12]}…; export it again. Nothing was taken in.")
    spec = RunSpec.from_json(spec_file.read_text(), f"{file}: {folder.name[:12]}…/{SPEC}")
    if spec.key != folder.name:
        raise StoreError(f"{file}: run {folder.name[:12]}… holds the spec of {spec.key[:12]}…. Nothing was taken in.")
    here = store.condition(spec)
    if arrived.condition(spec) == "complete":
        theirs = arrived.run(spec)
        theirs.check()
        _refuse_foreign(folder, {*theirs.record["files"], RECORD}, file)
        if here != "complete":
            return "new"
        ours = store.run(spec)
        if ours.digest == theirs.digest:
            return "equal"
        raise StoreError(
            f"{file} holds other results than {ours.folder} for {spec.name}: conflict. Keep one: delete that folder to "
            "take theirs, or leave the run out of the export. Nothing was taken in."
        )
    _refuse_foreign(folder, {SPEC, HISTORY, CHECKPOINT}, file)
    theirs_at = _progress(folder)
    if here == "complete":
        return "kept ours"
    if (store.folder(spec) / CHECKPOINT).exists():  # also that of a run which failed after it
        return "kept ours" if _progress(store.folder(spec)) >= theirs_at else "newer checkpoint"
    return "new"


def _refuse_foreign(folder: Path, known: set[str], file: Path) -> None:
    """Takes in what a run consists of and nothing else, such as another machine's lease."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if found - known:
        raise StoreError(
            f"{file} holds {folder.name[:12]}…/{min(found - known)}, which no export has. Nothing was taken in."
        )


def _progress(folder: Path) -> tuple[int, int]:
    """Epoch and step of a checkpoint, from its safetensors header."""
    try:
        with (folder / CHECKPOINT).open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(length, 100_000_000)))
        place = json.loads(header["__metadata__"]["place"])
        return place["epoch"], place["step"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder / CHECKPOINT} is damaged ({error}); delete it, or export it again.") from None


def _move(source: Path, target: Path) -> None:
    """Moves a run's files to where they belong, run.json last."""
    with explain_write_errors(target):
        target.mkdir(exist_ok=True)
        lease = Lease.take(target)
        if lease is None:
            raise StoreError(f"{target} is being trained by another process; import again when it is done.")
        try:
            files = [path for path in source.rglob("*") if path.is_file()]
            for path in sorted(files, key=lambda path: path.name == RECORD):
                place = target / path.relative_to(source)
                place.parent.mkdir(exist_ok=True)
                path.replace(place)
            if (target / RECORD).exists():
                for name in (CHECKPOINT, FAILURE):
                    (target / name).unlink(missing_ok=True)
        finally:
            lease.release()
