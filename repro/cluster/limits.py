"""Jobs that a partition would never start, refused before anything is queued."""

from collections.abc import Sequence

from repro.cluster import scheduler
from repro.cluster.elements import Element
from repro.cluster.profile import Profile
from repro.cluster.survey import hours
from repro.errors import ClusterError


def check(profile: Profile, arrays: Sequence[Sequence[Element]]) -> None:
    """Compares the time limits of jobs with their partition's; sbatch itself accepts jobs above it.

    Raises:
        ClusterError: some would wait forever, or the partition is down.
    """
    longest = max((array[0].minutes for array in arrays), default=0)
    for partition in filter(None, {profile.partition, profile.report_partition}):
        printed = scheduler.ask("sinfo", "--noheader", f"--partition={partition}", "--format=%a|%l").splitlines()
        # A line for each partition of a list such as "short,long": a job starts in any that lets it.
        every = [(state, limit) for state, _, limit in (line.strip().partition("|") for line in printed) if limit]
        if not every:
            continue  # no such partition: sbatch's message is better
        up = [limit for state, limit in every if state in ("up", "drain")]
        if not up:
            raise ClusterError(
                f"partition {partition} is {every[0][0]}: no job starts there; name another in the profile."
            )
        most = max(up, key=hours)
        if partition == profile.partition and longest > 60 * hours(most):
            raise ClusterError(
                f"jobs ask for {longest} min, and partition {partition} allows {most}: they would never start. "
                f'Lower time in the profile to what `sinfo -o "%P %l"` shows.'
            )
