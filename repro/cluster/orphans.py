"""Orphans: jobs of this store whose submission was deleted or is damaged, found by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from repro.cluster import ledger
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """The jobs of one submission that can no longer be read."""

    id: str
    jobs: tuple[str, ...]  # ids, of whole arrays
    count: int  # elements and jobs


def orphans(snapshot: Snapshot, queue: Sequence[Job]) -> list[Orphan]:
    """Queued jobs of this store that are in no readable submission."""
    known = {one.submission.id for one in snapshot.entries}
    damaged = {one.id for one in snapshot.damaged}
    mark = ledger.mark(snapshot.store.root)
    found: dict[str, list[Job]] = {}
    for job in queue:
        name = (ledger.parts_of(job.name) or ("",))[0]
        ours = name in damaged or f"-{mark}-" in name
        if ours and job.live and name not in known:
            found.setdefault(name, []).append(job)
    return [
        Orphan(id=name, jobs=tuple(sorted({job.id.partition("_")[0] for job in some})), count=len(some))
        for name, some in found.items()
    ]
