"""``repro run --background``: starts, shows and stops the background trainer, and is that trainer."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from repro.cli import shared

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.executing.execute import Tally


def start(arguments: argparse.Namespace, session: "Session") -> int:
    """Starts the trainer, unless there is nothing to train."""
    from repro.executing import background
    from repro.executing.execute import check_data
    from repro.executing.progress import duration
    from repro.executing.trainer import TrainerFiles

    plan = shared.planned(arguments, session)
    if not plan.missing:
        print(f"nothing to train: all {len(plan.runs)} runs are complete. Next: repro judge")
        return 0
    check_data(plan.missing, arguments.data_dir)
    files = TrainerFiles(shared.store(arguments))
    pid = background.start(files, [sys.executable, "-m", "repro.cli", *arguments.words, "--detached"])
    print(
        f"{len(plan.missing)} of {len(plan.runs)} runs to train in the background (process {pid}), about "
        f"{duration(plan.hours * 3600)} of one device; log {files.log}\n"
        "Next: repro run --background --status, or --stop instead of --status"
    )
    return 0


def look(arguments: argparse.Namespace) -> int:
    """Prints what the trainer is doing, after stopping it with --stop; exit 3 while runs are missing."""
    from repro.executing import background
    from repro.executing.trainer import TrainerFiles, line

    files = TrainerFiles(shared.store(arguments))
    if arguments.stop and files.pid() is not None:
        print("stopping: runs under way are checkpointed", flush=True)
        background.stop(files, lambda: time.sleep(0.2))
    print(line(files))
    state = files.read() or {}
    return 0 if "runs" in state and state["complete"] == state["runs"] else 3


def show(arguments: argparse.Namespace) -> None:
    """Prints what the trainer is doing, if there has ever been one."""
    from repro.executing.trainer import TrainerFiles, line

    files = TrainerFiles(shared.store(arguments))
    if files.lock.exists():
        print(f"background: {line(files)}")


def train(arguments: argparse.Namespace, session: "Session") -> "Tally":
    """The trainer itself: lowers its priority, trains, and waits while others need the machine."""
    from repro.executing import background
    from repro.executing.devices import devices, processes
    from repro.executing.execute import Listener, Tally, run_all
    from repro.executing.load import Meter, PausePolicy
    from repro.executing.pool import Stop
    from repro.executing.progress import ProgressBar
    from repro.executing.trainer import TrainerFiles

    background.give_way()
    workers = arguments.workers or processes(devices(arguments.device))
    print(time.strftime("%Y-%m-%d %H:%M:%S"), "repro", *arguments.words, flush=True)
    with ProgressBar(shared.store(arguments), workers) as progress:

        def run(stop: Stop, budget: float | None, listener: Listener) -> Tally:
            return run_all(
                session.selected,
                shared.store(arguments),
                data_dir=arguments.data_dir,
                requested_seeds=lambda: shared.requested_seeds(arguments, session),
                device=arguments.device,
                workers=workers,
                budget=budget,
                listener=listener,
                stop=stop,
            )

        return background.train(
            TrainerFiles(shared.store(arguments)),
            run,
            probe=Meter(),
            policy=PausePolicy(pause_above=arguments.pause_above / 100, workers=workers),
            listener=progress,
            budget=arguments.budget,
        )
