"""What several subcommands do: collect the selected checks, plan them, open the store, print JSON."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.planning.plan import Plan
    from repro.runs.store import Store


def collect(arguments: argparse.Namespace) -> "Session":
    """The checks that paths, -k, --scale and --data select."""
    from repro.collecting.collect import collect as found
    from repro.recipes import check_scale

    check_scale(arguments.scale)
    return found(scale=arguments.scale, paths=arguments.paths, keyword=arguments.keyword, copy=arguments.data)


def store(arguments: argparse.Namespace) -> "Store":
    """The store that --results names."""
    from repro.runs.store import Store

    return Store(arguments.results)


def planned(arguments: argparse.Namespace, session: "Session | None" = None) -> "Plan":
    """The plan of the selected checks against the store."""
    from repro.judging.judge import requested_seeds
    from repro.planning.plan import plan
    from repro.provenance import detect_device

    session, runs = session or collect(arguments), store(arguments)
    wanted = requested_seeds(session.selected, runs, list(session.checks.values()))
    return plan(session.selected, runs, device_type=detect_device(), requested=wanted)


def print_json(value: Any) -> None:
    """Prints one JSON document."""
    print(json.dumps(value, indent=1, ensure_ascii=False))
