"""What ``repro judge`` checks instead of judging: verdicts, measurements and runs, each made again and compared."""

import argparse
from typing import TYPE_CHECKING

from repro.cli import shared
from repro.cli.output import busy, say, show
from repro.errors import DamagedRunError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.collecting.plugin import Session


def verify(arguments: argparse.Namespace, session: "Session") -> int:
    """Recomputes every verdict of verdicts.json, with what the page shows, and says what differs."""
    from repro.cli.verdicts import verdicts
    from repro.judging.verdicts_json import load
    from repro.judging.verify import unverified
    from repro.judging.verify import verify as compared
    from repro.reporting.report import page

    path, store = arguments.report / "verdicts.json", shared.store(arguments)
    load(path)  # one that is not there is said now, and not after all files were read
    busy(f"judging {counted(len(session.selected), 'check')} and reading every file of their runs")
    made = verdicts(session, store, scale=arguments.scale, copy=arguments.data, thorough=True)
    (*changed, last), code = compared(path, made.contents, page=page, damaged=made.faults)
    if rest := unverified(path, made.contents, store.root):
        last += f"; not verified: {'; '.join(rest)}"
    for line in changed:
        say(line)
    arguments.tell(lambda: {"differences": changed, "summary": last}, [last])
    return code


def judge_by(arguments: argparse.Namespace, session: "Session") -> int:
    """Judges the same runs with the code of another commit, and keeps whether it gives the same results."""
    from repro.cli.verdicts import verdicts
    from repro.executing.other_commit import judged_by
    from repro.judging.compared import FILE, keep
    from repro.provenance import claims
    from repro.runs.file_lock import alone

    selection = [*arguments.claims, "--scale", arguments.scale]
    selection += ["-k", arguments.keyword] if arguments.keyword else []
    selection += ["--data", arguments.data] if arguments.data else []
    commit, older = judged_by(arguments.by, selection, arguments.results)
    newer = verdicts(session, shared.store(arguments), scale=arguments.scale, copy=arguments.data).contents
    with alone(claims(), say, "another process keeps what it compared; waiting"):
        found = keep(older, newer, commit)
    for check, lines in found.items():
        for line in lines:
            say(f"{check}: {line}")
    differing = sum(map(bool, found.values()))
    kept = f"; kept in {claims() / FILE}" if found else ""
    alike = f"{len(found) - differing} of {counted(len(found), 'judged check')}"
    summary = f"{commit[:12]} gives the same results in {alike}{kept}"
    arguments.tell(lambda: {"commit": commit, "checks": found}, [summary])
    return 2 if differing else 0 if found else 3


def remeasure(arguments: argparse.Namespace) -> int:
    """Measures the stored networks again, and says what differs from their measurements."""
    from repro.executing.devices import devices, refuse_absent

    refuse_absent(arguments.device)
    from repro import training

    complete = [run.spec for run in shared.planned(arguments).runs if run.condition == "complete"]
    store, device, differences = shared.store(arguments), devices(arguments.device)[0], list[str]()
    measured, without = 0, list[str]()
    for spec in complete:
        try:
            run = store.run(spec)
            if run.has_tensors:
                differences += training.remeasure(run, data_dir=arguments.data_dir, device=device)
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


def retrain(arguments: argparse.Namespace) -> int:
    """Trains some runs again, and says where they differ from the stored ones."""
    from repro.executing import retrain as again
    from repro.executing.devices import devices, refuse_absent

    refuse_absent(arguments.device)
    store, device, differences = shared.store(arguments), devices(arguments.device)[0], dict[str, list[str]]()
    complete = [store.run(run.spec) for run in shared.planned(arguments).runs if run.condition == "complete"]
    for run in again.chosen(complete, arguments.retrain):
        lines = differences[run.spec.name] = again.retrain(run, data_dir=arguments.data_dir, device=device)
        show(f"{run.spec.name}: {'trained again, ' + ('not equal' if lines else 'equal bit for bit')}")
        for line in lines:
            say(line)
    arguments.tell(lambda: differences)
    return 2 if any(differences.values()) else 0
