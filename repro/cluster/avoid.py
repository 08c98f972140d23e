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
    failed = {node: why for node, why in snapshot.faults(profile.name).items() if node not in profile.trusted}
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
