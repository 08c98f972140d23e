"""Subcommands about claims and verdicts: new, list, judge, report, preregister, explain."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import reporting, shared
from repro.cli.output import busy, coloured, say, show
from repro.errors import ClaimError, DamagedRunError, NoPointError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.check import Check
    from repro.collecting.plugin import Session
    from repro.runs.store import Store


def new(arguments: argparse.Namespace) -> int:
    """Writes the folder of a new work into the claims that are here."""
    from repro.collecting.new import write_work

    files = [str(file) for file in write_work(arguments.work, Path("claims"))]
    arguments.tell(lambda: {"files": files}, [*files, f"Next: repro verify claims/{arguments.work}"])
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """Lists the claims: sentence, source, and the verdict that verdicts.json has."""
    from repro.cli import listing

    made = listing.listed(arguments)
    arguments.tell(lambda: made, listing.lines(made))
    return 0


def judge(arguments: argparse.Namespace) -> int:
    """Judges the stored runs and writes verdicts.json, or with --verify compares it with a fresh judgement."""
    if not (arguments.remeasure or arguments.retrain):
        shared.refuse_idle(arguments, "--device", "--remeasure or --retrain")
    if (arguments.by or arguments.remeasure or arguments.retrain) and arguments.report != Path("report"):
        arguments.parser.error("--by, --remeasure and --retrain read and write no report; leave --report out")
    shared.require_store(arguments)
    if arguments.remeasure:
        return _remeasure(arguments)
    if arguments.retrain:
        return _retrain(arguments)
    session = shared.collect(arguments)
    if arguments.by:
        return _judge_by(arguments, session)
    if arguments.verify:
        return _verify(arguments, session)
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

    from repro.judging import preregister
    from repro.provenance import claims
    from repro.recipes import SCALES

    today = datetime.now(UTC).date()
    path = arguments.to or claims() / preregister.PLACE / f"{today.isoformat()}.json"
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
    digest = preregister.preregister(checks, path, today=today)
    arguments.tell(
        lambda: {"file": str(path), "rules": len(checks), "sha256": digest},
        [
            f"{path}: {len(checks)} rules, SHA-256 {digest}",
            "Next: commit and tag it, or deposit it, before the first run",
        ],
    )
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explains what claims say, and what is trained, measured and required.

    Raises:
        ClaimError: none is named.
    """
    from repro.judging.explain import explain
    from repro.judging.verdict import to_json

    if not (arguments.claims or arguments.keyword):
        raise ClaimError("name what to explain: an id, a claim file, or -k and words; `repro list` names all.")
    session = shared.collect(arguments)
    options = shared.options(arguments, "scale", "data", "results")
    found = explain(session.selected, shared.store(arguments), list(session.checks.values()), options)
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
    from repro.cli.judged import judged, table
    from repro.judging import verdicts_json
    from repro.judging.verdict import exit_code

    busy(f"judging {counted(len(session.selected), 'check')}")
    made, rows = judged(session, shared.store(arguments), scale=arguments.scale, copy=arguments.data)
    verdicts_json.save(made, arguments.report / "verdicts.json")
    arguments.tell(lambda: made, table(made, coloured))
    return exit_code((row.verdict, row.answer) for row in rows)


def rendered(arguments: argparse.Namespace, document: dict[str, Any] | None = None) -> dict[str, Any]:
    """Renders verdicts.json, or what was made of it, and says what was written, and where to open it."""
    from repro.judging import verdicts_json
    from repro.reporting import report

    if not arguments.json:
        show(f"writing the report into {arguments.report} …")  # the PDF takes seconds
    page = (arguments.report / "report.html").resolve().as_uri()
    written = report.render(document or verdicts_json.load(arguments.report / "verdicts.json"), arguments.report)
    if not arguments.json:
        for line in written:
            show(line)
        show(f"Open: {page}")
    return {"written": written, "open": page}


def _verify(arguments: argparse.Namespace, session: "Session") -> int:
    from repro.cli.judged import judged
    from repro.judging import verify
    from repro.reporting import report as reports

    busy(f"judging {counted(len(session.selected), 'check')} and reading every file of their runs")
    made, _ = judged(
        session,
        shared.store(arguments),
        scale=arguments.scale,
        copy=arguments.data,
        thorough=True,
    )
    (*changed, last), code = verify.verify(arguments.report / "verdicts.json", made, page=reports.page)
    last += _left_out(shared.store(arguments), made)
    for line in changed:
        say(line)
    arguments.tell(lambda: {"differences": changed, "summary": last}, [last])
    return code


def _judge_by(arguments: argparse.Namespace, session: "Session") -> int:
    from repro.cli.judged import judged
    from repro.executing.other_commit import judged_by
    from repro.judging.compared import FILE, keep
    from repro.provenance import claims
    from repro.runs.alone import alone

    selection = [*arguments.claims, "--scale", arguments.scale]
    selection += ["-k", arguments.keyword] if arguments.keyword else []
    selection += ["--data", arguments.data] if arguments.data else []
    commit, older = judged_by(arguments.by, selection, arguments.results)
    newer, _ = judged(session, shared.store(arguments), scale=arguments.scale, copy=arguments.data)
    with alone(claims(), say, "another process keeps what it compared; waiting"):
        found = keep(older, newer, commit)
    for check, lines in found.items():
        for line in lines:
            say(f"{check}: {line}")
    differing = sum(map(bool, found.values()))
    kept = f"; kept in {claims() / FILE}" if found else ""
    summary = f"{commit[:12]} finds the same in {len(found) - differing} of {counted(len(found), 'judged check')}{kept}"
    arguments.tell(lambda: {"commit": commit, "checks": found}, [summary])
    return 2 if differing else 0 if found else 3


def _left_out(store: "Store", made: dict[str, Any]) -> str:
    """What was not verified of runs that came without their trained tensors; "" where all have them."""
    from repro.runs.store import TENSORS

    without = sum(not (store.root / row["key"] / TENSORS).exists() for row in made["runs"])
    return f"; {counted(without, 'run')} came without trained tensors, which were not verified" if without else ""


def _remeasure(arguments: argparse.Namespace) -> int:
    from repro.executing.devices import devices, refuse_absent

    refuse_absent(arguments.device)
    from repro.training import remeasure

    complete = [run.spec for run in shared.planned(arguments).runs if run.condition == "complete"]
    store, device, differences = shared.store(arguments), devices(arguments.device)[0], list[str]()
    measured, without = 0, list[str]()
    for spec in complete:
        try:
            run = store.run(spec)
            if run.has_tensors:
                differences += remeasure(run, data_dir=arguments.data_dir, device=device)
                measured += 1
            else:
                without.append(spec.name)
        except DamagedRunError as error:  # the others are still measured
            differences.append(str(error))
            measured += 1
    for line in differences:
        say(line)
    arguments.tell(
        lambda: {"runs": measured, "differences": differences, "without_tensors": without},
        [
            f"{counted(measured, 'run')} measured again, {counted(len(differences), 'difference')}"
            if measured or without
            else "no complete run to measure again; train some with: repro run",
            *(f"not measured again, its trained tensors were left out: {name}" for name in without),
        ],
    )
    return 2 if differences else 0 if measured else 3


def _retrain(arguments: argparse.Namespace) -> int:
    from repro.executing.devices import devices, refuse_absent
    from repro.executing.retrain import chosen, retrain

    refuse_absent(arguments.device)
    store, device, differences = shared.store(arguments), devices(arguments.device)[0], dict[str, list[str]]()
    complete = [store.run(run.spec) for run in shared.planned(arguments).runs if run.condition == "complete"]
    for run in chosen(complete, arguments.retrain):
        lines = differences[run.spec.name] = retrain(run, data_dir=arguments.data_dir, device=device)
        show(f"{run.spec.name}: {'trained again, ' + ('not equal' if lines else 'equal bit for bit')}")
        for line in lines:
            say(line)
    arguments.tell(lambda: differences)
    return 2 if any(differences.values()) else 0
