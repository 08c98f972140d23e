"""Subcommands about verdicts: judge, report."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import rejudge, reporting, shared
from repro.cli.output import busy, coloured, say, show
from repro.errors import ClaimError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.collecting.plugin import Session


def refuse_replacing(arguments: argparse.Namespace, session: "Session") -> None:
    """Refuses, before anything is trained for them, verdicts in whose place a report has others.

    Raises:
        StoreError: verdicts.json has verdicts that this selection leaves out.
    """
    from repro.judging import verdicts_json

    checks = [check.id for check in session.selected]
    verdicts_json.refuse_leaving_out(checks, arguments.scale, arguments.report / "verdicts.json")


def judge(arguments: argparse.Namespace) -> int:
    """Judges the stored runs and writes verdicts.json, or checks what is there, with an option for each way."""
    if not (arguments.remeasure or arguments.retrain):
        shared.refuse_idle(arguments, "--device", "--remeasure or --retrain")
    if (arguments.by or arguments.remeasure or arguments.retrain) and arguments.report != Path("report"):
        arguments.parser.error("--by, --remeasure and --retrain read and write no report; leave --report out")
    shared.require_store(arguments)
    if arguments.remeasure:
        return rejudge.remeasure(arguments)
    if arguments.retrain:
        return rejudge.retrain(arguments)
    session = shared.collect(arguments)
    if arguments.by:
        return rejudge.judge_by(arguments, session)
    if arguments.verify:
        return rejudge.verify(arguments, session)
    code = judged(arguments, session)
    if not arguments.json:
        where = [] if str(arguments.report) == "report" else ["--report", str(arguments.report)]
        print(f"Next: {shlex.join(['repro', 'report', *where])}")
    return code


def report(arguments: argparse.Namespace) -> int:
    """Renders verdicts.json as HTML and PDF.

    Raises:
        ClaimError: some claims are selected: a page of fewer claims than its verdicts.json would not be its page.
    """
    if arguments.claims or arguments.keyword:
        chosen = [*arguments.claims, *(["-k", arguments.keyword] if arguments.keyword else [])]
        judging = shlex.join(["repro", "judge", *chosen, "--report", "selected"])
        raise ClaimError(
            "report renders all of verdicts.json. For a report on a selection, judge it into a folder of its own: "
            f"{judging}; then: repro report --report selected."
        )
    if arguments.against:
        if further := [f"--{name}" for name in ("csv", "archive", "crate") if getattr(arguments, name)]:
            raise ClaimError(f"--against compares two reports and writes no {further[0]}; render that by itself.")
        lines, written = reporting.against(arguments)
        arguments.tell(lambda: {"changes": lines, "written": written}, [*lines, *written])
        return 0
    document, stale = reporting.document(arguments)
    made, further = rendered(arguments, document), reporting.beside(arguments, document)
    arguments.tell(lambda: {**made, "written": [*made["written"], *further], "stale": stale}, [*further, *stale])
    return 3 if stale else 0


def judged(arguments: argparse.Namespace, session: "Session") -> int:
    """Judges a session's checks into verdicts.json, and prints a line a claim."""
    from repro.cli.verdicts import table, verdicts
    from repro.judging import verdicts_json
    from repro.judging.verdict import exit_code
    from repro.planning.lazy_scipy import postpone

    postpone()
    busy(f"judging {counted(len(session.selected), 'check')}")
    made = verdicts(session, shared.store(arguments), scale=arguments.scale, copy=arguments.data)
    verdicts_json.save(made.contents, arguments.report / "verdicts.json")
    for fault in made.faults:
        say(fault)
    arguments.tell(lambda: made.contents, table(made.contents, coloured))
    return exit_code((row.verdict, row.answer) for row in made.judgements)


def rendered(arguments: argparse.Namespace, document: dict[str, Any] | None = None) -> dict[str, Any]:
    """Renders verdicts.json, or what was made of it, and says what was written, and where to open it."""
    from repro.judging import verdicts_json
    from repro.reporting import report

    if not arguments.json:
        show(f"writing the report into {arguments.report} …")  # the PDF takes seconds
    page = (arguments.report.resolve() / "report.html").as_uri()
    written = report.render(document or verdicts_json.load(arguments.report / "verdicts.json"), arguments.report)
    if not arguments.json:
        for line in written:
            show(line)
        show(f"Open: {page}")
    return {"written": written, "open": page}
