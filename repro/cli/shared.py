"""Steps of several subcommands: collect the selected checks, plan them, open the store, catch a mistyped one."""

import argparse
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from repro.errors import ClaimError, StoreError
from repro.planning import quantities

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.executing.execute import Listener, Tally
    from repro.executing.signals import Stop
    from repro.executing.trainable_here import LeftOut
    from repro.planning.plan import Plan
    from repro.planning.price import Purchase
    from repro.runs.store import Store

OPTIONS = {  # those that select checks and the store, and their defaults
    "keyword": ("-k", ""),
    "scale": ("--scale", "smoke"),
    "data": ("--data", None),
    "results": ("--results", "results"),
    "data_dir": ("--data-dir", "data"),
}


def collect(arguments: argparse.Namespace) -> "Session":
    """The checks that ids or paths, -k, --scale and --data select.

    Raises:
        ClaimError: nothing is selected, or both by id and with -k.
    """
    from repro.collecting.collect import collect as found
    from repro.recipes import check_scale

    check_scale(arguments.scale)
    paths, ids = chosen(arguments)
    return found(scale=arguments.scale, paths=paths, ids=ids, keyword=arguments.keyword, copy=arguments.data)


def to_train(arguments: argparse.Namespace) -> "Session":
    """``collect`` for a command after which runs are trained: a check that would fail on any runs is refused.

    Raises:
        ClaimError: there is one, or as ``collect``.
    """
    from repro.judging.imagined import refuse_misspelt

    session = collect(arguments)
    refuse_misspelt(session.selected)
    return session


def chosen(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """``split`` of what a command names.

    Raises:
        ClaimError: it names ids, and has -k.
    """
    paths, ids = split(arguments.claims)
    if ids and arguments.keyword:
        raise ClaimError(f"{ids[0]!r} is an id, and -k selects by words: name ids, or use -k, not both.")
    return paths, ids


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """Paths, and ids of claims or checks: whatever is not there and does not look like a path."""
    paths = [
        word
        for word in words
        if not word.strip() or "/" in word or ".py" in word or "::" in word or os.path.exists(word)  # noqa: PTH110 (long)
    ]
    return paths, [word for word in words if word not in paths]


def keyword(arguments: argparse.Namespace) -> str:
    """The ids and the -k of a command as one expression for -k."""
    return " or ".join(split(arguments.claims)[1]) or str(arguments.keyword)


def store(arguments: argparse.Namespace) -> "Store":
    """The store that --results names."""
    from repro.runs.store import Store

    return Store(arguments.results)


def requested_seeds(arguments: argparse.Namespace, session: "Session") -> Mapping[str, int]:
    """Number of seeds that each inconclusive check requests."""
    if not arguments.results.exists():  # no verdict, which saves a look for each run
        return {}
    from repro.judging.judge import requested_seeds as requested

    return requested(session.selected, store(arguments), list(session.checks.values()))


def planned(arguments: argparse.Namespace, session: "Session | None" = None) -> "Plan":
    """The plan of the selected checks against the store, with costs on the device that --device or --on names."""
    from repro.planning.device import ASSUMED
    from repro.planning.plan import plan
    from repro.provenance import detect_device

    session = session or collect(arguments)
    wanted, device = getattr(arguments, "device", "auto"), ASSUMED.get(getattr(arguments, "on", None) or "")
    return plan(
        session.selected,
        store(arguments),
        device_type=device.kind if device else detect_device() if wanted == "auto" else wanted.partition(":")[0],
        device=device,
        requested=requested_seeds(arguments, session),
    )


def bought(arguments: argparse.Namespace, session: "Session") -> "Session":
    """A session of the claims alone whose verdicts --within buys, as the plan is now; the same one without --within.

    Raises:
        ClaimError: it buys none.
    """
    from repro.planning.price import within

    if getattr(arguments, "within", None) is None:
        return session
    return only(session, within(planned(arguments, session), arguments.within))


def only(session: "Session", purchase: "Purchase", *, refuse: bool = True) -> "Session":
    """A session of the claims alone that were bought, and of those with nothing left to buy.

    Raises:
        ClaimError: the cheapest verdict is too dear, unless that is to be told otherwise.
    """
    if refuse and purchase.too_dear and not purchase.bought:
        raise ClaimError(f"{quantities.text(purchase.seconds)} buys no verdict; see repro plan --within.")
    return replace(session, selected=[one for one in session.selected if one.claim.id in purchase.claims])


def wanted_seeds(arguments: argparse.Namespace, session: "Session") -> "Callable[[], Mapping[str, int]]":
    """Number of seeds that each inconclusive check requests, when asked; with --within, those that were bought."""
    if getattr(arguments, "within", None) is None:
        return lambda: requested_seeds(arguments, session)
    first = requested_seeds(arguments, session)
    return lambda: first


def train(
    arguments: argparse.Namespace,
    session: "Session",
    *,
    seeds: "Callable[[], Mapping[str, int]]",
    budget: float | None,
    listener: "Listener",
    stop: "Stop | None" = None,
) -> "Tally":
    """Trains the missing runs of the selected checks with a command's options; ``seeds`` are ``wanted_seeds``."""
    from repro.executing.execute import run_all

    return run_all(
        session.selected,
        store(arguments),
        data_dir=arguments.data_dir,
        requested_seeds=seeds,
        collected=session.checks.values(),
        device=arguments.device,
        workers=arguments.workers,
        budget=budget,
        named=split(arguments.claims)[1],
        strict=arguments.strict,
        listener=listener,
        stop=stop,
    )


def require_store(arguments: argparse.Namespace) -> None:
    """Refuses a --results that is not a folder: a mistyped one would look like an empty store.

    Raises:
        StoreError: it is not a folder.
    """
    if not arguments.results.is_dir():
        raise StoreError(
            f"{arguments.results} is not a store of runs: there is no such folder. Name it with --results, or train "
            "into it first: repro run."
        )


def options(arguments: argparse.Namespace, *names: str) -> list[str]:
    """Those of the named options of a command that are not at their defaults, as words of another command."""
    given = ((*OPTIONS[name], getattr(arguments, name)) for name in names)
    return [word for option, default, value in given if str(value) != str(default) for word in (option, str(value))]


def refuse_idle(arguments: argparse.Namespace, option: str, needed: str) -> None:
    """Ends the command if it has an option, other than by default, which is read only with what is ``needed``."""
    name = option.removeprefix("--").replace("-", "_")
    if getattr(arguments, name) != arguments.parser.get_default(name):
        arguments.parser.error(f"{option} changes nothing without {needed}; add that, or leave {option} out")


def next_step(arguments: argparse.Namespace, command: str) -> str:
    """The line with the next command, and the options that select the same checks and store."""
    words = ["repro", command, *arguments.claims, *options(arguments, *OPTIONS)]
    if command == "run" and getattr(arguments, "within", None) is not None:
        words += ["--within", quantities.text(arguments.within)]
    return f"Next: {shlex.join(words)}"


def left_out(arguments: argparse.Namespace, made: "Plan") -> "tuple[LeftOut, ...]":
    """What of a plan this machine cannot train, and why."""
    from repro.executing import trainable_here
    from repro.executing.devices import devices

    return trainable_here.left_out(made, devices(getattr(arguments, "device", "auto")), arguments.data_dir)
