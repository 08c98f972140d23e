"""Works: the papers that claim files are about, each described by source.toml in its folder."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from repro.check import Check
from repro.collecting.ids import ids
from repro.errors import ClaimError, did_you_mean
from repro.provenance import folder
from repro.recipes import SCALES

NAME = "source.toml"
STANDINGS = ("same", "guess", "deviation")
Value = str | list[str]  # one, or one of several


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Claims of several sources, or of several versions of one, about the same thing."""

    about: str  # what they disagree on
    claims: tuple[str, ...]  # ids, in reading order


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What a reader of a verdict must know, written beside the frozen claim and often after its runs."""

    claims: tuple[str, ...]  # ids
    text: str  # one or two sentences
    scale: str = ""  # the only one at which it is said; "": at all


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row of a work's protocol: what its sources say, and what is trained here."""

    name: str  # of the row
    said: tuple[str, ...]  # by source, in the order of the work's columns; "" where it says nothing or was not read
    where: dict[str, Value] = field(default_factory=dict)  # fields of a run's spec, or seeds: the values meant, as text
    only: dict[str, Value] = field(default_factory=dict)  # fields of the runs that the row is about; {}: all
    here: str = ""  # what is trained here
    standing: str = ""  # same, guess or deviation; "" without a run to tell it by


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
    order: tuple[str, ...] = ()  # beginnings of its claim files' names, as its report has them; "": all others
    columns: tuple[str, ...] = ()  # the sources of its protocol, the one that counts first
    settings: tuple[Setting, ...] = ()  # its protocol row by row
    disagreements: tuple[Disagreement, ...] = ()  # where its versions and companions contradict each other
    remarks: tuple[Remark, ...] = ()  # on its claims and their controls


def works(checks: Iterable[Check]) -> tuple[Work, ...]:
    """The works that some checks are about, companions after the work that they report on.

    Raises:
        ClaimError: a source.toml cannot be read, has an unknown or missing field, or names a claim that is not there.
    """
    folders = dict.fromkeys(check.file.parent for check in checks)
    paths = [folder / NAME for folder in folders if (folder / NAME).exists()]
    found = [_read(path) for path in paths]
    for work, path in zip(found, paths, strict=True):
        _refuse_unknown(work, path)
    keys = [work.key for work in found]

    def order(work: Work) -> tuple[int, bool]:
        own = work.companion_to in keys
        return keys.index(work.companion_to if own else work.key), own

    return tuple(sorted(found, key=order))


def _refuse_unknown(work: Work, path: Path) -> None:
    """Refuses a remark or a disagreement about a claim that no file defines in the work's folder, beside it or here."""
    lists = [*(one.claims for one in work.disagreements), *(one.claims for one in work.remarks)]
    named = {claim for claims in lists for claim in claims}
    if named:
        known = {**ids(path.parents[1]), **ids(folder("claims"))}
        if unknown := sorted(named - known.keys()):
            meant = did_you_mean(unknown[0], known)
            raise ClaimError(f"{path} names the claim {unknown[0]!r}, which no claim file here defines{meant}.")


def remarks_on(claim: str, scale: str, found: Iterable[Work]) -> list[str]:
    """What some works remark on a claim at a scale, each text once."""
    said = (one for work in found for one in work.remarks if claim in one.claims and one.scale in ("", scale))
    return list(dict.fromkeys(one.text for one in said))


@cache
def _read(path: Path) -> Work:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ClaimError(f"{path} cannot be read ({error}); correct it.") from None
    tables = {"disagreement", "remark", "setting"}  # each is a list of tables in the file
    known = {one.name for one in fields(Work)} - {"key", *(f"{name}s" for name in tables)} | tables
    required = {"title", "short", "authors", "venue", "year"}
    wrong = sorted((found.keys() - known) | (required - found.keys()))
    if wrong:
        raise ClaimError(
            f"{path} has {', '.join(wrong)} missing or unknown; required are {', '.join(sorted(required))}, allowed "
            f"beside them {', '.join(sorted(known - required))}."
        )
    _refuse_types(found, path)
    unknown = sorted(found.get("scales", {}).keys() - set(SCALES))
    if unknown:
        raise ClaimError(f"{path} describes the scale {unknown[0]!r}; allowed: {', '.join(SCALES)}.")
    disagreements = tuple(_disagreement(entry, path) for entry in found.pop("disagreement", ()))
    remarks = tuple(_remark(entry, path) for entry in found.pop("remark", ()))
    settings = tuple(_setting(entry, len(found.get("columns", ())), path) for entry in found.pop("setting", ()))
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Work(key=path.parent.name, disagreements=disagreements, remarks=remarks, settings=settings, **given)


def _refuse_types(found: dict[str, Any], path: Path) -> None:
    """Refuses what would be taken for something else, such as a text where a list of them is wanted."""

    def texts(values: Any) -> bool:
        return all(isinstance(value, str) for value in values)

    def tables(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(row, dict) for row in value)

    wanted: dict[Any, tuple[str, Callable[[Any], bool]]] = {
        str: ("a text", lambda value: isinstance(value, str)),
        int: ("a whole number", lambda value: type(value) is int),
        tuple[str, ...]: ("a list of texts", lambda value: isinstance(value, list) and texts(value)),
        dict[str, str]: ("a table of texts", lambda value: isinstance(value, dict) and texts(value.values())),
    }
    shapes = {one.name: wanted[one.type] for one in fields(Work) if one.type in wanted}
    rows = ("a list of tables, each begun by [[…]]", tables)
    for name, value in found.items():
        words, fits = shapes.get(name, rows)
        if not fits(value):
            raise ClaimError(f"{path}: {name} is {value!r:.60}; it must be {words}.")


def _setting(entry: dict[str, Any], columns: int, path: Path) -> Setting:
    """A row as it stands in the file: either by fields of the runs' specs, or in words with its standing."""
    unknown = sorted(entry.keys() - {one.name for one in fields(Setting)})
    name = entry.get("name", "")
    said = entry.get("said", [])
    if unknown or not name or not isinstance(said, list) or len(said) != columns:
        raise ClaimError(
            f"{path}: a [[setting]] has `name`, `said` (one text for each of the {columns} columns), and `where` (and "
            f"`only`) or `here` and `standing`; {name!r} has {', '.join(sorted(entry))}."
        )
    in_words = (bool(entry.get("here")), entry.get("standing") in STANDINGS)
    if in_words != ((False, False) if entry.get("where") else (True, True)):
        raise ClaimError(
            f"{path}: setting {name!r} needs either `where` or both `here` and `standing`, which is one of "
            f"{', '.join(STANDINGS)}."
        )
    return Setting(**{**entry, "said": tuple(entry["said"])})


def _disagreement(entry: dict[str, Any], path: Path) -> Disagreement:
    if set(entry) != {"about", "claims"}:
        raise ClaimError(f"{path}: a [[disagreement]] has about and claims, and not {', '.join(sorted(entry))}.")
    return Disagreement(about=entry["about"], claims=tuple(entry["claims"]))


def _remark(entry: dict[str, Any], path: Path) -> Remark:
    claims, text, scale = entry.get("claims") or "", entry.get("text") or "", entry.get("scale", "")
    named = isinstance(claims, list) and all(isinstance(one, str) for one in claims)
    sound = named and isinstance(text, str) and scale in ("", *SCALES)
    if not (sound and text) or entry.keys() - {"claims", "text", "scale"}:
        raise ClaimError(
            f"{path}: a [[remark]] has claims, a list of ids, a text and, if it is about one scale alone, that scale "
            f"({', '.join(SCALES)}); found {', '.join(f'{name} = {value!r:.40}' for name, value in entry.items())}."
        )
    return Remark(claims=tuple(claims), text=text, scale=scale)
