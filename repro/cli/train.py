"""Subcommands about training: plan, run, status."""

import argparse
import shlex
from collections import Counter
from typing import TYPE_CHECKING

from repro.cli import background, shared
from repro.cli.output import say, worst, wrapped
from repro.errors import StoreError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.executing.execute import Tally


def plan(arguments: argparse.Namespace) -> int:
    """Sums up the missing runs by claim; --all lists each run with its reason, --json everything."""
    from repro.collecting.garbage import no_search

    with no_search():
        return _plan(arguments)


def _plan(arguments: argparse.Namespace) -> int:
    from repro.cli import planned
    from repro.executing.trainable_here import to_json
    from repro.planning.lazy_scipy import postpone
    from repro.planning.price import within

    postpone()
    session = shared.to_train(arguments)
    made, purchase, lines = shared.planned(arguments, session), None, []
    if arguments.within is not None:
        purchase = within(made, arguments.within)
        lines = [*planned.bought(purchase, made)]
        made = shared.planned(arguments, shared.only(session, purchase, refuse=False))
    elif not arguments.all:
        lines = [*planned.by_claim(made)]
    lines += planned.each(made) if arguments.all else []
    left = shared.left_out(arguments, made)
    following = shared.next_step(arguments, "run" if made.missing else "judge")
    arguments.tell(
        lambda: {**planned.as_json(made, purchase), "left_out": to_json(left)},
        [*lines, *planned.total(made), *(wrapped(one.line) for one in left), following],
    )
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Trains the missing runs; exit 3 if the budget ended first, or some cannot be trained here."""
    if not arguments.background:
        shared.refuse_idle(arguments, "--pause-above", "--background")
    if arguments.status or arguments.stop:
        return background.look(arguments)
    from repro.executing.trainable_here import to_json

    session = shared.bought(arguments, shared.to_train(arguments))
    if arguments.background and arguments.detached is None:
        return background.start(arguments, session)
    tally = missing(arguments, session) if arguments.detached is None else background.train(arguments, session)
    measured, faults = _measure(arguments, session) if arguments.measure and not tally.stopped else ({}, [])
    for line in faults:
        say(line)
    failed = [one for one in tally.done.values() if one.status in ("failed", "crashed")]
    arguments.tell(
        lambda: {
            "runs": Counter(one.status for one in tally.done.values()),
            "failed": [{"name": one.spec.name, "key": one.spec.key, "why": one.error} for one in failed],
            "stopped": tally.stopped,
            "left_out": to_json(tally.left_out),
            "measured": measured,
            "not_measured": faults,
        },
        [
            *(f"{name}: measured {', '.join(added)}" for name, added in measured.items()),
            *_ended(arguments, tally, len(failed)),
        ],
    )
    return 2 if failed or faults else 3 if tally.stopped or tally.left_out else 0


def status(arguments: argparse.Namespace) -> int:
    """Counts the runs of a plan by condition; 2 if some failed, 3 if some are missing."""
    from repro.cluster.ledger import FOLDER
    from repro.executing import trainable_here

    shared.require_store(arguments)
    if arguments.watch:
        from repro.cli import watch

        if arguments.json:
            arguments.parser.error("--watch shows lines again and again, and --json prints one value; choose one")
        return watch.status(arguments)
    made = shared.planned(arguments)
    failed = [{"name": run.spec.name, "why": run.why} for run in made.runs if run.condition == "failed"]
    code = 2 if failed else 3 if made.missing else 0
    if (arguments.results / FOLDER).exists():
        from repro.cluster.status import lines, overview, to_json

        found = overview(made, shared.store(arguments))
        arguments.tell(lambda: to_json(found), lines(found))
        return worst(found.code, code)
    counts, left = Counter(run.condition for run in made.runs), shared.left_out(arguments, made)
    arguments.tell(
        lambda: {
            "runs": counts,
            "failed": failed,
            "device_hours_missing": made.hours,
            "left_out": trainable_here.to_json(left),
            "background": background.state(arguments),
        },
        [
            ", ".join(f"{count} {condition}" for condition, count in sorted(counts.items())) or "nothing planned",
            *(f"{entry['name']}: {entry['why']}" for entry in failed),
            *(wrapped(one.line) for one in left),
            *background.lines(arguments),
            shared.next_step(arguments, "run" if made.missing else "judge"),
        ],
    )
    return code


def missing(arguments: argparse.Namespace, session: "Session") -> "Tally":
    """Trains the missing runs of the selected checks, under a bar."""
    from repro.executing.devices import devices, processes, refuse_absent
    from repro.executing.progress import ProgressBar

    refuse_absent(arguments.device)
    workers = arguments.workers or processes(devices(arguments.device))
    with ProgressBar(shared.store(arguments), workers) as progress:
        seeds = shared.wanted_seeds(arguments, session)
        return shared.train(arguments, session, seeds=seeds, budget=arguments.budget, listener=progress)


def stopped(tally: "Tally") -> str:
    """What was kept when training was stopped."""
    done, paused = counted(tally.count("complete"), "run is", "runs are"), counted(tally.count("paused"), "is", "are")
    return f"stopped: {done} complete, {paused} checkpointed; the same command resumes"


def _ended(arguments: argparse.Namespace, tally: "Tally", failed: int) -> list[str]:
    if tally.stopped:
        return [stopped(tally)]
    if failed:
        logs = ["repro", "logs", *shared.options(arguments, "results")]
        return [f"{failed} of {len(tally.done)} runs failed", f"Next: {shlex.join(logs)}; the same command tries again"]
    # Not "trained": another process on the same store may have done it.
    done = counted(tally.count("complete"), "run that was missing is", "runs that were missing are")
    trained = f"{done} complete"
    if not tally.done:
        trained = "nothing to train: all runs are complete"
    if tally.left_out:
        lines = [] if tally.done else [one.line for one in tally.left_out]
        trained = trained.replace("all runs are", "all other runs are")
        number = sum(len(one.runs) for one in tally.left_out)
        return [*lines, f"{trained}, {number} left out. {shared.next_step(arguments, 'judge')}"]
    return [f"{trained}. {shared.next_step(arguments, 'judge')}"]


def _measure(arguments: argparse.Namespace, session: "Session") -> tuple[dict[str, list[str]], list[str]]:
    """The measurements that were missing and now are there, by the name of their run, and why others are not."""
    from repro.executing.devices import devices
    from repro.training import back_fill

    store, device = shared.store(arguments), devices(arguments.device)[0]
    specs = {key: spec for check in session.selected for key, spec in check.runs(check.looks[-1]).items()}
    found, faults = dict[str, list[str]](), list[str]()
    for spec in specs.values():
        if store.condition(spec) == "complete":
            try:
                added = back_fill(store.run(spec), store, data_dir=arguments.data_dir, device=device)
            except StoreError as error:  # such as trained tensors that it came without; the others are still measured
                faults.append(f"{spec.name} was not measured: {error}")
            else:
                found |= {spec.name: list(added)} if added else {}
    return found, faults
