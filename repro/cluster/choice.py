"""Choices: which runs of an order to queue, in which arrays, and at what expected cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.cluster import elements, fate, scheduler, throughput
from repro.cluster.deaths import in_queue
from repro.cluster.elements import Element
from repro.cluster.fate import Fate
from repro.cluster.profile import Profile
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Snapshot
from repro.judging.judge import requested_seeds
from repro.planning.plan import Plan, Planned, plan
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.collecting.plugin import Session


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The runs of an order by what is to be done with them, before anything is queued."""

    plan: Plan
    todo: tuple[Planned, ...]
    reused: tuple[Planned, ...]  # complete in the store
    under_way: tuple[Fate, ...]  # queued or running
    stuck: tuple[Fate, ...]  # failed or exhausted, and not in ``todo``: left for `repro retry`
    waiting: tuple[Fate, ...]  # of ``todo``, those that a fault of the site has kept from training
    arrays: tuple[tuple[Element, ...], ...]
    gpu_hours: float  # expected for ``todo``
    jobs: frozenset[str]  # ids of the arrays and jobs in the queue in which runs are under way

    @property
    def basis(self) -> str:
        """Where the hours come from: the weakest basis of any run."""
        known = {run.cost.basis for run in self.todo}
        return next((word for word in ("assumed", "estimated", "scaled", "measured") if word in known), "measured")


def planned(profile: Profile, session: "Session", store: Store) -> Plan:
    """The plan of a session, with costs on a cluster.

    Raises:
        ClusterError: the profile needs a measurement.
    """
    return plan(
        session.selected,
        store,
        device_type=profile.device,
        requested=requested_seeds(session.selected, store, list(session.checks.values())),
        known=throughput.known(throughput.load(store, profile), profile.device),
        collected=session.checks.values(),
    )


def choose(
    profile: Profile,
    session: "Session",
    snapshot: Snapshot,
    queue: Sequence[Job],
    *,
    wanted: Callable[[Fate], bool] = fate.to_be_queued,
) -> Choice:
    """Chooses which runs of a session to queue, by their fates.

    Raises:
        ClusterError: the scheduler does not answer, or the profile needs a measurement.
    """
    made, measured = planned(profile, session, snapshot.store), throughput.load(snapshot.store, profile)
    found = fate.fates([run.spec for run in made.runs], snapshot, queue)
    todo = tuple(run for run in made.missing if wanted(found[run.spec.key]))
    queued = {run.spec.key: None for run in todo}
    arrays = elements.arrays(
        todo,
        throughput.packing(measured, profile),
        longest=profile.minutes,
        largest=profile.array_size or max(1, int(scheduler.settings().get("MaxArraySize", "1001"))),
        stop_before=profile.seconds("stop_before"),
        shortest=profile.seconds("shortest"),
    )
    gpu_seconds = sum(
        element.seconds * max(element.devices, profile.gpus_for(element.devices))
        for array in arrays
        for element in array
    )
    live = in_queue(queue)  # no job of long ago, while a user trains its run by hand
    under_way = tuple(one for one in found.values() if one.state in fate.UNDER_WAY)
    return Choice(
        plan=made,
        todo=todo,
        reused=tuple(run for run in made.runs if run.condition == "complete"),
        under_way=under_way,
        jobs=frozenset(one.job.partition("_")[0] for one in under_way if one.job in live),
        stuck=tuple(one for key, one in found.items() if one.state in fate.STUCK and key not in queued),
        waiting=tuple(found[key] for key in queued if found[key].state == "waiting"),
        arrays=tuple(arrays),
        gpu_hours=gpu_seconds / 3600,
    )
