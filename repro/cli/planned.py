"""A plan as lines that fit the terminal: by claim, by run, and in total."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repro.cli.output import wrapped
from repro.planning.cost import BASES
from repro.planning.quantities import counted, duration

if TYPE_CHECKING:
    from repro.check import Check
    from repro.judging.expectation import Expectation
    from repro.planning.plan import Plan
    from repro.planning.price import Purchase

FEW = 5  # failed runs that the summary names
LONG = 100.0  # hours on one core from which on those of a GPU are told as well


def by_claim(made: "Plan") -> Iterator[str]:
    """One line per claim: how many of its runs are missing, what they cost, and what to expect of it."""
    from repro.judging.expectation import ASSUMED, LIKELY
    from repro.planning.price import prices

    likely, found = expected(made), prices(made)
    width = max(map(len, [*found, "claim"]))
    yield f"{'claim':<{width}}     missing     alone    on top   holds"
    for claim, price in found.items():
        one = likely[claim]
        alone = duration(price.alone) if price.missing else ""
        on_top = "" if not price.missing else duration(price.on_top) if price.on_top else "shared"
        line = f"{claim:<{width}}  {price.missing:>4} of {price.runs:>3}  {alone:>8}  {on_top:>8}"
        yield f"{line}   {one.short if one else ''}".rstrip()
    yield wrapped(
        "alone: time for the missing runs of a claim; on top: for those of them that no other claim here needs"
    )
    if any(likely.values()):
        yield wrapped(
            f"holds: the probability that the claim holds if its source is right and {ASSUMED}; where the source "
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
    from repro.judging.expectation import whole

    checks: dict[str, list[Check]] = {}
    for check in made.checks:
        checks.setdefault(check.claim.id, []).append(check)
    return {name: whole(own) for name, own in checks.items()}


def each(made: "Plan") -> Iterator[str]:
    """Every run, those of the nearest verdict first: wrapped on a terminal, one line each in a file or pipe."""
    for run in made.runs:
        more = f" and {len(run.checks) - 2} more" if len(run.checks) > 2 else ""
        line = (
            f"{run.spec.key[:12]}  {duration(run.cost.seconds):>8} {run.cost.basis:<9}  {run.spec.name}: {run.why}; "
            f"for {', '.join(check.id for check in run.checks[:2])}{more}"
        )
        yield wrapped(line, indent=14)


def bought(found: "Purchase", made: "Plan") -> Iterator[str]:
    """The verdicts that some hours buy, cheapest first, and the first one that they do not."""
    width = max((len(one.claim) for one in found.bought), default=0)
    for one in found.bought:
        own = duration(one.seconds) if one.seconds else "shared"
        yield f"{one.claim:<{width}}  {own:>8}  {duration(one.together):>8} in all"
    least = (
        f"; the next, {found.too_dear.claim}, takes {duration(found.too_dear.seconds)} more" if found.too_dear else ""
    )
    yield wrapped(
        f"{duration(found.seconds)} on one {made.device.words} buy {counted(len(found.bought), 'verdict')} for "
        f"{duration(found.spent)}{least}."
    )


def total(made: "Plan") -> Iterator[str]:
    """How many runs are missing, what they take, on which device, and how that is known."""
    checks, missing = len(made.checks), len(made.missing)
    need = f"{counted(checks, 'check needs', 'checks need')} {counted(len(made.runs), 'run')}"
    yield wrapped(
        f"{need}; {missing} {'is' if missing == 1 else 'are'} missing"
        + (f", about {duration(made.hours * 3600)} on one {made.device.words}{_elsewhere(made)}" if missing else "")
        + "."
    )
    bases: Counter[str] = Counter(run.cost.basis for run in made.missing if run.spec.rows)
    if bases:
        yield wrapped(
            f"Costs of {', '.join(f'{bases[basis]} {text}' for basis, text in BASES.items() if bases[basis])}"
            + (f" ({made.device.source}); measure this device: repro bench" if bases["assumed"] else "")
        )


def _elsewhere(made: "Plan") -> str:
    """What a large plan for a processor takes on a GPU, which is what it is trained on."""
    from repro.planning.cost import estimator
    from repro.planning.device import ASSUMED

    if made.device.kind == "cuda" or made.hours < LONG:
        return ""
    other = ASSUMED["H100"]
    cost = estimator((), other)
    seconds = sum(cost(run.spec).seconds for run in made.missing)
    return f", or {duration(seconds)} on one {other.words}, assumed"


def as_json(made: "Plan", purchase: "Purchase | None" = None) -> dict[str, Any]:
    """The whole plan as JSON values, and of a purchase the claims whose verdicts it buys, the cheapest first."""
    from repro.judging.verdict import to_json
    from repro.planning.price import prices

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
    return {
        "runs": runs,
        "missing": len(made.missing),
        "device": {"name": made.device.name, "source": made.device.source},
        "device_hours": made.hours,
        "prices": {claim: to_json(price) for claim, price in prices(made).items()},
        "bought": purchase and [to_json(one) for one in purchase.bought],
        "expected": likely,
    }
