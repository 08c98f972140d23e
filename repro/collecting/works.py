"""Works: the papers that claim files are about, each described by source.toml in its folder."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from repro.claim import Check
from repro.errors import ClaimError
from repro.recipes import SCALES

NAME = "source.toml"


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Claims of several sources, or of several versions of one, about the same thing."""

    about: str  # what they disagree on
    claims: tuple[str, ...]  # ids, in reading order


@dataclass(frozen=True, kw_only=True)
class Work:
    """A paper or another source of claims."""

    key: str  # name of its folder, which its claims name as their work
    title: str  # in full
    short: str  # as a heading
    authors: tuple[str, ...]  # in order
    venue: str  # where it appeared
    year: int  # in which it appeared
    url: str = ""  # where it can be read, a DOI where there is one
    versions: tuple[str, ...] = ()  # and what distinguishes them
    companion_to: str = ""  # key of the work that it reports on; "" for a work of its own
    tags: dict[str, str] = field(default_factory=dict)  # what a certainty tag means here, where it is more than usual
    scales: dict[str, str] = field(default_factory=dict)  # what a scale means for it, one or two sentences each
    protocol: dict[str, str] = field(default_factory=dict)  # what the work itself trained, by row of the report's table
    disagreements: tuple[Disagreement, ...] = ()  # where its versions and companions contradict each other


def works(checks: Iterable[Check]) -> tuple[Work, ...]:
    """The works that some checks are about, companions after the work that they report on.

    Raises:
        ClaimError: a source.toml cannot be read, or has an unknown or missing field.
    """
    folders = dict.fromkeys(check.file.parent for check in checks)
    found = [_read(folder / NAME) for folder in folders if (folder / NAME).exists()]
    keys = [work.key for work in found]

    def order(work: Work) -> tuple[int, bool]:
        own = work.companion_to in keys
        return keys.index(work.companion_to if own else work.key), own

    return tuple(sorted(found, key=order))


@cache
def _read(path: Path) -> Work:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ClaimError(f"{path} cannot be read ({error}).") from None
    known = {one.name for one in fields(Work)} - {"key", "disagreements"} | {"disagreement"}
    required = {"title", "short", "authors", "venue", "year"}
    wrong = sorted((found.keys() - known) | (required - found.keys()))
    if wrong:
        raise ClaimError(
            f"{path} has {', '.join(wrong)} missing or unknown; required are {', '.join(sorted(required))}, allowed "
            f"beside them {', '.join(sorted(known - required))}."
        )
    unknown = sorted(found.get("scales", {}).keys() - set(SCALES))
    if unknown:
        raise ClaimError(f"{path} describes the scale {unknown[0]!r}; allowed: {', '.join(SCALES)}.")
    disagreements = tuple(_disagreement(entry, path) for entry in found.pop("disagreement", ()))
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Work(key=path.parent.name, disagreements=disagreements, **given)


def _disagreement(entry: dict[str, Any], path: Path) -> Disagreement:
    if set(entry) != {"about", "claims"}:
        raise ClaimError(f"{path}: a [[disagreement]] has about and claims, and not {', '.join(sorted(entry))}.")
    return Disagreement(about=entry["about"], claims=tuple(entry["claims"]))
