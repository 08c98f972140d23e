"""A shelf: a folder of exports, one file a run: what a repository keeps of a store, and how it grows run by run."""

import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from repro.errors import StoreError
from repro.runs.checkpoint import read_checkpoint
from repro.runs.files import make_folder
from repro.runs.run import read
from repro.runs.spec import RunSpec
from repro.runs.store import HISTORY, Condition, Store
from repro.runs.transfer import export, take_in

PAUSED = "paused"  # the folder, inside the other, of runs that are to be resumed
SUFFIX = ".tar.xz"


def keep(store: Store, specs: Iterable[RunSpec], folder: Path, *, most: float = math.inf) -> Counter[str]:
    """Writes each complete or paused run into a file of its own: counts of "complete", "paused" and "unchanged".

    A paused run's file lies in a folder beside, and goes when the run is complete. A file that has tensors or
    measurements of its run which the store lacks stays as it is, as does one of a paused run that is further on, or
    complete. ``most`` as in `export`.

    Raises:
        StoreError: a run is damaged, has other results than the file that the folder already has for it, which is
            left as it is, or cannot be written.
    """
    counts: Counter[str] = Counter()
    for spec in specs:
        complete, paused = folder / file_name(spec), folder / PAUSED / file_name(spec)
        condition = store.condition(spec)
        if condition not in ("complete", "paused"):
            continue
        file = complete if condition == "complete" else paused
        if condition == "complete":
            stays = complete.exists() and _has_more(complete, store, spec)
        else:
            stays = complete.exists() or (paused.exists() and _is_further(paused, store, spec))
        if stays:
            counts["unchanged"] += 1
            continue
        before = file.read_bytes() if file.exists() else None
        make_folder(file.parent)
        export(store, [spec], file, most=most)
        if condition == "complete":
            paused.unlink(missing_ok=True)
        counts["unchanged" if file.read_bytes() == before else condition] += 1
    return counts


def archives(path: Path) -> Iterator[Path]:
    """The exports that a path stands for: itself, or those in a folder, complete runs first.

    Raises:
        StoreError: a folder without any.
    """
    if not path.is_dir():
        yield path
        return
    found = sorted(path.rglob(f"*{SUFFIX}"), key=lambda file: (file.parent.name == PAUSED, file))
    if not found:
        raise StoreError(f"{path} holds no *{SUFFIX}; name a folder or file that `repro export` wrote.")
    yield from found


def file_name(spec: RunSpec) -> str:
    """The run in a few words, and the start of its key: ``resnet-8_batchnorm_seed-0_digits_0a1b2c3d4e5f.tar.xz``."""
    words = re.sub(r"[^a-z0-9+-]+", "_", spec.name.replace(" seed ", " seed-").lower())
    return f"{words.strip('_')}_{spec.key[:12]}{SUFFIX}"


def _has_more(file: Path, store: Store, spec: RunSpec) -> bool:
    """Whether a file has something of a run that the store lacks: it may be the only copy.

    Raises:
        StoreError: it has other results.
    """
    with _unpacked(file, spec, "complete") as kept:
        theirs, ours = kept.run(spec), store.run(spec)
        if theirs.digest != ours.digest:
            raise StoreError(
                f"{file} holds other results than {store.folder(spec)} for {spec.name}; keep one: delete the other."
            )
        lacking = theirs.record["files"].keys() - ours.record["files"].keys()
        return bool(lacking) or (theirs.has_tensors and not ours.has_tensors)


def _is_further(file: Path, store: Store, spec: RunSpec) -> bool:
    """Whether a file has a paused run further on than the store.

    Raises:
        StoreError: it was trained otherwise.
    """
    with _unpacked(file, spec, "paused") as kept:
        (theirs, at), (ours, here) = (_so_far(one, spec) for one in (kept, store))
        if any(one != other for one, other in zip(theirs, ours, strict=False)):
            raise StoreError(
                f"{file} holds another history than {store.folder(spec)} for {spec.name}; keep one: delete the other."
            )
        return at > here


def _so_far(store: Store, spec: RunSpec) -> tuple[list[bytes], tuple[int, int]]:
    """The rows of a paused run up to its checkpoint, and where that stands."""
    folder = store.folder(spec)
    _, position, _ = read_checkpoint(folder, spec)
    row = position[spec.row_name]
    return (read(folder / HISTORY).splitlines()[:row] if row else []), (row, position["step"])


@contextmanager
def _unpacked(file: Path, spec: RunSpec, condition: Condition) -> Iterator[Store]:
    """What a file holds, as a store of its own, in which a run must be complete, or paused."""
    with tempfile.TemporaryDirectory(prefix=".keep-", dir=file.parent) as place:
        kept = Store(Path(place))
        take_in(kept, file)
        if kept.condition(spec) != condition:
            raise StoreError(
                f"{file} does not hold a {condition} {spec.name}, although its name says so; move it away."
            )
        yield kept
