"""The subcommand doctor: what this machine or a cluster lacks."""

import argparse
from typing import Any

from repro.cli import shared
from repro.cli.output import show


def doctor(arguments: argparse.Namespace) -> int:
    """Checks this machine, or a cluster and one of its nodes, for what the suite needs."""
    if not arguments.cluster:
        shared.refuse_idle(arguments, "--wait", "--cluster")
    found = []
    for one in _cluster(arguments) if arguments.cluster else _here(arguments):
        found.append(one)
        if not arguments.json:
            show(f"{one.state:<4} {one.what:<10} {one.message}", 16)
    arguments.tell(lambda: [vars(one) for one in found])
    return 2 if any(one.state == "FAIL" for one in found) else 0


def _here(arguments: argparse.Namespace) -> Any:
    from repro.executing.doctor import examine

    return examine(arguments.results, arguments.data_dir)


def _cluster(arguments: argparse.Namespace) -> Any:
    from repro.cli.submit import order
    from repro.cluster import doctor, profile

    one = profile.load(arguments.cluster)
    return doctor.examine(one, order(arguments, one), arguments.wait)
