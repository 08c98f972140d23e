"""A plan in lines that fit the terminal: by claim, run by run, and in all."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repro.executing.progress import duration
from repro.provenance import detect_device

if TYPE_CHECKING:
    from repro.planning.plan import Plan, Planned


def by_claim(made: "Plan") -> Iterator[str]:
    """A line a claim: how many of its runs are missing, and what they would cost alone."""
    runs: dict[str, list[Planned]] = {check.claim.id: [] for check in made.checks}
    for run in made.runs:
        for name in dict.fromkeys(check.claim.id for check in run.checks):
            runs[name].append(run)
    width = max(map(len, runs), default=0)
    for name, own in runs.items():
        missing = [run for run in own if run.condition != "complete"]
        cost = f", {duration(sum(run.cost.seconds for run in missing))}" if missing else ""
        yield f"{name:<{width}}  {len(missing):>3} of {len(own):>3} runs missing{cost}"


def each(made: "Plan") -> Iterator[str]:
    """Every run, the most wanted first: whole lines into a file or pipe, wrapped at words on a terminal."""
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 0
    for run in made.runs:
        more = f" and {len(run.checks) - 2} more" if len(run.checks) > 2 else ""
        line = (
            f"{run.spec.key[:12]}  {duration(run.cost.seconds):>8} {run.cost.basis:<8}  {run.spec.name}: {run.why}; "
            f"for {', '.join(check.id for check in run.checks[:2])}{more}"
        )
        yield textwrap.fill(line, width, subsequent_indent=" " * 14, break_on_hyphens=False) if width > 40 else line


def total(made: "Plan") -> str:
    """The last line but one."""
    device = "GPU" if detect_device() == "cuda" else "CPU core"
    cost = f", about {duration(made.hours * 3600)} of one {device}" if made.missing else ""
    return f"{len(made.checks)} checks need {len(made.runs)} runs; {len(made.missing)} are missing{cost}."


def as_json(made: "Plan") -> dict[str, Any]:
    """Everything there is to say of a plan."""
    runs = [
        {
            "key": run.spec.key,
            "name": run.spec.name,
            "condition": run.condition,
            "why": run.why,
            "seconds": run.cost.seconds,
            "basis": run.cost.basis,
            "checks": [check.id for check in run.checks],
        }
        for run in made.runs
    ]
    return {"runs": runs, "missing": len(made.missing), "device_hours": made.hours}
