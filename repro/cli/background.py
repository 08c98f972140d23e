"""``repro run --background``: starts, shows and stops the trainer that gives way, and is that trainer."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from repro.cli import shared

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.executing.execute import Outcome


def start(arguments: argparse.Namespace, session: "Session") -> int:
    """Starts the trainer, unless there is nothing to train."""
    from repro.executing import background
    from repro.executing.execute import check_data
    from repro.executing.post import Post
    from repro.executing.progress import duration

    plan = shared.planned(arguments, session)
    if not plan.missing:
        print(f"nothing to train: all {len(plan.runs)} runs are complete. Next: repro judge")
        return 0
    check_data(plan.missing, arguments.data_dir)
    post = Post(shared.store(arguments))
    pid = background.start(post, [sys.executable, "-m", "repro.cli", *arguments.words, "--detached"])
    print(
        f"{len(plan.missing)} of {len(plan.runs)} runs to train in the background (process {pid}), about "
        f"{duration(plan.hours * 3600)} of one device; log {post.log}\n"
        "Next: repro run --background --status, or --stop in place of --status"
    )
    return 0


def look(arguments: argparse.Namespace) -> int:
    """Says what the trainer does, having stopped it if asked to; exit 3 while runs are missing."""
    from repro.executing import background
    from repro.executing.post import Post, line

    post = Post(shared.store(arguments))
    if arguments.stop and post.pid() is not None:
        print("stopping: runs under way are checkpointed", flush=True)
        background.stop(post, lambda: time.sleep(0.2))
    print(line(post))
    state = post.read() or {}
    return 0 if "runs" in state and state["complete"] == state["runs"] else 3


def tell(arguments: argparse.Namespace) -> None:
    """Says what the trainer does, where there ever was one."""
    from repro.executing.post import Post, line

    post = Post(shared.store(arguments))
    if post.lock.exists():
        print(f"background: {line(post)}")


def train(arguments: argparse.Namespace, session: "Session") -> "Outcome":
    """Is the trainer: lowers its own priority, trains, and waits while others need the machine."""
    from repro.executing import background
    from repro.executing.devices import devices, processes
    from repro.executing.execute import Outcome, run_all
    from repro.executing.execute import Progress as Told
    from repro.executing.load import Courtesy, Meter
    from repro.executing.pool import Stop
    from repro.executing.post import Post
    from repro.executing.progress import Progress

    background.give_way()
    workers = arguments.workers or processes(devices(arguments.device))
    print(time.strftime("%Y-%m-%d %H:%M:%S"), "repro", *arguments.words, flush=True)
    with Progress() as progress:

        def run(stop: Stop, budget: float | None, tell: Told) -> Outcome:
            return run_all(
                session.selected,
                shared.store(arguments),
                data_dir=arguments.data_dir,
                requested_seeds=lambda: shared.requested_seeds(arguments, session),
                device=arguments.device,
                workers=workers,
                budget=budget,
                progress=tell,
                stop=stop,
            )

        return background.train(
            Post(shared.store(arguments)),
            run,
            look=Meter(),
            courtesy=Courtesy(pause_above=arguments.pause_above / 100, workers=workers),
            progress=progress,
            budget=arguments.budget,
        )
