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
        printed = scheduler.ask("sinfo", "--noheader", f"--partition={partition}", "--format=%a|%l").split("\n")[0]
        state, _, limit = printed.strip().partition("|")
        if not limit:
            continue  # no such partition: sbatch's message is better
        if state not in ("up", "drain"):
            raise ClusterError(f"partition {partition} is {state}: no job starts there; name another in the profile.")
        if partition == profile.partition and longest > 60 * hours(limit):
            raise ClusterError(
                f"jobs ask for {longest} min, and partition {partition} allows {limit}: they would never start. "
                f'Lower time in the profile to what `sinfo -o "%P %l"` shows.'
            )
