"""Subcommands about a cluster and its jobs: cluster init, cluster throughput, cancel."""

import argparse

from repro.cli import shared
from repro.cli.output import show
from repro.errors import ClusterError
from repro.planning.quantities import counted


def init(arguments: argparse.Namespace) -> int:
    """Writes a first profile from sinfo's output."""
    from repro.cluster import survey

    path = survey.init(arguments.name)
    arguments.tell(
        lambda: {"profile": str(path)},
        [f"{path} written; review it.", f"Next: repro doctor --cluster {arguments.name}"],
    )
    return 0


def throughput(arguments: argparse.Namespace) -> int:
    """Measures on one GPU how many runs of each network should share it."""
    from repro.cli.submit import order
    from repro.cluster import profile, scheduler, throughput_job
    from repro.cluster.throughput import networks, read
    from repro.cluster.waiting import wait_for
    from repro.planning.plan import plan
    from repro.runs.store import Store

    session = shared.collect(arguments)
    one = profile.load(arguments.name)
    ordered = order(arguments, one)
    store = Store(ordered.results)
    made = plan(session.selected, store, device_type=one.device)
    specs = networks([(run.spec, run.cost.seconds) for run in made.missing])
    if not specs:
        raise ClusterError("no run is missing, so there is nothing to measure; name another --scale or --results.")
    minutes = min(30, one.minutes)
    job, file = throughput_job.send(one, ordered, [spec.to_json() for spec in specs], minutes, arguments.most)
    show(f"job {job} measures {counted(len(specs), 'network')}; waiting for it, at most {arguments.wait:.0f} s")
    answer, state = wait_for(file, job, arguments.wait)
    if answer is None:
        scheduler.cancel([job])
        raise ClusterError(f"job {job} is {state or 'gone'}, with no result; see {ordered.results}/.slurm.")
    measured = read(answer).networks
    arguments.tell(
        lambda: [{"network": each.name, "rates": each.rates, "share": each.best()} for each in measured],
        (
            f"{each.name}: images per second by runs at a time "
            f"{', '.join(f'{count}: {rate:.0f}' for count, rate in each.rates.items())}; {each.best()} share a GPU"
            for each in measured
        ),
    )
    return 0


def cancel(arguments: argparse.Namespace) -> int:
    """Cancels the waiting and running jobs of the selected runs; the report job stays, so that a report is written.

    A report job that can never start is cancelled with its runs. Without a selection, so are the jobs of submissions
    that were deleted or are damaged.
    """
    from repro.cluster import cancelling, scheduler
    from repro.cluster import snapshot as snapshots

    everything = not (arguments.claims or arguments.keyword)
    specs = [run.spec for run in shared.planned(arguments).runs]
    chosen = cancelling.choose(specs, snapshots.read(shared.store(arguments)), scheduler.jobs(), everything)
    if chosen.ids:
        chosen.remember()
        scheduler.cancel(chosen.ids)
    more = f"; {counted(chosen.beside, 'other run')} shared their jobs" if chosen.beside else ""
    lost = f"; {counted(chosen.orphans, 'job')} of lost submissions" if chosen.orphans else ""
    reports = f"; report job {', '.join(chosen.reports)}, which could never start" if chosen.reports else ""
    ids = f" ({', '.join(chosen.ids)})" if chosen.ids else ""
    arguments.tell(
        lambda: {"jobs": list(chosen.ids), "runs": chosen.runs, "other_runs": chosen.beside},
        [
            f"{counted(chosen.jobs, 'job')} cancelled with {counted(chosen.runs, 'run')}{more}{lost}{reports}{ids}. "
            "Checkpoints are kept: repro submit resumes the runs."
        ],
    )
    return 0
