"""Subcommands about claims and verdicts: new, list, judge, report, preregister, explain."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import rejudge, reporting, shared
from repro.cli.output import busy, coloured, say, show
from repro.errors import ClaimError, NoPointError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.check import Check
    from repro.collecting.plugin import Session


def new(arguments: argparse.Namespace) -> int:
    """Writes the folder of a new work into the claims that are here."""
    from repro.collecting.new import write_work

    files = [str(file) for file in write_work(arguments.work, Path("claims"))]
    arguments.tell(lambda: {"files": files}, [*files, f"Next: repro verify claims/{arguments.work}"])
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """Lists the claims: sentence, source, and the verdict that verdicts.json has."""
    from repro.cli.listing import lines, listed

    made = listed(arguments)
    arguments.tell(lambda: made, lines(made))
    return 0


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


def preregister(arguments: argparse.Namespace) -> int:
    """Writes the frozen rules of the selected checks, at every scale, into one file."""
    from datetime import UTC, datetime

    from repro.claim import CONTROL
    from repro.judging.imagined import refuse_misspelt
    from repro.judging.preregister import place
    from repro.judging.preregister import preregister as register
    from repro.recipes import SCALES

    today = datetime.now(UTC).date()
    paths, ids = shared.chosen(arguments)
    checks: list[Check] = []
    known: set[str] = set()
    pointless: NoPointError | None = None
    for scale in SCALES:  # at some of them a claim may have no point
        try:
            session = shared.collect(argparse.Namespace(**{**vars(arguments), "scale": scale, "claims": paths}))
        except NoPointError as error:
            pointless = error
            continue
        known |= session.pointless.keys()
        for check in session.selected:
            names = {check.id, check.claim.id, check.claim.source.work}
            known |= names
            checks += [check] if not ids or names & {*ids} else []
    if not known and pointless is not None:
        raise pointless
    if unknown := [name for name in ids if name not in known]:
        raise ClaimError(f"no claim or check is named {unknown[0]!r}; `repro list` names all.")
    refuse_misspelt(checks)
    own = [check for check in checks if check.claim.source.work != CONTROL] or checks
    places = list(dict.fromkeys(place(check) for check in own))
    if arguments.to is None and len(places) > 1:
        raise ClaimError(
            f"the claims lie beside {' and '.join(map(str, places))}; register those of one, or name --to."
        )
    path = arguments.to or places[0] / f"{today.isoformat()}.json"
    digest = register(checks, path, today=today)
    unread = [] if path.absolute().parent in places else [f"The judge reads only {places[0]}: move it there"]
    arguments.tell(
        lambda: {"file": str(path), "rules": len(checks), "sha256": digest},
        [
            f"{path}: {len(checks)} rules, SHA-256 {digest}",
            *unread,
            "Next: commit and tag it, or deposit it, before the first run",
        ],
    )
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explains what claims say, and what is trained, measured and required.

    Raises:
        ClaimError: none is named.
    """
    from repro.judging.explain import explain as explained
    from repro.judging.verdict import to_json

    if not (arguments.claims or arguments.keyword):
        raise ClaimError("name what to explain: an id, a claim file, or -k and words; `repro list` names all.")
    session = shared.collect(arguments)
    options = shared.options(arguments, "scale", "data", "results")
    found = explained(session.selected, shared.store(arguments), list(session.checks.values()), options)
    arguments.tell(
        lambda: [
            {"claim": one.claim, "text": one.text, "judgements": [to_json(row) for row in one.judgements]}
            for one in found
        ],
        ["\n\n".join(one.text for one in found)],
    )
    return 0


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
