"""A plan as lines that fit the terminal: by claim, by run, and in total."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repro.cli.output import counted, wrapped
from repro.executing.progress import duration
from repro.provenance import detect_device

if TYPE_CHECKING:
    from repro.claim import Check
    from repro.judging.imagine import Expectation
    from repro.planning.plan import Plan, Planned

FEW = 5  # failed runs that the summary names


def by_claim(made: "Plan") -> Iterator[str]:
    """One line per claim: how many of its runs are missing, what they cost, and what to expect of it."""
    from repro.judging.imagine import ASSUMED, LIKELY

    runs: dict[str, list[Planned]] = {check.claim.id: [] for check in made.checks}
    for run in made.runs:
        for name in dict.fromkeys(check.claim.id for check in run.checks):
            runs[name].append(run)
    likely = expected(made)
    width = max(map(len, runs), default=0)
    for name, own in runs.items():
        missing = [run for run in own if run.condition != "complete"]
        cost = f", {duration(sum(run.cost.seconds for run in missing))}" if missing else ""
        line = f"{name:<{width}}  {len(missing):>3} of {len(own):>3} runs missing{cost}"
        yield f"{line:<{width + 38}} {found.short}" if (found := likely[name]) else line
    if any(likely.values()):
        yield wrapped(
            f"Last column: the probability that the claim holds if its source is right and {ASSUMED}; where the source "
            f"gives no size, the smallest one that holds with probability {LIKELY:g}. In full: repro explain CLAIM"
        )
    failed = [run for run in made.runs if run.condition == "failed"]
    yield from (wrapped(f"{run.spec.name}: {run.why}") for run in failed[:FEW])
    if len(failed) > FEW:
        yield f"{len(failed) - FEW} more runs failed: repro plan --all"
    yield from (
        wrapped(f"{name}: {found.undecidable}") for name, found in likely.items() if found and found.undecidable
    )


def expected(made: "Plan") -> "dict[str, Expectation | None]":
    """The expectation for each claim if its source is right."""
    from repro.judging.imagine import whole

    checks: dict[str, list[Check]] = {}
    for check in made.checks:
        checks.setdefault(check.claim.id, []).append(check)
    return {name: whole(own) for name, own in checks.items()}


def each(made: "Plan") -> Iterator[str]:
    """Every run, those of the nearest verdict first: wrapped on a terminal, one line each in a file or pipe."""
    for run in made.runs:
        more = f" and {len(run.checks) - 2} more" if len(run.checks) > 2 else ""
        line = (
            f"{run.spec.key[:12]}  {duration(run.cost.seconds):>8} {run.cost.basis:<8}  {run.spec.name}: {run.why}; "
            f"for {', '.join(check.id for check in run.checks[:2])}{more}"
        )
        yield wrapped(line, indent=14)


def total(made: "Plan") -> str:
    """The second-to-last line."""
    device = "GPU" if detect_device() == "cuda" else "CPU core"
    cost = f", about {duration(made.hours * 3600)} of one {device}" if made.missing else ""
    checks, missing = len(made.checks), len(made.missing)
    need = f"{counted(checks, 'check')} {'needs' if checks == 1 else 'need'} {counted(len(made.runs), 'run')}"
    return f"{need}; {missing} {'is' if missing == 1 else 'are'} missing{cost}."


def as_json(made: "Plan") -> dict[str, Any]:
    """The whole plan as JSON values."""
    from repro.judging.verdict import to_json

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
    likely = {name: to_json(found) for name, found in expected(made).items()}
    return {"runs": runs, "missing": len(made.missing), "device_hours": made.hours, "expected": likely}
