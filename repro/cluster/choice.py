"""Choices: which runs of an order are to be queued, in which arrays, and what that is expected to cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.cluster import elements, fate, pilot, scheduler
from repro.cluster.elements import Element
from repro.cluster.fate import Fate
from repro.cluster.ledger import Order
from repro.cluster.profile import Profile
from repro.judging.judge import requested_seeds
from repro.planning.plan import Plan, Planned, plan
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What an order comes to before anything is queued."""

    plan: Plan
    todo: tuple[Planned, ...]
    reused: tuple[Planned, ...]  # complete in the store
    under_way: tuple[Fate, ...]  # queued or running
    stuck: tuple[Fate, ...]  # failed, exhausted or refused: left for `repro retry`
    arrays: tuple[tuple[Element, ...], ...]
    gpu_hours: float  # expected for ``todo``

    @property
    def jobs(self) -> set[str]:
        """Ids of the arrays and jobs in which runs are under way."""
        return {one.job.partition("_")[0] for one in self.under_way if one.job}

    @property
    def basis(self) -> str:
        """How the hours are known: the weakest basis of any run."""
        known = {run.cost.basis for run in self.todo}
        return next((word for word in ("assumed", "scaled", "measured") if word in known), "measured")


def choose(
    order: Order,
    profile: Profile,
    session: "Session",
    *,
    wanted: Callable[[Fate], bool] = lambda one: one.state not in ("complete", *fate.UNDER_WAY, *fate.STUCK),
) -> Choice:
    """Which runs of an order are to be queued, by their fates; one call of the scheduler.

    Raises:
        ClusterError: the scheduler or the profile refuses.
    """
    store = Store(order.results)
    device_type = profile.device
    seeds = requested_seeds(session.selected, store, list(session.checks.values()))
    measured = pilot.load(store, profile)
    made = plan(
        session.selected, store, device_type=device_type, bought=seeds, known=pilot.known(measured, device_type)
    )
    found = fate.fates([run.spec for run in made.runs], store, scheduler.jobs())
    todo = tuple(run for run in made.missing if wanted(found[run.spec.key]))
    arrays = elements.arrays(
        todo,
        pilot.sharing(measured, profile),
        longest=profile.minutes,
        largest=profile.array_size or max(1, int(scheduler.settings().get("MaxArraySize", "1001"))),
        stop_before=profile.seconds("stop_before"),
    )
    seconds = sum(element.seconds for array in arrays for element in array)
    return Choice(
        plan=made,
        todo=todo,
        reused=tuple(run for run in made.runs if run.condition == "complete"),
        under_way=tuple(one for one in found.values() if one.state in fate.UNDER_WAY),
        stuck=tuple(one for one in found.values() if one.state in fate.STUCK),
        arrays=tuple(arrays),
        gpu_hours=seconds / 3600 * max(1, profile.gpus),
    )
