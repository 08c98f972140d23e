"""Export and import of runs: one compressed file carries them from one store to another."""

import contextlib
import hashlib
import math
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from repro.errors import StoreError
from repro.runs.archive import check_target, pack, unpack
from repro.runs.arrival import Arrival
from repro.runs.checkpoint import read_checkpoint
from repro.runs.files import explain_write_errors, write_with
from repro.runs.lease import Lease, holder
from repro.runs.run import read
from repro.runs.spec import RunSpec
from repro.runs.store import CHECKPOINT, HISTORY, RECORD, SPEC, TENSORS, Store


def export(store: Store, specs: Iterable[RunSpec], file: Path, *, most: float = math.inf) -> int:
    """Packs complete and paused runs into a .tar.xz, the same bytes for the same runs; returns how many.

    Trained tensors of more than ``most`` bytes a run are left out: such a run can be judged, and not measured again.

    Raises:
        StoreError: a run is damaged, there is nothing to pack, or the file cannot be written.
    """
    check_target(file)
    conditions = [(spec, store.condition(spec)) for spec in sorted(specs, key=lambda spec: spec.key)]
    packed = [spec for spec, condition in conditions if condition in ("complete", "paused")]
    if not packed:
        raise StoreError(
            f"{store.root} has no complete or paused run of this plan; nothing was written. See: repro status."
        )
    write_with(file, lambda draft: pack(draft, (member for spec in packed for member in _members(store, spec, most))))
    return len(packed)


def take_in(store: Store, file: Path) -> Counter[str]:
    """Adds the runs of an exported file to a store, and counts what became of them.

    Counts are of "new", "equal", "newer checkpoint", "kept ours", "tensors added", "repaired": results that are
    equal, of which files here were damaged, or a paused run that was, and "damaged here": equal results, where the
    exported file lacks a file that is damaged here.

    A run that is already in the store with equal results is left as it is, measurements that were added here included,
    but for damaged files, and for trained tensors that it lacks and the exported file has. A paused run is replaced by
    one that is further on only if what both have of a history is equal.
    Nothing is imported if any arriving run is damaged or in conflict.

    Raises:
        StoreError: the file is damaged, or holds other results for a run that the store has, which is named.
    """
    with _staging(store, file) as staging:
        unpack(file, staging)
        arrived = Store(staging)
        arrivals = [Arrival(store, arrived, folder, file) for folder in sorted(staging.iterdir())]
        for arrival in arrivals:
            arrival.decide()
        return Counter(arrival.settle() for arrival in arrivals)


def _members(store: Store, spec: RunSpec, most: float) -> Iterator[tuple[str, bytes]]:
    """The files of a run, each compared with its hash as it is packed."""
    folder = store.folder(spec)
    if not (folder / RECORD).exists():
        try:
            paused = _paused(folder, spec)
        except StoreError:
            if not (folder / RECORD).exists():  # else it was finished meanwhile
                raise
        else:
            yield from ((f"{spec.key}/{name}", content) for name, content in paused.items())
            return
    while True:  # measurements may be added meanwhile, and then stand in the record
        record, run = read(folder / RECORD), store.run(spec)
        if hashlib.sha256(record).hexdigest() == run.sha256:
            break
    for name in run.record["files"]:
        if name == TENSORS and (not run.has_tensors or (folder / name).stat().st_size > most):
            continue
        yield f"{spec.key}/{name}", run.read(name)
    yield f"{spec.key}/{RECORD}", record


def _paused(folder: Path, spec: RunSpec) -> dict[str, bytes]:
    """The files of a paused run, of one moment: a process may be training it.

    Raises:
        StoreError: they are damaged, or gone since the run was finished.
    """
    while True:
        # The history last: it only grows, and rows later than the checkpoint do not count.
        content = {name: read(folder / name) for name in (SPEC, CHECKPOINT, HISTORY)}
        read_checkpoint(folder, spec)
        if read(folder / CHECKPOINT) == content[CHECKPOINT]:
            return content


@contextlib.contextmanager
def _staging(store: Store, file: Path) -> Iterator[Path]:
    """A folder on the store's file system, for as long as the import takes; those of killed imports are removed."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise StoreError(f"{file} is not a plain file; name one that `repro export` wrote.")
    except FileNotFoundError:
        raise StoreError(f"{file} does not exist; name a file that `repro export` wrote.") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read ({error}); name a file that `repro export` wrote.") from None
    with explain_write_errors(store.root):
        base = next(path for path in (store.root, *store.root.absolute().parents) if path.is_dir())
        for place in {base, store.root.absolute().parent}:  # the store was perhaps made since
            for left in place.glob(".import-*"):
                if any(left.glob("lease.*")) and holder(left) is None:
                    shutil.rmtree(left, ignore_errors=True)
        place = Path(tempfile.mkdtemp(prefix=".import-", dir=base))
    try:
        with explain_write_errors(store.root):
            (place / "runs").mkdir()
            lease = Lease.take(place)
        with lease.kept() if lease is not None else contextlib.nullcontext():
            yield place / "runs"
    finally:
        try:
            shutil.rmtree(place, ignore_errors=True)
        except KeyboardInterrupt:  # of many small files much of the time goes here
            shutil.rmtree(place, ignore_errors=True)
            raise
