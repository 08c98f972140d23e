"""Prices of verdicts: what each claim's missing runs take, and which verdicts some hours buy."""

import math
from dataclasses import dataclass

from repro.planning.plan import Plan, Planned


@dataclass(frozen=True, kw_only=True)
class Price:
    """What the missing runs of one claim are expected to take on one device; of a paused run, what is left."""

    runs: int  # that the claim needs
    missing: int  # of them
    alone: float  # seconds, if nothing else were trained
    on_top: float  # seconds of those runs that no other claim of the plan needs


@dataclass(frozen=True, kw_only=True)
class Bought:
    """A verdict that is bought after others."""

    claim: str
    seconds: float  # of runs that those before do not share
    together: float  # seconds with those before


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """The verdicts that some hours buy, the cheapest first."""

    seconds: float  # that may be spent
    bought: tuple[Bought, ...]  # claims with missing runs
    claims: frozenset[str]  # those, and the ones that lack no run
    too_dear: Bought | None  # the cheapest verdict that is left; None if there is none

    @property
    def spent(self) -> float:
        """Seconds of everything that is bought."""
        return self.bought[-1].together if self.bought else 0.0


def prices(made: Plan) -> dict[str, Price]:
    """The price of every claim of a plan, in order of collection."""
    found = {}
    for claim, runs in _runs(made).items():
        missing = [run for run in runs if run.condition != "complete"]
        own = [run for run in missing if {check.claim.id for check in run.checks} == {claim}]
        found[claim] = Price(runs=len(runs), missing=len(missing), alone=_seconds(missing), on_top=_seconds(own))
    return found


def within(made: Plan, seconds: float) -> Purchase:
    """Buys the verdict that takes the fewest further seconds, again and again, while it fits.

    Runs that a bought verdict needs cost the next one nothing. It is a rule of thumb: another choice may buy more.
    """
    left = {
        claim: {run.spec.key: run.cost.seconds for run in runs if run.condition != "complete"}
        for claim, runs in _runs(made).items()
    }
    bought: list[Bought] = []
    kept = {claim for claim, runs in left.items() if not runs}
    together, too_dear = 0.0, None
    while waiting := {claim: math.fsum(left[claim].values()) for claim in left.keys() - kept}:
        claim, price = min(waiting.items(), key=lambda pair: (round(pair[1], 6), pair[0]))
        one = Bought(claim=claim, seconds=price, together=together + price)
        if one.together > seconds:
            too_dear = one
            break
        together = one.together
        bought.append(one)
        kept.add(claim)
        for runs in left.values():
            for key in left[claim] if runs is not left[claim] else ():
                runs.pop(key, None)
    return Purchase(seconds=seconds, bought=tuple(bought), claims=frozenset(kept), too_dear=too_dear)


def _runs(made: Plan) -> dict[str, list[Planned]]:
    """The runs of every claim of a plan."""
    found: dict[str, list[Planned]] = {check.claim.id: [] for check in made.checks}
    for run in made.runs:
        for claim in {check.claim.id for check in run.checks}:
            found[claim].append(run)
    return found


def _seconds(runs: list[Planned]) -> float:
    return math.fsum(run.cost.seconds for run in runs)
