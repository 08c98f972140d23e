"""``repro run --background``: starts, shows and stops the background trainer, and is that trainer."""

import argparse
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

from repro.cli import shared
from repro.cli.output import show
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.executing.execute import Tally


def start(arguments: argparse.Namespace, session: "Session") -> int:
    """Starts the trainer, unless there is nothing to train."""
    from repro.executing import background, trainable_here
    from repro.executing.background_state import TrainerFiles
    from repro.executing.devices import refuse_absent
    from repro.planning.quantities import duration

    refuse_absent(arguments.device)
    plan = shared.planned(arguments, session)
    left = shared.left_out(arguments, plan)
    trainable_here.refuse(plan, left, named=shared.split(arguments.claims)[1], strict=arguments.strict)
    plan = trainable_here.without(plan, left)
    if not plan.missing and not arguments.measure:
        complete = counted(len(plan.runs), "run is", "runs are")
        all_there = f"nothing to train: {complete} complete. {shared.next_step(arguments, 'judge')}"
        arguments.tell(lambda: {"process": None, "missing": 0}, [*(one.line for one in left), all_there])
        return 3 if left else 0
    files = TrainerFiles(shared.store(arguments))
    words = [word for word in arguments.words if word not in ("--json", "--")]  # behind "--" no option is one
    pid = background.start(files, [sys.executable, "-m", "repro.cli", *words, "--detached"])
    look = shlex.join(["repro", "run", "--background", "--status", *shared.options(arguments, "results")])
    arguments.tell(
        lambda: {"process": pid, "missing": len(plan.missing), "log": str(files.log)},
        [
            *(one.line for one in left),
            f"{len(plan.missing)} of {len(plan.runs)} runs to train in the background (process {pid}), about "
            f"{duration(plan.hours * 3600)} on one device; log {files.log}",
            f"Next: {look}, or --stop instead of --status",
        ],
    )
    return 0


def look(arguments: argparse.Namespace) -> int:
    """Prints what the trainer is doing, after stopping it with --stop; exit 3 while runs are missing."""
    from repro.executing import background
    from repro.executing.background_state import TrainerFiles, line

    files = TrainerFiles(shared.store(arguments))
    if arguments.stop and files.pid() is not None:
        show("stopping: runs under way are checkpointed")
        background.stop(files, lambda: time.sleep(0.2))
    found = state(arguments)
    arguments.tell(lambda: found, [line(files)])
    return 0 if found and "runs" in found and found["complete"] == found["runs"] else 3


def lines(arguments: argparse.Namespace) -> list[str]:
    """What the trainer is doing, if there has ever been one."""
    from repro.executing.background_state import TrainerFiles, line

    files = TrainerFiles(shared.store(arguments))
    return [f"background: {line(files)}"] if files.lock.exists() else []


def state(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """The last state that the trainer wrote, and whether it runs; None if there has never been one."""
    from repro.executing.background_state import TrainerFiles

    files = TrainerFiles(shared.store(arguments))
    found = files.read()
    return found and {**found, "running": files.pid() is not None, "log": str(files.log)}


def train(arguments: argparse.Namespace, session: "Session") -> "Tally":
    """The trainer itself: lowers its priority, trains, and waits while others need the machine."""
    from repro.executing import background
    from repro.executing.background_state import TrainerFiles
    from repro.executing.devices import devices, processes
    from repro.executing.execute import Listener, Tally
    from repro.executing.load import Meter, PausePolicy
    from repro.executing.progress import ProgressBar
    from repro.executing.signals import Stop

    background.give_way()
    workers, seeds = arguments.workers or processes(devices(arguments.device)), shared.wanted_seeds(arguments, session)
    print(time.strftime("%Y-%m-%d %H:%M:%S"), "repro", *arguments.words, flush=True)
    with ProgressBar(shared.store(arguments), workers) as progress:

        def run(stop: Stop, budget: float | None, listener: Listener) -> Tally:
            return shared.train(arguments, session, seeds=seeds, budget=budget, listener=listener, stop=stop)

        return background.train(
            TrainerFiles(shared.store(arguments)),
            run,
            probe=Meter(),
            policy=PausePolicy(pause_above=arguments.pause_above / 100, workers=workers),
            listener=progress,
            budget=arguments.budget,
        )
