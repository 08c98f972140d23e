"""Nodes that jobs avoid: those that failed an attempt, if the cluster still has them and they are still at fault."""

from repro.cluster import scheduler
from repro.cluster.profile import Profile
from repro.cluster.snapshot import Snapshot
from repro.errors import ClusterError

WENT_DOWN = "the scheduler reports"  # begins a fault that is over once SLURM uses the node again


def avoided(snapshot: Snapshot, profile: Profile) -> tuple[str, ...]:
    """Nodes excluded by the profile, and those that failed and are not trusted.

    Of the latter, a node that the cluster no longer has is left out, for which sbatch would refuse every job, and so is
    one that had gone down and is back: SLURM itself keeps jobs off a node that is down.
    """
    faults = {**_alone_at_fault(snapshot, profile.name), **snapshot.faults(profile.name)}
    failed = {node: why for node, why in faults.items() if node not in profile.trusted}
    if failed:
        try:
            troubles = scheduler.troubles()
        except ClusterError:
            return tuple(sorted({*profile.exclude, *failed}))
        failed = {
            node: why
            for node, why in failed.items()
            if node in troubles and (troubles[node] or not why.startswith(WENT_DOWN))
        }
    return tuple(sorted({*profile.exclude, *failed}))


def _alone_at_fault(snapshot: Snapshot, cluster: str) -> dict[str, str]:
    """The node that alone met a fault of the site in the last submission, and why it is avoided.

    Only by the next one, as that fault may have been everywhere, and short.
    """
    last = next((one for one in reversed(snapshot.entries) if one.submission.profile.name == cluster), None)
    if last is None or len(last.at_fault) != 1:
        return {}
    begun = {one.node for some in last.attempts.values() for one in some}
    return dict.fromkeys(last.at_fault if begun - last.at_fault else (), "it alone met a fault of the site")
