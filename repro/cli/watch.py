"""``repro status --watch``: how far each claim's runs have come, again and again until all are complete."""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from repro.cli import background, shared
from repro.cli.output import worst
from repro.cluster.ledger import FOLDER
from repro.executing.progress import rows_done
from repro.planning.plan import Plan, Planned, plan
from repro.planning.quantities import counted, duration
from repro.provenance import detect_device
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session

EVERY = 2.0  # seconds between two looks
ON_A_CLUSTER = 30.0  # the same where each asks the scheduler, which serves others too
# What a condition of the store, or a state on the cluster, is to somebody who waits; all else is still to come.
GROUPS = {"complete": "done", "training": "running", "running": "running", "failed": "failed", "exhausted": "failed"}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far some runs have come."""

    name: str  # id of the claim that needs them, or "all"
    runs: int
    done: int
    running: int
    failed: int
    seconds: float  # still expected, of one device


def status(arguments: argparse.Namespace, sleep: Callable[[float], None] = time.sleep) -> int:
    """Shows progress until every run is complete, or until Ctrl-C; exit codes as of ``status``."""
    session, store = shared.collect(arguments), shared.store(arguments)
    looks, code = _looks(arguments, session, store), 3
    try:
        for code in _shown(looks, sys.stdout):
            if not code:
                break
            sleep(ON_A_CLUSTER if (arguments.results / FOLDER).exists() else EVERY)
    except KeyboardInterrupt:
        print()  # after the terminal's ^C
    return code


def progress(made: Plan, states: Mapping[str, str], store: Store) -> list[Progress]:
    """The progress of each claim of a plan, and of all; ``states`` are those of its runs, by key."""
    runs: dict[str, list[Planned]] = {check.claim.id: [] for check in made.checks}
    for run in made.runs:
        for name in dict.fromkeys(check.claim.id for check in run.checks):
            runs[name].append(run)
    left = {run.spec.key: _seconds(run, states[run.spec.key], store) for run in made.missing}
    return [_progress(name, own, states, left) for name, own in (*runs.items(), ("all", list(made.runs)))]


def _progress(name: str, runs: Sequence[Planned], states: Mapping[str, str], left: Mapping[str, float]) -> Progress:
    groups = [GROUPS.get(states[run.spec.key], "") for run in runs]
    return Progress(
        name=name,
        runs=len(runs),
        done=groups.count("done"),
        running=groups.count("running"),
        failed=groups.count("failed"),
        seconds=sum(left.get(run.spec.key, 0.0) for run in runs),
    )


def _seconds(run: Planned, state: str, store: Store) -> float:
    """What is still expected of a run; the plan itself takes off what a paused one has behind it."""
    behind = rows_done(run, store) / max(1, run.spec.rows) if GROUPS.get(state) == "running" else 0.0
    return run.cost.seconds * (1 - behind)


def lines(found: Sequence[Progress]) -> list[str]:
    """A line for each claim, and one for all."""
    width = max(len(one.name) for one in found)
    return [_line(one, width) for one in found]


def _line(one: Progress, width: int) -> str:
    words = [f"{one.done} of {counted(one.runs, 'run')} done"]
    words += [f"{count} {word}" for count, word in ((one.running, "running"), (one.failed, "failed")) if count]
    words += [f"{duration(one.seconds)} left"] if one.done < one.runs else []
    return f"{one.name:<{width}}  {', '.join(words)}"


def _looks(arguments: argparse.Namespace, session: "Session", store: Store) -> Iterator[tuple[list[str], int]]:
    """Lines and exit code of one look after another; seeds are asked for anew whenever a run has become complete."""
    device, seeds, done = detect_device(), dict[str, int](), -1
    while True:
        made = plan(session.selected, store, device_type=device, requested=seeds)
        if (now := len(made.runs) - len(made.missing)) != done:
            done, seeds = now, dict(shared.requested_seeds(arguments, session))
            made = plan(session.selected, store, device_type=device, requested=seeds)
        states = {run.spec.key: str(run.condition) for run in made.runs}
        code = 2 if any(run.condition == "failed" for run in made.runs) else 3 if made.missing else 0
        more = background.lines(arguments)
        if (arguments.results / FOLDER).exists():
            from repro.cluster.status import overview

            found = overview(made, store)
            states |= {key: str(one.state) for key, one in found.fates.items()}
            code, more = worst(found.code, code), [*more, *([found.silent] if found.silent else [])]
        yield [*more, *lines(progress(made, states, store))], code


def _shown(looks: Iterator[tuple[list[str], int]], stream: TextIO) -> Iterator[int]:
    """Shows each look, and gives its code: in the place of the last on a terminal, else the lines that changed."""
    before: list[str] = []
    for found, code in looks:
        if stream.isatty():
            now = _fitting(found)
            stream.write(f"\033[{len(before)}F\033[J" if before else "")
        else:
            now = found
        new = now if stream.isatty() else [line for line in now if line not in before]
        stream.write("".join(f"{line}\n" for line in new))
        stream.flush()
        before = now
        yield code


def _fitting(found: Sequence[str]) -> list[str]:
    """As much as the terminal has room for, of each line and of all; the last line is always shown."""
    columns, rows = shutil.get_terminal_size()
    room = max(2, rows - 2)
    if len(found) > room:
        found = [*found[: room - 2], f"… {len(found) - room + 1} more", found[-1]]
    return [line[: columns - 1] for line in found]
