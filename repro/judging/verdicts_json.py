"""verdicts.json: a document on disk, written by rename and read only where it follows its schema."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.judging.document_types import SCHEMA_VERSION
from repro.judging.schema import fault
from repro.planning.quantities import counted
from repro.runs.canonical import parse
from repro.runs.files import make_folder, read_plain, write

Json = dict[str, Any]


def save(made: Json, path: Path) -> None:
    """Writes a document by rename.

    Raises:
        StoreError: the existing file has verdicts at this scale that this document leaves out, or is based on runs
            while every verdict of this one is pending; or the file cannot be written.
    """
    lost = refuse_leaving_out([row["check"] for row in made["judgements"]], made["scale"], path)
    if lost and {row["verdict"] for row in made["judgements"]} == {"PENDING"}:
        raise StoreError(
            f"{path} is based on {lost} runs, but this store is missing runs for every verdict; name another store "
            "with --results, another folder with --report, or delete that file first."
        )
    make_folder(path.parent)
    write(path, text(made).encode())


def load(path: Path) -> Json:
    """A document that ``save`` wrote.

    Raises:
        StoreError: there is none, or a field is missing, unknown or of another type.
    """
    try:
        made = parse(read_plain(path))
        if not isinstance(made, dict) or "schema_version" not in made:
            raise ValueError("it is not a JSON object with a schema_version")
    except FileNotFoundError:
        raise StoreError(f"{path} is missing; make it with: repro judge.") from None
    except (ValueError, OSError) as error:
        raise StoreError(f"{path} is not a verdicts.json ({error}); make it again with: repro judge.") from None
    if (version := made["schema_version"]) != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}; this suite reads {SCHEMA_VERSION}. Judge again: repro judge."
        )
    wrong = fault(made)
    if wrong:
        raise StoreError(f"{path} is not a verdicts.json ({wrong}); make it again with: repro judge.")
    found: Json = made
    return found


def text(made: Json) -> str:
    """A document as JSON text."""
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def refuse_leaving_out(checks: Collection[str], scale: str, path: Path) -> int:
    """The number of runs behind a stored document of the same scale, 0 without one.

    Raises:
        StoreError: it has verdicts on other checks than these, which would be lost.
    """
    try:
        stored = load(path)
    except StoreError:
        return 0
    if stored["scale"] != scale:
        return 0
    left_out = sorted({row["check"] for row in stored["judgements"]} - {*checks})
    if left_out:
        raise StoreError(
            f"{path} has {counted(len(left_out), 'verdict')} that this selection leaves out, such as {left_out[0]}; "
            "name another folder with --report, judge everything, or delete that file first."
        )
    return len(stored["runs"])
