"""Registrations: every frozen rule in one dated file, and whether the judged rules are those."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from repro.check import Check, judging_code
from repro.compare import RULES_VERSION
from repro.errors import StoreError
from repro.judging.copies import on_other_copies
from repro.judging.document_types import Registration
from repro.judging.expectation import ASSUMED, expectation, whole
from repro.judging.explain import requirement
from repro.judging.imagined import unit_compared
from repro.judging.verdict import to_json
from repro.runs.canonical import parse
from repro.runs.files import make_folder, read_plain, write_new
from repro.runs.spec import TRAINING_VERSION

PLACE = "registered"  # beside the claims


def registration(checks: Sequence[Check], *, today: date) -> dict[str, Any]:
    """Every criterion of some checks, with looks, levels, primary claims and expected power, as JSON values."""
    return {
        "registered": today.isoformat(),
        "rules_version": RULES_VERSION,
        "training_version": TRAINING_VERSION,
        "judging_code_sha256": judging_code(),
        "primary": sorted({check.claim.id for check in checks if check.claim.primary}),
        "expected_if": f"the source is right and {ASSUMED}",
        "claims": [_claim(own) for own in _by_claim(checks)],
        "criteria": [
            {
                "scale": check.scale,
                "check": check.id,
                "sha256": check.criterion_sha256,
                "expected": to_json(expectation(check)),
                "criterion": to_json(check.criterion),
            }
            for check in sorted(checks, key=lambda check: (check.scale, check.id))
        ],
    }


def preregister(checks: Sequence[Check], path: Path, *, today: date) -> str:
    """Writes a registration, never over an existing file; returns its SHA-256, to be tagged or deposited.

    Raises:
        StoreError: the file exists already, or cannot be written.
    """
    if os.path.lexists(path):
        raise StoreError(
            f"{path} exists; a registration is never overwritten. Name another file of that folder: --to "
            f"{path.with_stem(f'{path.stem}-2')}."
        )
    made = registration(checks, today=today)
    content = (json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    make_folder(path.parent)
    write_new(path, content)  # another process may have registered meanwhile
    return hashlib.sha256(content).hexdigest()


def _by_claim(checks: Sequence[Check]) -> list[list[Check]]:
    found: dict[tuple[str, str], list[Check]] = {}
    for check in sorted(checks, key=lambda check: (check.scale, check.id)):
        found.setdefault((check.scale, check.claim.id), []).append(check)
    return list(found.values())


def _claim(own: Sequence[Check]) -> dict[str, Any]:
    """One claim at one scale, in words."""
    claim, scale, likely = own[0].claim, own[0].scale, whole(own)
    required = requirement(claim.rule, unit_compared(own[0]))
    return {
        "claim": claim.id,
        "scale": scale,
        "sentence": claim.sentence,
        "source": f"{claim.source.work}, {claim.source.place}: {claim.source.reference or 'not readable'}",
        "required": required if claim.tested(scale) else "nothing: only measured at this scale",
        "reason": claim.rule.reason,
        "seeds": list(own[0].looks),
        "points": len(own),
        "expected": likely.sentence if likely else None,
    }


def place(check: Check) -> Path:
    """The folder of the registrations of a check: beside the folders of claims, else beside its file."""
    beside = check.file.parent.parent
    return (beside if any(beside.glob("*/source.toml")) else check.file.parent) / PLACE


def registrations(checks: Sequence[Check]) -> list[Path]:
    """The registrations beside some checks, in order of their names, which begin with their dates."""
    found = {path for folder in {place(check) for check in checks} for path in folder.glob("*.json")}
    return sorted(found, key=lambda path: (path.stem, path))  # a second one of a day comes after the first


def compare(checks: Sequence[Check], paths: Sequence[Path] | None = None) -> Registration | None:
    """Compares the judged rules with the first registration of each, by default among those beside the claims.

    None where no registration has any of them. A rule that was registered for runs on another copy of the data, and is
    else the same, counts as not registered.

    Raises:
        StoreError: a file is no registration.
    """
    wanted = {(check.scale, check.id): check for check in checks}
    known: dict[tuple[str, str], _Entry] = {}
    used: dict[str, tuple[str, str]] = {}  # name of a file -> its hash and date
    for path in registrations(checks) if paths is None else paths:
        sha256, date_, entries = _read(path)
        new = {at: entry for at, entry in entries.items() if at in wanted and at not in known}
        known |= new
        if new:
            used[path.name] = sha256, date_
    if not used:
        return None
    codes = {entry.code for entry in known.values()}
    differ = [at for at, entry in known.items() if entry.sha256 != wanted[at].criterion_under(entry.code)]
    copied = {at for at in differ if _on_another_copy(wanted[at], known[at])}
    return Registration(
        file=", ".join(used),
        sha256=", ".join(sha256 for sha256, _ in used.values()),
        registered=", ".join(dict.fromkeys(date_ for _, date_ in used.values())),
        judging_code=codes == {judging_code()},
        unregistered=tuple(check.id for at, check in wanted.items() if at not in known or at in copied),
        changed=tuple(check.id for at, check in wanted.items() if at in {*differ} - copied),
    )


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A registered rule."""

    sha256: str  # of the criterion
    code: str  # digest of the judging code when it was registered


def _on_another_copy(check: Check, entry: _Entry) -> bool:
    return any(entry.sha256 == other.criterion_under(entry.code) for _, other in on_other_copies(check))


def _read(path: Path) -> tuple[str, str, dict[tuple[str, str], _Entry]]:
    """Hash, date and rules of a registration."""
    try:
        content = read_plain(path)
        made = parse(content)
        code = str(made["judging_code_sha256"])
        entries = {
            (str(entry["scale"]), str(entry["check"])): _Entry(sha256=str(entry["sha256"]), code=code)
            for entry in made["criteria"]
        }
        return hashlib.sha256(content).hexdigest(), str(made["registered"]), entries
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(f"{path} is not a registration ({error}); make one with: repro preregister.") from None
