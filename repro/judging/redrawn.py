"""Figures to redraw: the works' own figures, described by figures.toml beside the claim files."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from repro.check import Check
from repro.errors import ClaimError

NAME = "figures.toml"
Value = (
    str | int | float | list[str | int | float] | dict[str, str | int | float]
)  # one, one of several, or one by scale
Kind = Literal["points", "thresholds", "curve", "retrains", "histogram"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a figure: the runs that it is drawn from."""

    name: str  # in the legend
    where: dict[str, Value]  # fields of a run's spec and their values, one or several
    minus: dict[str, Value] = field(default_factory=dict)  # the run to subtract, equal in every other field; {}: none


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes."""

    title: str  # above it
    kind: Kind  # a value a run, a threshold, an epoch, a retrain of a ticket, or a bin
    x_label: str  # of the horizontal axis, with its unit
    y_label: str  # of the vertical axis, with its unit
    x: str = ""  # of points: depth, width, or a number of parameters such as parameters.batchnorm
    y: str = ""  # of points: a measurement; of thresholds: small_gamma or clamped_top1
    threshold: float = 0.0  # of points: at which a measurement by threshold is read
    percent: bool = False  # whether a share is drawn as a percentage
    change: bool = False  # of thresholds: whether the measurement without a threshold is subtracted
    where: dict[str, Value] = field(default_factory=dict)  # further fields of the spec
    published: dict[str, dict[str, float]] = field(default_factory=dict)  # by line, y by x
    reading_error: float = 0.0  # of the published values


@dataclass(frozen=True, kw_only=True)
class RedrawnFigure:
    """A figure of a work and how it is drawn again."""

    id: str  # within its work
    work: str  # key of the work
    place: str  # of the figure in the work
    title: str  # what it shows
    caption: str  # what a reader must know, such as where the published values were read
    claims: tuple[str, ...]  # ids of the claims whose runs are drawn
    lines: tuple[Line, ...]  # in the order of the legend
    panels: tuple[Panel, ...]  # from left to right
    lead: bool = False  # whether the first page shows it


def redrawn_figures(checks: Iterable[Check]) -> tuple[RedrawnFigure, ...]:
    """The figures of the works that some checks are about, in the order of their files.

    Raises:
        ClaimError: a figures.toml cannot be read, or has an unknown, missing or mistyped field.
    """
    folders = dict.fromkeys(check.file.parent for check in checks)
    return tuple(figure for folder in folders if (folder / NAME).exists() for figure in _read(folder / NAME))


@cache
def _read(path: Path) -> tuple[RedrawnFigure, ...]:
    from msgspec import ValidationError, convert

    try:
        found = tomllib.loads(path.read_text("utf-8"))
        entries = [_renamed(entry, path.parent.name) for entry in found.get("figure", ())]
        figures = [convert(entry, RedrawnFigure) for entry in entries]
    except (OSError, ValueError, ValidationError) as error:
        raise ClaimError(f"{path} cannot be read: {error}; correct it.") from None
    for entry in entries:
        for kind, some in ((RedrawnFigure, [entry]), (Line, entry["lines"]), (Panel, entry["panels"])):
            unknown = sorted({name for one in some for name in one} - {one.name for one in fields(kind)})
            if unknown:
                allowed = ", ".join(one.name for one in fields(kind))
                raise ClaimError(f"{path}: figure {entry.get('id')} has the field {unknown[0]!r}; allowed: {allowed}.")
    return tuple(figures)


def _renamed(entry: dict[str, Any], work: str) -> dict[str, Any]:
    """An entry whose [[figure.line]] and [[figure.panel]] tables have the plural names that a figure has."""
    return {
        **{name: value for name, value in entry.items() if name not in ("line", "panel")},
        "work": work,
        "lines": entry.get("line", []),
        "panels": entry.get("panel", []),
    }
