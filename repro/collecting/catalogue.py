"""The catalogue: every row of what the sources claim, with or without a check, from the catalogue.toml files."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repro.collecting.ids import ids
from repro.errors import ClaimError, did_you_mean
from repro.provenance import claims

NAME = "catalogue.toml"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the catalogue."""

    id: str  # of the claim, if it has a check
    work: str  # key of the source
    primary: bool  # one of the main claims, over which the level against a claim is shared
    reason: str  # why there is no check; "" if there is one
    sentence: str  # what is claimed, if no claim file states it


def catalogue(path: Path | None = None) -> tuple[Row, ...]:
    """The rows of a catalogue; without a path, of all claims: the common one, then those of single works.

    Raises:
        ClaimError: it cannot be read, a row has an unknown or missing field, or an id occurs twice.
    """
    if path is not None:
        return _read(path)
    own = claims()
    found = [path for path in (own / NAME, *sorted(own.glob(f"*/{NAME}"))) if path.exists()]
    return tuple(row for one in found for row in _read(one))


def rows_of(folders: Collection[Path]) -> tuple[Row, ...]:
    """The rows about the works whose claims lie in some folders, and about their sources without claim files.

    Those without claim files count once all works with some, of the same catalogue, are there.

    Raises:
        ClaimError: as ``catalogue``.
    """
    found: list[Row] = []
    for path in dict.fromkeys(path for folder in folders for path in _beside(folder)[:1]):
        rows, root = _read(path), path.parent if path.parent not in folders else path.parent.parent
        _refuse_empty(path, rows, root)
        named = {row.work for row in rows}
        with_folder = {work for work in named if any((root / work).glob("*.py"))}
        here = {folder.name for folder in folders}
        found += [row for row in rows if row.work in here or (row.work not in with_folder and with_folder <= here)]
    return tuple(found)


def _refuse_empty(path: Path, rows: Collection[Row], root: Path) -> None:
    """Refuses a row that no claim file is about, and that does not say why."""
    defined = ids(root)
    empty = [row.id for row in rows if not row.reason and row.id not in defined]
    if empty:
        raise ClaimError(
            f"{path}: no claim file defines the row {empty[0]!r}{did_you_mean(empty[0], defined, cutoff=0.7)}; "
            "correct its id, or give the reason why it has no check."
        )


@cache
def primaries(claim_file: Path) -> int:
    """Number of primary claims in the catalogue of a claim file's work, or in the common one; 1 if there is none.

    Raises:
        ClaimError: as ``catalogue``.
    """
    path = home(claim_file)
    return max(1, sum(row.primary for row in catalogue(path))) if path else 1


def home(claim_file: Path) -> Path | None:
    """The catalogue of a claim file's work, or the common one; None if there is none."""
    return next(iter(_beside(claim_file.parent)), None)


def _beside(folder: Path) -> list[Path]:
    """The catalogues of a folder of claims, its own first."""
    return [path for path in (folder / NAME, folder.parent / NAME) if path.exists()]


@cache
def _read(path: Path) -> tuple[Row, ...]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        rows = tuple(_row(entry, path) for entry in found["row"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClaimError(f"{path} is not a catalogue ({error}); it holds [[row]] tables with id and work.") from None
    twice = {row.id for row in rows if sum(other.id == row.id for other in rows) > 1}
    if twice:
        raise ClaimError(f"{path} has the row {min(twice)} twice; drop one.")
    return rows


def _row(entry: dict[str, object], path: Path) -> Row:
    wanted = {"id": str, "work": str, "primary": bool, "reason": str, "sentence": str}
    filled = {"primary": False, "reason": "", "sentence": "", **entry}
    wrong = sorted(name for name in filled.keys() | wanted.keys() if type(filled.get(name)) is not wanted.get(name))
    if wrong:
        raise ClaimError(
            f"{path}: the row {filled.get('id', '')!r} has {', '.join(wrong)} missing, unknown or of another type; "
            "allowed are id, work, reason, sentence (texts) and primary (true or false)."
        )
    return Row(**filled)  # type: ignore[arg-type]
