"""The cluster's part of the command line: each subcommand a few lines around a library call."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro.errors import ClusterError
from repro.runs.files import explain_write_errors
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.cluster.choice import Choice
    from repro.cluster.ledger import Order, Submission
    from repro.cluster.profile import Profile
    from repro.cluster.reports import Report
    from repro.collecting.plugin import Session
    from repro.planning.plan import Plan
    from repro.runs.spec import RunSpec

GRANT = 1.5  # GPU-hours that a confirmation covers, over those expected: for runs that are killed and queued again


def submit(arguments: argparse.Namespace, session: "Session") -> int:
    """Queues the missing runs that are not under way as job arrays, and a last job that judges and reports."""
    return _submit(arguments, session, retry=False)


def retry(arguments: argparse.Namespace, session: "Session") -> int:
    """Queues again runs that failed, were killed or cancelled, or ran out of requeues."""
    if not arguments.failed:
        raise ClusterError("name what to retry: repro retry --failed.")
    return _submit(arguments, session, retry=True)


def logs(arguments: argparse.Namespace) -> int:
    """Prints the logs of one run's jobs, with their attempts."""
    from repro.cluster import snapshot as snapshots

    snapshot = snapshots.read(Store(arguments.results))
    wanted = [
        (entry, number)
        for entry in snapshot.entries
        for number in range(len(entry.submission.elements))
        if any(_is(spec, arguments.run) for spec in _specs(entry.submission, number))
    ]
    if not wanted:
        raise ClusterError(f"no job was submitted for a run whose key or name begins with {arguments.run!r}.")
    for entry, number in wanted:
        job = entry.submission.job_of(number)
        for one in entry.attempts.get(number, ()):
            print(f"== job {one.job} attempt {one.restart} on {one.node}: {one.end or 'no end'} {one.why}")
        if not entry.attempts.get(number):
            death = entry.deaths.get(job or "", {})
            ended = f"it ended as {death['state']} {death['exit_code']}" if death else "see: repro status"
            print(f"== job {job or 'that was never queued'} has not started: {ended}")
        log = entry.submission.log_of(job)
        print(
            log.read_text(encoding="utf-8", errors="replace")
            if log.exists()
            else f"== job {job} has written no log yet ({log})"
        )
    return 0


def cancel(made: "Plan", store: Store, everything: bool = False) -> int:
    """Cancels the waiting and running jobs of the selected runs; the report job stays, so that a report is written.

    A report job that can never start is cancelled with its runs. With ``everything``, so are the jobs of submissions
    that were deleted or are damaged.
    """
    from repro.cluster import cancelling, scheduler
    from repro.cluster import snapshot as snapshots

    queue = scheduler.jobs()
    chosen = cancelling.choose([run.spec for run in made.runs], snapshots.read(store), queue, everything)
    if chosen.ids:
        scheduler.cancel(chosen.ids)
    more = f"; {chosen.beside} other runs shared their jobs" if chosen.beside else ""
    lost = f"; {chosen.orphans} jobs of lost submissions" if chosen.orphans else ""
    reports = f"; report job {', '.join(chosen.reports)}, which could never start" if chosen.reports else ""
    print(
        f"{chosen.jobs} jobs cancelled with {chosen.runs} runs{more}{lost}{reports}"
        f"{' (' if chosen.ids else ''}{', '.join(chosen.ids)}{')' if chosen.ids else ''}. "
        "Checkpoints are kept: repro submit resumes the runs."
    )
    return 0


def init(arguments: argparse.Namespace) -> int:
    """Writes a first profile from sinfo's output."""
    from repro.cluster import survey

    path = survey.init(arguments.name)
    print(f"{path} written; review it, then: repro doctor --cluster {arguments.name}")
    return 0


def throughput(arguments: argparse.Namespace, session: "Session") -> int:
    """Measures on one GPU how many runs of each network should share it."""
    from repro.cluster import measure, profile, scheduler
    from repro.cluster.throughput import load, networks, path
    from repro.cluster.waiting import wait_for
    from repro.planning.plan import plan

    one = profile.load(arguments.name)
    order = _order(arguments, one)
    made = plan(session.selected, Store(order.results), device_type=one.device)
    specs = networks([(run.spec, run.cost.seconds) for run in made.missing])
    if not specs:
        raise ClusterError("no run is missing, so there is nothing to measure.")
    minutes = min(30, one.minutes)
    path(Store(order.results), one).unlink(missing_ok=True)
    job, file = measure.send(one, order, [spec.to_json() for spec in specs], minutes, arguments.most)
    print(f"job {job} measures {len(specs)} networks; waiting for it, at most {arguments.wait:.0f} s", flush=True)
    answer, state = wait_for(file, job, arguments.wait)
    if answer is None:
        scheduler.cancel([job])
        raise ClusterError(f"job {job} is {state or 'gone'}, with no result; see {order.results}/.slurm.")
    found = load(Store(order.results), one)
    for measured in found.networks if found else ():
        rates = ", ".join(f"{count}: {rate:.0f}" for count, rate in measured.rates.items())
        print(f"{measured.name}: images per second by runs at a time {rates}; {measured.best()} share a GPU")
    return 0


def examine(arguments: argparse.Namespace) -> int:
    """Checks a cluster and one of its nodes for what the suite needs."""
    from repro.cluster import doctor, profile

    one = profile.load(arguments.cluster)
    worst = 0
    found = []
    for entry in doctor.examine(one, _order(arguments, one), arguments.wait):
        found.append(vars(entry))
        worst = max(worst, 2 if entry.state == "FAIL" else 0)
        if not arguments.json:
            print(f"{entry.state:<4} {entry.what:<12} {entry.message}", flush=True)
    if arguments.json:
        print(json.dumps(found, indent=1))
    return worst


def _submit(arguments: argparse.Namespace, session: "Session", *, retry: bool) -> int:
    from repro.cli.jobs import ENTRY_POINTS
    from repro.cluster import choice as choosing
    from repro.cluster import deaths, fate, limits, profile, reports, scheduler, visibility
    from repro.cluster import snapshot as snapshots
    from repro.cluster import submit as submitting
    from repro.cluster.lines import show
    from repro.cluster.lock import submission_lock

    one = profile.load(arguments.cluster)
    order = _order(arguments, one)
    store = Store(order.results)

    def choose() -> "tuple[Choice, reports.Report | None]":
        queue = scheduler.jobs()
        snapshot = deaths.learn(snapshots.read(store), queue)
        again = (*fate.STUCK, "killed", "cancelled", "waiting")
        wanted = (lambda run: run.state in again) if retry else fate.to_be_queued
        choice = choosing.choose(one, session, snapshot, queue, wanted=wanted)
        return choice, reports.of(order, snapshot, queue)

    choice, report = choose()
    _print_choice(choice, order, one)
    if not _is_needed(choice, report):
        show("nothing to queue")
        return 0
    limits.check(one, choice.arrays)
    for line in visibility.check(one, order, {run.spec.dataset for run in choice.todo if run.spec.rows}):
        show(line)
    granted = _agree(choice, arguments)
    with submission_lock(store):
        choice, report = choose()  # other processes may have submitted meanwhile
        if not _is_needed(choice, report):
            show("nothing left to queue")
            return 0
        if choice.gpu_hours > granted:
            raise ClusterError("more runs are missing now than when you confirmed; retry.")
        where = reports.folder_for(order, snapshots.read(store))
        if where != order.report:
            show(f"{order.report} is the report of another selection; this one is written to {where}")
        submission = submitting.queue(
            replace(order, granted_gpu_hours=granted, report=where),
            one,
            choice,
            ENTRY_POINTS,
            keep=arguments.if_refused == "keep",
        )
    for array in submission.arrays:
        show(
            f"job {array.job}: {array.count} elements on partition {one.partition or 'the default one'}, "
            f"{array.workers} runs at a time, {array.minutes} min each"
        )
    after = "when they have all ended" if choice.todo or choice.jobs else "at once"
    show(f"report job {submission.report_job}: {where / 'report.html'}, {after}")
    if submission.excluded:
        show(f"excluded nodes: {', '.join(submission.excluded)}")
    return 0


def _is_needed(choice: "Choice", report: "Report | None") -> bool:
    """Whether there is a job to queue: for runs, or for a report that would otherwise not be written."""
    if choice.todo:
        return True
    if report is None:
        return bool(choice.jobs)
    if report.state == "written":
        return bool(choice.jobs)
    return report.state in ("failed", "lost")


def _order(arguments: argparse.Namespace, one: "Profile") -> "Order":
    from repro.cluster.ledger import Order

    scratch, data = one.root("scratch"), one.root("data")
    results, data_dir = arguments.results, arguments.data_dir
    if scratch is not None and results == Path("results"):
        _link(results, scratch / "results")
    if data is not None and data_dir == Path("data"):
        data_dir = data
    return Order(
        scale=getattr(arguments, "scale", "smoke"),
        paths=tuple(_absolute(path) for path in getattr(arguments, "paths", ())),
        keyword=getattr(arguments, "keyword", ""),
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
    if here.exists() and here.resolve() != there.resolve():
        raise ClusterError(f"{here} exists, and scratch in the profile is {there}; move one, or name --results.")
    above = there.parent.parent  # scratch itself may be new, but not the folder that contains it
    if not above.is_dir():
        raise ClusterError(
            f"scratch in the profile is {there.parent}, and {above} does not exist; correct it, or make that folder."
        )
    with explain_write_errors(there):
        there.mkdir(parents=True, exist_ok=True)
        if not here.exists():
            here.symlink_to(there, target_is_directory=True)
            print(f"{here} is now a link to {there}", file=sys.stderr)


def _absolute(path: str) -> str:
    file, separator, rest = path.partition("::")
    return f"{Path(file).absolute()}{separator}{rest}"


def _print_choice(choice: "Choice", order: "Order", one: "Profile") -> None:
    from repro.cluster.lines import show

    show(
        f"{len(choice.plan.checks)} checks at scale {order.scale} need {len(choice.plan.runs)} runs: "
        f"{len(choice.reused)} complete and reused, {len(choice.under_way)} under way, {len(choice.todo)} to queue "
        f"in {sum(map(len, choice.arrays))} jobs, about {_hours(choice.gpu_hours, one)} ({choice.basis})"
    )
    if choice.waiting:
        show(f"{len(choice.waiting)} of them waited for a fault of the site: {choice.waiting[0].why}")
    if choice.stuck:
        show(f"{len(choice.stuck)} failed before and are left out; see repro status, and repro retry --failed")

    most = (one.requeues + 1) * one.seconds("time")
    long = [element for array in choice.arrays for element in array if element.seconds > most]
    if long:
        show(
            f"{len(long)} jobs are expected to take up to {max(e.seconds for e in long) / 3600:.0f} h, and get "
            f"{one.requeues + 1} attempts of {one.time}: raise time or requeues in the profile, or they end EXHAUSTED"
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
    limit = float(arguments.max_gpu_hours)
    if choice.gpu_hours <= limit:
        return limit
    granted = GRANT * choice.gpu_hours
    over = f"{choice.gpu_hours:.3g} GPU-hours exceed --max-gpu-hours {limit:g}"
    if arguments.yes or _yes(f"{over}; with further rounds at most {granted:.3g}. Queue them anyway? [y/N] "):
        return granted
    raise ClusterError(f"{over}; nothing was queued. Raise it, add --yes, or select fewer checks with -k.")


def _yes(question: str) -> bool:
    try:
        return sys.stdin.isatty() and input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _specs(submission: "Submission", number: int) -> "list[RunSpec]":
    """The runs of an element, also of one that never started."""
    from repro.runs.spec_json import read_spec

    file = submission.element_file(number)
    try:
        return [read_spec(run["spec"], file) for run in json.loads(file.read_text(encoding="utf-8"))["runs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _is(spec: "RunSpec", wanted: str) -> bool:
    return spec.key.startswith(wanted) or spec.name.startswith(wanted)
