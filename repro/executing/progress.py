"""A progress bar over the epochs of all runs on a terminal, or one line per run in a log."""

import re
import shutil
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TextIO

from repro.executing.execute import Tally
from repro.executing.worker import Done
from repro.planning.plan import Plan, Planned
from repro.planning.quantities import counted, duration
from repro.runs.store import HISTORY, Store

REFRESH = 0.5  # seconds between two looks at the runs under way
BAR = 17  # columns of percentage and bar, and one that stays empty
SOON = 10.0  # seconds of training after which the time left is taken from them, and no longer from the plan


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How far the runs of a plan have come."""

    seconds: float  # of the expected seconds of one device, behind us
    epochs: int  # finished ones
    current: tuple[str, ...]  # the runs under way, each with its finished epochs


def begun_before(plan: Plan, store: Store) -> dict[str, int]:
    """The rows that paused runs of a plan have when it is made, by key: their costs are of what is left."""
    return {run.spec.key: rows_done(run, store) for run in plan.missing if run.condition == "paused"}


def reached(plan: Plan, ended: Collection[str], store: Store, workers: int, before: Mapping[str, int]) -> Reached:
    """How far a plan has come: its ended runs, by key, and of those under way the rows of their histories.

    ``before`` is as ``begun_before`` found it.
    """
    missing = plan.missing
    done = [run for run in missing if run.spec.key in ended]
    current = [run for run in missing if run.spec.key not in ended][:workers]  # the pool trains them in this order
    epochs = [rows_done(run, store) for run in current]
    behind = 0.0
    for run, count in zip(current, epochs, strict=True):
        first = before.get(run.spec.key, 0)
        behind += run.cost.seconds * max(0, count - first) / max(1, run.spec.rows - first)
    return Reached(
        seconds=sum(run.cost.seconds for run in done) + behind,
        epochs=sum(run.spec.rows for run in done) + sum(epochs),
        current=tuple(f"{_short(run)} {count}/{run.spec.rows}" for run, count in zip(current, epochs, strict=True)),
    )


def _short(run: Planned) -> str:
    return re.sub(r" \d+ (epochs|steps)\b", "", run.spec.name.partition(" (")[0])


def rows_done(run: Planned, store: Store) -> int:
    """The rows of a run's history, at most those that it is to have; 0 before it has one."""
    try:
        return min(run.spec.rows, (store.folder(run.spec) / HISTORY).read_bytes().count(b"\n"))
    except OSError:
        return 0


class ProgressBar:
    """Called by ``execute.run_all`` when a plan is made and whenever a run ends."""

    def __init__(self, store: Store, workers: int, stream: TextIO | None = None) -> None:
        self._store, self._workers = store, workers
        self._stream = stream  # None: stdout
        self._bar: _Bar | None = None
        self._told: set[str] = set()  # of what is left out
        self._total = 0  # runs of this call, earlier plans included: more seeds may be requested after a plan

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, plan: Plan, tally: Tally, done: Done | None) -> None:
        """Shows one step."""
        if done is None:
            self._begin(plan, tally)
            return
        ended = len(tally.done)
        line = f"[{ended}/{self._total}] {done.status} {done.spec.name}, {duration(done.seconds)}"
        line += f": {done.error}" if done.error else ""
        if self._bar is None:
            self._print(line)
        elif done.error:
            self._bar.write(line)

    def _begin(self, plan: Plan, tally: Tally) -> None:
        for one in tally.left_out:
            if one.line not in self._told:  # seeds may be requested after a plan
                self._told.add(one.line)
                self._print(one.line)
        expected = sum(run.cost.seconds for run in plan.missing)
        self._total = len(tally.done.keys() | {run.spec.key for run in plan.missing})
        if plan.missing:
            self._print(
                f"{len(plan.missing)} of {len(plan.runs)} runs to train with {counted(self._workers, 'worker')}, about "
                f"{duration(expected / self._workers)}"
            )
        self.__exit__(None, None, None)
        self._bar = None
        if sys.stderr.isatty():
            self._bar = _Bar(plan, tally, self._store, self._workers)

    def _print(self, line: str) -> None:
        print(line, file=self._stream or sys.stdout, flush=True)


class _Bar:
    """The bar, drawn from a thread of its own: training is in other processes, and their parent waits for them."""

    def __init__(self, plan: Plan, tally: Tally, store: Store, workers: int) -> None:
        from tqdm import tqdm

        self._plan, self._tally, self._store, self._workers = plan, tally, store, workers
        self._before = begun_before(plan, store)
        self._expected = max(1e-9, sum(run.cost.seconds for run in plan.missing))
        self._epochs = sum(run.spec.rows for run in plan.missing)
        units = {run.spec.row_name for run in plan.missing}
        self._unit = f"{units.pop() if len(units) == 1 else 'evaluation'}s"  # there is one after every epoch, too
        self._began = time.monotonic()
        size = shutil.get_terminal_size()
        self._width = size.columns - BAR
        shape = "{percentage:3.0f}% {bar:10} {desc}"
        self._bar: Any = tqdm(total=1.0, bar_format=shape, ncols=size.columns, nrows=size.lines)
        self._over = threading.Event()
        self._draw()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Prints a line above the bar."""
        self._bar.write(line)

    def close(self) -> None:
        """Draws the bar for the last time."""
        self._over.set()
        self._thread.join()
        self._bar.close()

    def _run(self) -> None:
        while not self._over.wait(REFRESH):
            self._draw()
        self._draw()

    def _draw(self) -> None:
        ended = {key for key, done in [*self._tally.done.items()] if done.status != "paused"}
        found = reached(self._plan, ended, self._store, self._workers, self._before)
        self._bar.n = min(1.0, found.seconds / self._expected)
        left = _left(found.seconds, self._expected, time.monotonic() - self._began, self._workers)
        runs = f"{len(ended)}/{len(self._plan.missing)} runs, {found.epochs}/{self._epochs} {self._unit}"
        words = [runs, *([f"{duration(left)} left"] if found.current else []), *found.current]
        self._bar.set_description_str(_fitting(words, self._width), refresh=False)
        self._bar.refresh()


def _fitting(words: Sequence[str], width: int) -> str:
    """As many of some words, from the first, as fit a width."""
    text = words[0]
    for word in words[1:]:
        if len(text) + 2 + len(word) > width:
            break
        text += f", {word}"
    return text


def _left(behind: float, expected: float, elapsed: float, workers: int) -> float:
    """Seconds left: by the pace so far once there is one, before that by the plan."""
    if elapsed < SOON or behind <= 0.01 * expected:
        return max(0.0, expected - behind) / workers
    return elapsed * max(0.0, expected - behind) / behind
