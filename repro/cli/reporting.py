"""What ``repro report`` can do beside the page: tables and a badge, an archive, a comparison."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.cli import values

NAME = "verdicts.json"


def options(report: argparse.ArgumentParser) -> None:
    """Options of ``report``; claims, as other subcommands take them, are refused with what to do instead."""
    report.add_argument("claims", nargs="*", default=[], help=argparse.SUPPRESS)
    report.add_argument("-k", dest="keyword", type=values.words, default="", help=argparse.SUPPRESS)
    report.add_argument("--results", type=values.path, default=None, metavar="FOLDER",
                        help="mark as STALE each verdict whose runs have changed in this store")  # fmt: skip
    report.add_argument("--csv", action="store_true", help="also write claims, findings and runs as CSV, and a badge")
    report.add_argument("--archive", action="store_true", help="also write PDF/A-3a with verdicts.json inside")
    report.add_argument("--crate", action="store_true", help="also write the metadata of an RO-Crate of the folder")
    report.add_argument(
        "--against", type=values.path, default=None, metavar="OTHER",
        help="say what changed since this report, and write report-against.html and .pdf, which show it",
    )  # fmt: skip


def document(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """What is to be rendered, and a line for each verdict that is stale in the store of --results."""
    from repro.errors import StoreError
    from repro.reporting.stale import marked

    made = _load(arguments.report)
    if arguments.results is None:
        return made, []
    if not arguments.results.is_dir():
        raise StoreError(f"{arguments.results} is not a store of runs: there is no such folder.")
    made, lines = marked(made, arguments.results)
    return made, [*lines, "Judge again: repro judge"] if lines else []


def beside(arguments: argparse.Namespace, made: dict[str, Any]) -> list[str]:
    """Writes what was asked for beside the page of a document; a line for each file."""
    from repro.reporting import report

    folder = arguments.report
    written = report.beside(made, folder) if arguments.csv else []
    written += [report.archive(made, folder)] if arguments.archive else []
    today = datetime.now(UTC).date().isoformat()
    return [*written, *([report.deposit(made, folder, today)] if arguments.crate else [])]  # last: it lists the others


def against(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """What changed between another report and this one, line by line, and a line for each page that shows it."""
    from repro.reporting import report
    from repro.reporting.against import changes

    old, made, place = _load(arguments.against), _load(arguments.report), arguments.against.resolve()
    name = place.parent.name if place.name == NAME else place.name
    return changes(old, made), report.render_against(made, old, name, arguments.report)


def _load(place: Path) -> dict[str, Any]:
    """The document of a folder, or of a file."""
    from repro.judging import verdicts_json

    return verdicts_json.load(place / NAME if place.is_dir() or place.suffix != ".json" else place)
