"""A progress bar on a terminal, or one line per run in a log."""

import sys
from types import TracebackType
from typing import Any, TextIO

from repro.executing.execute import Tally
from repro.executing.pool import Done
from repro.planning.plan import Plan


class ProgressBar:
    """Called by ``execute.run_all`` when a plan is made and whenever a run ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream  # None: stdout
        self._bar: Any = None
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
            expected = sum(run.cost.seconds for run in plan.missing)
            self._total = len(tally.done.keys() | {run.spec.key for run in plan.missing})
            if plan.missing:
                self._print(
                    f"{len(plan.missing)} of {len(plan.runs)} runs to train, about {duration(expected)} of one device"
                )
            if sys.stderr.isatty():
                from tqdm import tqdm

                self.__exit__(None, None, None)
                self._bar = tqdm(
                    total=round(expected), unit="s", bar_format="{l_bar}{bar}| {n:.0f}/{total:.0f} s {postfix}"
                )
            return
        ended = len(tally.done)
        line = f"[{ended}/{self._total}] {done.status} {done.spec.name}, {duration(done.seconds)}"
        line += f": {done.error}" if done.error else ""
        if self._bar is None:
            self._print(line)
        else:
            self._bar.update(sum(run.cost.seconds for run in plan.runs if run.spec == done.spec))
            self._bar.set_postfix_str(f"{ended}/{self._total} runs, {done.spec.name}")
            if done.error:
                self._bar.write(line)

    def _print(self, line: str) -> None:
        print(line, file=self._stream or sys.stdout, flush=True)


def duration(seconds: float) -> str:
    """A duration in a readable unit."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
