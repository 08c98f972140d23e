"""Subcommands that queue jobs: submit, retry."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import shared
from repro.cli.output import show
from repro.errors import ClusterError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.cluster.choice import Choice
    from repro.cluster.ledger import Order, Submission
    from repro.cluster.profile import Profile
    from repro.cluster.reports import Report
    from repro.collecting.plugin import Session
    from repro.planning.plan import Plan

UNASKED = 24.0  # GPU-hours that are queued without a question where no option names others
GRANT = 1.5  # times the GPU-hours expected, which a confirmation covers: some runs are killed and queued again


def submit(arguments: argparse.Namespace) -> int:
    """Queues the missing runs that are not under way as job arrays, and a last job that judges and reports."""
    return _submit(arguments, retry=False)


def retry(arguments: argparse.Namespace) -> int:
    """Queues again runs that failed, were killed or cancelled, or ran out of requeues."""
    return _submit(arguments, retry=True)


def _submit(arguments: argparse.Namespace, *, retry: bool) -> int:
    from repro.cli.jobs import ENTRY_POINTS
    from repro.cluster import choice as choosing
    from repro.cluster import deaths, fate, limits, profile, reports, scheduler, visibility
    from repro.cluster import snapshot as snapshots
    from repro.cluster import submit as submitting
    from repro.cluster.interrupted import as_by_ctrl_c
    from repro.cluster.lock import submission_lock
    from repro.planning.price import within
    from repro.runs.store import Store

    session = shared.to_train(arguments)
    one = profile.load(arguments.cluster)
    ordered = order(arguments, one)
    store = Store(ordered.results)
    session, ordered = _with_data(arguments, session, ordered, choosing.planned(one, session, store))
    if arguments.within is not None:
        purchase = within(choosing.planned(one, session, store), arguments.within)
        session = shared.only(session, purchase)
        ordered = _narrowed(ordered, session)

    def choose() -> "tuple[Choice, reports.Report | None]":
        queue = scheduler.jobs()
        snapshot = deaths.learn_if_told(snapshots.read(store), queue)
        again = (*fate.STUCK, "killed", "cancelled", "waiting")
        wanted = (lambda run: run.state in again) if retry else fate.to_be_queued
        choice = choosing.choose(one, session, snapshot, queue, wanted=wanted)
        return choice, reports.of(ordered, snapshot, queue)

    choice, report = choose()
    _print_choice(choice, ordered, one)
    if not _is_needed(choice, report):
        arguments.tell(lambda: _as_json(choice, None), ["nothing to queue"])
        return 0
    limits.check(one, choice.arrays)
    for line in visibility.check(one, ordered, {run.spec.dataset for run in choice.todo if run.spec.rows}):
        show(line)
    granted = _agree(choice, arguments)
    with as_by_ctrl_c(), submission_lock(store):
        choice, report = choose()  # other processes may have submitted meanwhile
        if not _is_needed(choice, report):
            arguments.tell(lambda: _as_json(choice, None), ["nothing left to queue"])
            return 0
        if choice.gpu_hours > granted:
            raise ClusterError("more runs are missing now than when you confirmed; run the same command again.")
        where = reports.folder_for(ordered, snapshots.read(store))
        if where != ordered.report:
            show(f"{ordered.report} is the report of another selection; this one is written to {where}")
        submission = submitting.queue(
            replace(ordered, granted_gpu_hours=granted, report=where),
            one,
            choice,
            ENTRY_POINTS,
            keep=arguments.if_refused == "keep",
        )
    arguments.tell(lambda: _as_json(choice, submission), _queued(choice, submission))
    return 0


def _with_data(
    arguments: argparse.Namespace, session: "Session", ordered: "Order", made: "Plan"
) -> "tuple[Session, Order]":
    """Without the claims that need images in files which the data folder lacks, and says so.

    Raises:
        DataError: such a claim was asked for by id, or there are no others.
    """
    from repro.executing import trainable_here

    left = [found for found in trainable_here.left_out(made, None, ordered.data_dir) if not found.mendable]
    if not left:
        return session, ordered
    trainable_here.refuse(made, left, named=shared.split(arguments.claims)[1], strict=False)
    for found in left:
        show(found.line)
    absent = {claim for found in left for claim in found.claims}
    kept = [check for check in session.selected if check.claim.id not in absent]
    session = replace(session, selected=kept)
    return session, _narrowed(ordered, session)


def _narrowed(ordered: "Order", session: "Session") -> "Order":
    """An order of the checks that a session has selected, no more and no fewer, for further rounds and the report.

    Where a selection by -k is read again, no control comes by itself out of another file: those files are named.
    """
    folders = [Path(path.partition("::")[0]) for path in ordered.paths]
    files = sorted({check.file for check in session.selected})
    beside = [str(file) for file in files if folders and not any(file.is_relative_to(one) for one in folders)]
    return replace(ordered, keyword=_keyword(session), paths=(*ordered.paths, *beside))


def _keyword(session: "Session") -> str:
    """The selected checks as -k names them; a claim has its id there where all of its points are selected."""
    chosen = {check.id for check in session.selected}
    left_out = {check.claim.id for check in session.checks.values() if check.id not in chosen}
    return " or ".join(dict.fromkeys(c.id if c.claim.id in left_out else c.claim.id for c in session.selected))


def _queued(choice: "Choice", submission: "Submission") -> Iterator[str]:
    partition = submission.profile.partition or "the default one"
    for array in submission.arrays:
        yield (
            f"job {array.job}: {counted(array.count, 'element')} on partition {partition}, "
            f"{counted(array.workers, 'run')} at a time, {array.minutes} min each"
        )
    after = "when they have all ended" if choice.todo or choice.jobs else "at once"
    yield f"report job {submission.report_job}: {submission.order.report / 'report.html'}, {after}"
    if submission.excluded:
        yield f"excluded nodes: {', '.join(submission.excluded)}"


def _as_json(choice: "Choice", submission: "Submission | None") -> dict[str, Any]:
    """What was chosen, and the submission if jobs were queued."""
    return {
        "runs": {
            "planned": len(choice.plan.runs),
            "complete": len(choice.reused),
            "under_way": len(choice.under_way),
            "to_queue": len(choice.todo),
            "failed_before": len(choice.stuck),
        },
        "gpu_hours": choice.gpu_hours,
        "submission": submission and submission.id,
        "jobs": [array.job for array in submission.arrays] if submission else [],
        "report_job": submission and submission.report_job,
        "report": submission and str(submission.order.report),
        "excluded_nodes": list(submission.excluded) if submission else [],
    }


def _is_needed(choice: "Choice", report: "Report | None") -> bool:
    """Whether there is a job to queue: for runs, or for a report that would otherwise not be written."""
    if choice.todo:
        return True
    if report is None:
        return bool(choice.jobs)
    if report.state == "written":
        return bool(choice.jobs)
    return report.state in ("failed", "lost")


def order(arguments: argparse.Namespace, one: "Profile") -> "Order":
    """What a command asks of a cluster, in absolute paths; links the store to the profile's scratch.

    Raises:
        ClusterError: SLURM cannot name logs in the store.
    """
    from repro.cluster.ledger import Order

    claims = getattr(arguments, "claims", [])  # doctor has none
    scratch, data = one.root("scratch"), one.root("data")
    results, data_dir = arguments.results, arguments.data_dir
    if scratch is not None and results == Path("results"):
        _link(results, scratch / "results")
    if data is not None and data_dir == Path("data"):
        data_dir = data
    if "%" in str(results.absolute()):
        raise ClusterError(
            f"{results.absolute()} contains %, which SLURM replaces in logs' names; name another folder."
        )
    return Order(
        scale=getattr(arguments, "scale", "smoke"),
        paths=tuple(_absolute(path) for path in shared.split(claims)[0]),
        keyword=shared.keyword(arguments) if claims else getattr(arguments, "keyword", ""),
        copy=getattr(arguments, "data", None),
        results=results.absolute(),
        data_dir=data_dir.absolute(),
        report=getattr(arguments, "report", Path("report")).absolute(),
        granted_gpu_hours=0.0,
        any_code=getattr(arguments, "any_code", False),
    )


def _link(here: Path, there: Path) -> None:
    """Makes ``results`` a link to the shared store, so that all commands find it.

    Raises:
        ClusterError: there is already a store here.
    """
    from repro.runs.files import explain_write_errors, make_folder

    if here.is_symlink() and not here.exists():
        raise ClusterError(f"{here} is a link to {here.readlink()}, which does not exist; remove it.")
    if here.exists() and here.resolve() != there.resolve():
        raise ClusterError(f"{here} exists, and scratch in the profile is {there}; move one, or name --results.")
    above = there.parent.parent  # scratch itself may be new, but not the folder that contains it
    if not above.is_dir():
        raise ClusterError(
            f"scratch in the profile is {there.parent}, but {above} does not exist; correct it, or make that folder."
        )
    make_folder(there)
    with explain_write_errors(there):
        if not here.exists():
            here.symlink_to(there, target_is_directory=True)
            print(f"{here} is now a link to {there}", file=sys.stderr)


def _absolute(path: str) -> str:
    file, separator, rest = path.partition("::")
    return f"{Path(file).absolute()}{separator}{rest}"


def _print_choice(choice: "Choice", order: "Order", one: "Profile") -> None:
    show(
        f"{counted(len(choice.plan.checks), 'check')} at scale {order.scale} "
        f"{'needs' if len(choice.plan.checks) == 1 else 'need'} {counted(len(choice.plan.runs), 'run')}: "
        f"{len(choice.reused)} complete and reused, {len(choice.under_way)} under way, {len(choice.todo)} to queue "
        f"in {counted(sum(map(len, choice.arrays)), 'job')}, about {_hours(choice.gpu_hours, one)} ({choice.basis})"
    )
    if choice.waiting:
        show(f"{len(choice.waiting)} of them were held up by a fault of the site: {choice.waiting[0].why}")
    if choice.stuck:
        show(f"{len(choice.stuck)} failed before and are left out; see repro status, and repro retry")

    most = (one.requeues + 1) * one.seconds("time")
    long = [element for array in choice.arrays for element in array if element.seconds > most]
    if long:
        show(
            f"{counted(len(long), 'job is', 'jobs are')} expected to take up to "
            f"{max(e.seconds for e in long) / 3600:.0f} h, and get {one.requeues + 1} attempts of {one.time}: raise "
            "time or requeues in the profile, or they end EXHAUSTED"
        )


def _hours(hours: float, one: "Profile") -> str:
    """Hours in a unit that suits this cluster."""
    unit = "GPU-hours" if one.device == "cuda" else "job-hours"
    return f"{hours:.3g} {unit}" if hours >= 0.1 or one.device == "cuda" else f"{60 * hours:.2g} job-minutes"


def _agree(choice: "Choice", arguments: argparse.Namespace) -> float:
    """The GPU-hours that the user grants; asks for confirmation above the limit.

    Raises:
        ClusterError: they are above it, and the user does not confirm.
    """
    bought = None if arguments.within is None else arguments.within / 3600
    asked: dict[str, float | None] = {"--max-gpu-hours": arguments.max_gpu_hours, "--within": bought}
    named = {option: hours for option, hours in asked.items() if hours is not None} or {"--max-gpu-hours": UNASKED}
    option, limit = min(named.items(), key=lambda pair: pair[1])
    if choice.gpu_hours <= limit:
        return limit
    granted = GRANT * choice.gpu_hours
    over = f"{choice.gpu_hours:.3g} GPU-hours exceed {option} {limit:g}"
    if arguments.yes or _yes(f"{over}; with further rounds at most {granted:.3g}. Queue them anyway? [y/N] "):
        return granted
    raise ClusterError(f"{over}; nothing was queued. Raise it, add --yes, or select fewer checks with -k.")


def _yes(question: str) -> bool:
    try:
        return sys.stdin.isatty() and input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
