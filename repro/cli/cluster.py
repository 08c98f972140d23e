"""The cluster's part of the command line: each subcommand a few lines around a library call."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro.errors import ClusterError
from repro.runs.store import Store, explain_write_errors

if TYPE_CHECKING:
    from repro.cluster.choice import Choice
    from repro.cluster.fate import Fate
    from repro.cluster.ledger import Order
    from repro.cluster.profile import Profile
    from repro.collecting.plugin import Session
    from repro.planning.plan import Plan

GRANT = 1.5  # GPU-hours that a yes covers, over those expected: for what is killed and queued again


def submit(arguments: argparse.Namespace, session: "Session") -> int:
    """Queues what is missing and not under way as job arrays, and a job that judges and reports at last."""
    return _submit(arguments, session, retry=False)


def retry(arguments: argparse.Namespace, session: "Session") -> int:
    """Queues again what failed, was killed or cancelled, or ran out of requeues."""
    if not arguments.failed:
        raise ClusterError("say what to try again: repro retry --failed.")
    return _submit(arguments, session, retry=True)


def logs(arguments: argparse.Namespace) -> int:
    """Prints what the jobs of one run wrote, life by life."""
    from repro.cluster import ledger

    submissions = ledger.submissions(Store(arguments.results))
    wanted = [
        (one, number)
        for one in submissions
        for number, keys in enumerate(one.elements)
        if any(_is(key, arguments.run, one.order.results) for key in keys)
    ]
    if not wanted:
        raise ClusterError(f"no job was submitted for a run whose key or name begins with {arguments.run!r}.")
    for submission, number in wanted:
        job = submission.job_of(number)
        for life in ledger.lives(submission, [number]).get(number, []):
            print(f"== job {life.job} life {life.restart} on {life.node}: {life.end or 'no end'} {life.why}")
        log = submission.log_of(job)
        print(log.read_text(errors="replace") if log.exists() else f"== job {job} has written no log yet ({log})")
    return 0


def cancel(made: "Plan", store: Store) -> int:
    """Cancels the jobs of the selected runs that wait or run; the report job stays, so that a report comes."""
    from repro.cluster import fate, scheduler

    found = fate.fates([run.spec for run in made.runs], store, scheduler.jobs())
    some = [one for one in found.values() if one.state in fate.UNDER_WAY and one.job]
    jobs = sorted({one.job for one in some if one.job})
    if jobs:
        scheduler.cancel(jobs)
    beside = len({key for one in some for key in _shares_job(one)} - {one.spec.key for one in some})
    more = f"; {beside} other runs shared their jobs" if beside else ""
    print(f"{len(jobs)} jobs cancelled with {len(some)} runs{more}. What was trained is kept: repro submit goes on.")
    return 0


def init(arguments: argparse.Namespace) -> int:
    """Writes a first profile from what sinfo says."""
    from repro.cluster import survey

    path = survey.init(arguments.name)
    print(f"{path} written; look through it, then: repro doctor --cluster {arguments.name}")
    return 0


def pilot(arguments: argparse.Namespace, session: "Session") -> int:
    """Measures on one GPU how many runs of each network should share it."""
    from repro.cluster import pilot as pilots
    from repro.cluster import profile, scheduler, survey
    from repro.planning.plan import plan

    one = profile.load(arguments.name)
    order = _order(arguments, one)
    made = plan(session.selected, Store(order.results), device_type=one.device)
    specs = pilots.networks([(run.spec, run.cost.seconds) for run in made.missing])
    if not specs:
        raise ClusterError("nothing is missing, so there is nothing to measure for.")
    minutes = min(30, one.minutes)
    (order.results / ".slurm" / f"pilot-{one.name}.json").unlink(missing_ok=True)
    job, file = survey.send_pilot(one, order, [spec.to_json() for spec in specs], minutes, arguments.most)
    print(f"job {job} measures {len(specs)} networks; this waits for it, at most {arguments.wait:.0f} s", flush=True)
    answer, state = survey.wait_for(file, job, arguments.wait)
    if answer is None:
        scheduler.cancel([job])
        raise ClusterError(f"the pilot's job {job} is {state or 'gone'} without a result; see {order.results}/.slurm.")
    found = pilots.load(Store(order.results), one)
    for measured in found.networks if found else ():
        rates = ", ".join(f"{count}: {rate:.0f}" for count, rate in measured.rates.items())
        print(f"{measured.name}: images a second by runs at a time {rates}; {measured.best()} share a GPU")
    return 0


def examine(arguments: argparse.Namespace) -> int:
    """Checks what a cluster lacks, also from one of its nodes."""
    from repro.cluster import profile, survey

    one = profile.load(arguments.cluster)
    worst = 0
    found = []
    for looked in survey.examine(one, _order(arguments, one), arguments.wait):
        found.append(vars(looked))
        worst = max(worst, 2 if looked.state == "FAIL" else 0)
        if not arguments.json:
            print(f"{looked.state:<4} {looked.what:<12} {looked.told}", flush=True)
    if arguments.json:
        print(json.dumps(found, indent=1))
    return worst


def _submit(arguments: argparse.Namespace, session: "Session", *, retry: bool) -> int:
    from repro.cluster import choice as choosing
    from repro.cluster import deaths, fate, profile, scheduler
    from repro.cluster import submit as submitting

    one = profile.load(arguments.cluster)
    order = _order(arguments, one)
    store = Store(order.results)

    def choose() -> "Choice":
        if not retry:
            return choosing.choose(order, one, session)
        again = (*fate.STUCK, "killed", "cancelled")
        return choosing.choose(order, one, session, wanted=lambda run: run.state in again)

    if retry:
        deaths.learn(store, scheduler.jobs())
    choice = choose()
    _print_choice(choice, order, one)
    if not choice.todo and (not choice.jobs or submitting.report_is_coming(store)):
        print("nothing to queue")
        return 0
    granted = _agree(choice, arguments)
    with submitting.alone(store):
        choice = choose()  # while the user thought, others may have queued
        if not choice.todo and not choice.jobs:
            print("nothing to queue any more")
            return 0
        if choice.gpu_hours > granted:
            raise ClusterError("more has come to be missing meanwhile; say it again.")
        submission = submitting.queue(
            replace(order, granted_gpu_hours=granted), one, choice, keep=arguments.if_refused == "keep"
        )
    for array in submission.arrays:
        print(f"job {array.job}: {array.count} elements, {array.workers} runs at a time, {array.minutes} min each")
    print(f"report job {submission.report_job}: {order.report / 'report.html'}, when they have all ended")
    if submission.excluded:
        print(f"kept away from: {', '.join(submission.excluded)}")
    return 0


def _order(arguments: argparse.Namespace, one: "Profile") -> "Order":
    from repro.cluster.ledger import Order

    scratch, data = one.place("scratch"), one.place("data")
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
    """Makes ``results`` a link to the shared store, so that every other command finds it.

    Raises:
        ClusterError: there is a store here already.
    """
    if here.exists() and here.resolve() != there.resolve():
        raise ClusterError(f"{here} exists, and the profile's scratch says {there}; move one, or name --results.")
    with explain_write_errors(there):
        there.mkdir(parents=True, exist_ok=True)
        if not here.exists():
            here.symlink_to(there, target_is_directory=True)
            print(f"{here} is now a link to {there}", file=sys.stderr)


def _absolute(path: str) -> str:
    file, separator, rest = path.partition("::")
    return f"{Path(file).absolute()}{separator}{rest}"


def _print_choice(choice: "Choice", order: "Order", one: "Profile") -> None:
    print(
        f"{len(choice.plan.checks)} checks at scale {order.scale} need {len(choice.plan.runs)} runs: "
        f"{len(choice.reused)} complete and reused, {len(choice.under_way)} under way, {len(choice.todo)} to queue "
        f"in {sum(map(len, choice.arrays))} jobs, about {choice.gpu_hours:.3g} GPU-hours ({choice.basis})"
    )
    if choice.stuck:
        print(f"{len(choice.stuck)} failed before and are left out; see repro status, and repro retry --failed")

    lives = (one.requeues + 1) * one.seconds("time")
    long = [element for array in choice.arrays for element in array if element.seconds > lives]
    if long:
        print(
            f"{len(long)} jobs are expected to take up to {max(e.seconds for e in long) / 3600:.0f} h, and get "
            f"{one.requeues + 1} lives of {one.time}: raise time or requeues in the profile, or they end EXHAUSTED"
        )


def _agree(choice: "Choice", arguments: argparse.Namespace) -> float:
    """The GPU-hours that the user grants; asks when the expected ones pass the limit.

    Raises:
        ClusterError: they do, and nobody agrees.
    """
    limit = float(arguments.max_gpu_hours)
    if choice.gpu_hours <= limit:
        return limit
    granted = GRANT * choice.gpu_hours
    over = f"{choice.gpu_hours:.3g} GPU-hours pass --max-gpu-hours {limit:g}"
    if arguments.yes or _yes(f"{over}; with further rounds at most {granted:.3g}. Queue them all the same? [y/N] "):
        return granted
    raise ClusterError(f"{over}; nothing was queued. Raise it, say --yes, or select fewer checks with -k.")


def _yes(question: str) -> bool:
    try:
        return sys.stdin.isatty() and input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _shares_job(one: "Fate") -> tuple[str, ...]:
    """Keys of the runs in the same element."""
    return () if one.submission is None or one.element is None else one.submission.elements[one.element]


def _is(key: str, wanted: str, results: Path) -> bool:
    if key.startswith(wanted):
        return True
    from repro.runs.spec import RunSpec

    path = results / key / "spec.json"
    return path.exists() and RunSpec.from_json(path.read_text(), path).name.startswith(wanted)
