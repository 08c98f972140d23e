"""Word of the trainer in the background: where it lies, what it says, and how to read it."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import ReproError
from repro.executing.execute import Outcome, Progress
from repro.executing.load import Courtesy
from repro.executing.pool import Done
from repro.executing.progress import duration
from repro.planning.plan import Plan
from repro.runs.files import explain_write_errors, write
from repro.runs.store import Store


@dataclass(frozen=True)
class Post:
    """Where the trainer of this machine leaves word, beside the runs of a store that machines may share."""

    store: Store

    @property
    def folder(self) -> Path:
        """One a machine: a process id means nothing on another."""
        return self.store.root / ".background" / socket.gethostname()

    @property
    def log(self) -> Path:
        """What the trainer printed."""
        return self.folder / "log"

    @property
    def lock(self) -> Path:
        """Locked while a trainer lives, with its process id in it."""
        return self.folder / "lock"

    def write(self, state: dict[str, Any]) -> None:
        """Replaces what is known of the trainer."""
        with explain_write_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        write(self.folder / "state.json", json.dumps(state, indent=1).encode())

    def read(self) -> dict[str, Any] | None:
        """What a trainer last said of itself; None where there never was one."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def pid(self) -> int | None:
        """The process id of the living trainer."""
        try:
            file = self.lock.open("r")
        except OSError:
            return None
        with file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    file.seek(0)
                    if text := file.read():
                        return int(text)
                    time.sleep(0.05)  # it has just been started
                else:
                    return None


class Teller:
    """Hears of every step, as ``execute.Progress``, and keeps the state: what is done, what is left, why it waits."""

    def __init__(self, post: Post, courtesy: Courtesy, progress: Progress, deadline: float | None) -> None:
        self._post, self._courtesy, self._progress = post, courtesy, progress
        self._plan: Plan | None = None
        self._outcome = Outcome()
        self._begun: dict[str, float] = {}  # share of each missing run that was there when it was planned
        self._fixed = {"pid": os.getpid(), "began": time.time(), "deadline": deadline, "workers": courtesy.workers}

    def __call__(self, plan: Plan, outcome: Outcome, done: Done | None) -> None:
        """Takes one step in."""
        if done is None:
            self._begun = {run.spec.key: self._post.store.progress(run.spec) for run in plan.missing}
        self._plan, self._outcome = plan, outcome
        self._progress(plan, outcome, done)

    def tell(self, doing: str, why: str = "") -> None:
        """Writes the state."""
        state: dict[str, Any] = {**self._fixed, "doing": doing, "why": why or self._courtesy.reason, "at": time.time()}
        if self._plan is not None:
            ended = self._outcome.done
            left = [run for run in self._plan.missing if run.spec.key not in ended]
            shares = [self._post.store.progress(run.spec) for run in left]
            seconds = [
                run.cost.seconds * (1 - share) / max(1 - self._begun.get(run.spec.key, 0.0), 1e-9)
                for run, share in zip(left, shares, strict=True)
            ]
            state |= {
                "runs": len(self._plan.runs),
                "complete": len(self._plan.runs) - len(self._plan.missing) + self._outcome.count("complete"),
                "failed": self._outcome.count("failed") + self._outcome.count("crashed"),
                "begun": sum(0 < share < 1 for share in shares),
                "seconds_left": sum(seconds) / self._courtesy.workers,
            }
        self._post.write(state)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Leaves word of how it ended."""
        self.tell("starting")
        try:
            yield
        except BaseException as error:
            with contextlib.suppress(ReproError):
                self.tell("ended", str(error) or type(error).__name__)
            raise
        self.tell("ended")


def line(post: Post) -> str:
    """What this machine's trainer does, in one line."""
    state, pid = post.read(), post.pid()
    if state is None and pid is None:
        return "no trainer runs in the background here; start one with: repro run --background"
    if state is None or (pid is not None and state["pid"] != pid):
        return f"starting (process {pid}); log {post.log}"
    doing, why = state["doing"], f" ({state['why']})" if state["why"] else ""
    if pid is None and doing != "ended":
        doing, why = "killed", " (it goes on from its checkpoints when it is started again)"
    parts = [f"{doing}{why}"]
    if "runs" in state:
        parts.append(f"{state['complete']} of {state['runs']} runs complete")
        if state["begun"]:
            parts.append(f"{state['begun']} begun")
        if state["failed"]:
            parts.append(f"{state['failed']} failed")
        if state["complete"] + state["failed"] < state["runs"]:
            parts.append(f"about {duration(state['seconds_left'])} left")
    if pid is not None and state["deadline"] is not None:
        parts.append(time.strftime("until %H:%M", time.localtime(state["deadline"])))
    return f"{', '.join(parts)}; log {post.log}"
