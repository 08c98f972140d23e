"""State of the background trainer: its files, what they hold, and one line that sums them up."""

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
from repro.executing.execute import Listener, Tally
from repro.executing.load import PausePolicy
from repro.executing.worker import Done
from repro.planning.plan import Plan
from repro.planning.quantities import duration
from repro.runs.canonical import parse
from repro.runs.files import make_folder, read_plain, write
from repro.runs.store import Store

WRITTEN = {"pid", "deadline", "doing", "why"}  # always in a state


@dataclass(frozen=True)
class TrainerFiles:
    """The files of this machine's trainer, beside the runs of a store that several machines may share."""

    store: Store

    @property
    def folder(self) -> Path:
        """One folder per machine: a process id means nothing on another."""
        return self.store.root / ".background" / socket.gethostname()

    @property
    def log(self) -> Path:
        """What the trainer printed."""
        return self.folder / "log"

    @property
    def lock(self) -> Path:
        """Locked while a trainer runs, with its process id in it."""
        return self.folder / "lock"

    def write(self, state: dict[str, Any]) -> None:
        """Replaces the trainer's state."""
        make_folder(self.folder)
        write(self.folder / "state.json", json.dumps(state, indent=1).encode())

    def read(self) -> dict[str, Any] | None:
        """The last state that a trainer wrote; None if there has never been one."""
        try:
            found = parse(read_plain(self.folder / "state.json"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.keys() >= WRITTEN else None

    def pid(self) -> int | None:
        """The process id of the running trainer; None if there is none."""
        try:
            file = self.lock.open("r")
        except OSError:
            return None
        with file:
            for _ in range(100):  # its pid follows at once; a starter that was killed before left none
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.seek(0)
                    if text := file.read().strip():
                        return int(text)
                    time.sleep(0.05)  # it has just been started
                except OSError:  # no locks here, with which none could have been started
                    return None
                else:
                    return None
        state = self.read()
        return state["pid"] if state and state["doing"] != "ended" and isinstance(state["pid"], int) else None


class StateWriter:
    """An ``execute.Listener`` that writes the state: what is done, what is left, why training waits."""

    def __init__(self, files: TrainerFiles, policy: PausePolicy, listener: Listener, deadline: float | None) -> None:
        self._files, self._policy, self._listener = files, policy, listener
        self._plan: Plan | None = None
        self._tally = Tally()
        self._begun: dict[str, float] = {}  # share of each missing run that was done when it was planned
        self._fixed = {"pid": os.getpid(), "began": time.time(), "deadline": deadline, "workers": policy.workers}

    def __call__(self, plan: Plan, tally: Tally, done: Done | None) -> None:
        """Records one step and passes it on."""
        if done is None:
            self._begun = {run.spec.key: self._files.store.progress(run.spec) for run in plan.missing}
        self._plan, self._tally = plan, tally
        self._listener(plan, tally, done)

    def write(self, doing: str, why: str = "") -> None:
        """Writes the state."""
        state: dict[str, Any] = {**self._fixed, "doing": doing, "why": why or self._policy.reason, "at": time.time()}
        if self._plan is not None:
            ended = self._tally.done
            left = [run for run in self._plan.missing if run.spec.key not in ended]
            shares = [self._files.store.progress(run.spec) for run in left]
            seconds = [
                run.cost.seconds * (1 - share) / max(1 - self._begun.get(run.spec.key, 0.0), 1e-9)
                for run, share in zip(left, shares, strict=True)
            ]
            state |= {
                "runs": len(self._plan.runs),
                "complete": len(self._plan.runs) - len(self._plan.missing) + self._tally.count("complete"),
                "failed": self._tally.count("failed") + self._tally.count("crashed"),
                "begun": sum(0 < share < 1 for share in shares),
                "seconds_left": sum(seconds) / self._policy.workers,
            }
        self._files.write(state)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Writes how the trainer ended."""
        self.write("starting")
        try:
            yield
        except BaseException as error:
            with contextlib.suppress(ReproError):
                self.write("ended", str(error) or type(error).__name__)
            raise
        self.write("ended")


def line(files: TrainerFiles) -> str:
    """What this machine's trainer is doing, in one line."""
    state, pid = files.read(), files.pid()
    if state is None and pid is None:
        return "no trainer runs in the background here; start one with: repro run --background"
    if state is None or (pid is not None and state["pid"] != pid):
        return f"starting (process {pid}); log {files.log}"
    doing, why = state["doing"], f" ({state['why']})" if state["why"] else ""
    if pid is None and doing != "ended":
        doing, why = "killed", " (restart it to resume from its checkpoints)"
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
    return f"{', '.join(parts)}; log {files.log}"
