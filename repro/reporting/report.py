"""The report: verdicts.json as one page for the browser and the same page as a PDF."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from markupsafe import Markup

from repro.collecting.garbage import no_search
from repro.errors import StoreError
from repro.executing.doctor import INSTALL_PANGO
from repro.judging.schema import FILE as SCHEMA
from repro.judging.verdicts_json import text
from repro.planning.quantities import counted
from repro.provenance import folder as beside_package
from repro.reporting import crate
from repro.reporting.badge import badge
from repro.reporting.chips import SIGNS
from repro.reporting.pdf import pdf
from repro.reporting.since import since
from repro.reporting.tables import tables
from repro.reporting.text import hours, number, probability
from repro.reporting.view import view
from repro.runs.files import make_folder, write

Json = dict[str, Any]

# What a style sheet says of screens alone: a PDF leaves it out before every rule is matched.
SCREEN = re.compile(r"@media (?:screen|\(m)[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")


def render(made: Json, folder: Path) -> list[str]:
    """Writes report.html, report.pdf and verdicts.schema.json; returns a line for each, also if it was not written.

    Raises:
        StoreError: the folder cannot be written.
    """
    make_folder(folder)
    with no_search():
        written = _pages(_shaped(made), folder, "report")
    return [*written, _put(folder / SCHEMA.name, SCHEMA.read_bytes())]


def archive(made: Json, folder: Path) -> str:
    """Writes report-archive.pdf, PDF/A-3a with verdicts.json inside, and returns a line for it.

    Raises:
        StoreError: the folder cannot be written, or a library that WeasyPrint needs is missing.
    """
    make_folder(folder)
    try:
        with no_search():
            return _put(folder / "report-archive.pdf", pdf(_page(_shaped(made), for_pdf=True), text(made).encode()))
    except OSError as error:
        raise StoreError(f"no report-archive.pdf: {error}; {INSTALL_PANGO}.") from None


def render_against(made: Json, old: Json, name: str, folder: Path) -> list[str]:
    """Writes report-against.html and .pdf, a report with what changed since another one, called ``name``.

    Returns a line for each, also if it was not written.

    Raises:
        StoreError: the folder cannot be written, or the two are of different scales.
    """
    make_folder(folder)
    with no_search():
        return _pages(_shaped(made, since(old, made, name)), folder, "report-against")


def beside(made: Json, folder: Path) -> list[str]:
    """Writes claims.csv, findings.csv, runs.csv and badge.svg; returns a line for each.

    Raises:
        StoreError: the folder cannot be written.
    """
    make_folder(folder)
    contents = tables(made) | {"badge.svg": badge(made)}
    return [_put(folder / name, content.encode()) for name, content in contents.items()]


def deposit(made: Json, folder: Path, date: str) -> str:
    """Writes the metadata that makes a report's folder an RO-Crate, and returns a line for it.

    Raises:
        StoreError: the folder cannot be written.
    """
    return _put(folder / crate.NAME, crate.crate(made, folder, date).encode())


def page(made: Json) -> bytes:
    """report.html of a document, for ``judge --verify`` to compare."""
    return _page(_shaped(made), for_pdf=False).encode()


def _shaped(made: Json, changed: Json | None = None) -> Json:
    """The contents of the templates; a value that the schema leaves open, such as a criterion, may be incomplete."""
    try:
        return view(made, changed)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StoreError(
            f"verdicts.json does not fit together ({type(error).__name__}: {error}); make it again with: repro judge."
        ) from None


def _pages(shaped: Json, folder: Path, name: str) -> list[str]:
    page, printed, missing = _page(shaped, for_pdf=False).encode(), None, []
    try:
        printed = pdf(_page(shaped, for_pdf=True))
    except OSError as error:
        missing = [f"no {name}.pdf: {error}; {INSTALL_PANGO}."]
    # Both are there before one is written: a report that is stopped leaves the two that were.
    written = [_put(folder / f"{name}.html", page)]
    return [*written, _put(folder / f"{name}.pdf", printed)] if printed is not None else [*written, *missing]


def _page(shaped: Json, *, for_pdf: bool) -> str:
    root = beside_package("report_templates")
    try:
        styles = [Markup((root / name).read_text("utf-8")) for name in ("report.css", "print.css")]
        if for_pdf:
            styles = [Markup(SCREEN.sub("", style)) for style in styles]
        script = Markup((root / "report.js").read_text("utf-8"))
        return (
            _templates(root)
            .get_template("report.html.j2")
            .render(**shaped, for_pdf=for_pdf, styles=styles, script=script, signs=SIGNS)
        )
    except (TemplateError, OSError) as error:
        where = f", line {error.lineno} of {error.name}" if isinstance(error, TemplateSyntaxError) else ""
        raise StoreError(
            f"the templates in {root} cannot be rendered ({type(error).__name__}: {error}{where}); restore them, or "
            "judge again with this version of the suite: repro judge."
        ) from None


@cache
def _templates(root: Path) -> Environment:
    """Compiled once for the page and the PDF; a template that was edited is compiled again."""
    made = Environment(
        loader=FileSystemLoader(root), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"number": number, "p": probability, "hours": hours, "counted": counted}
    return made


def _put(path: Path, content: bytes) -> str:
    write(path, content)
    return f"{path} {len(content) / 1e6:.2f} MB"
