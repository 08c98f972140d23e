"""Snapshots: everything that the files say about a store's submissions, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from repro.cluster import ledger
from repro.cluster.ledger import Attempt, Json, Submission
from repro.errors import ClusterError
from repro.runs.store import Store


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One submission with the records of its jobs, its report job and the scheduler."""

    submission: Submission
    attempts: Mapping[int, tuple[Attempt, ...]]  # by element, in order
    deaths: Mapping[str, Json]  # by job: how it ended, if it could not report that itself
    report: Json  # what the report job wrote; empty if nothing
    cancelled: frozenset[str] = frozenset()  # keys of runs whose jobs the user cancelled

    @cached_property
    def at_fault(self) -> frozenset[str]:
        """Nodes on which jobs met a fault of the site, and took what still waited out of the queue or off that node."""
        waited = {one.node for some in self.attempts.values() for one in some if one.end == "waiting"}
        return frozenset(waited | {one.get("node", "") for one in self.deaths.values() if one["state"] == "SITE_FAULT"})


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """The folder of a submission that cannot be read; the others are unaffected."""

    folder: Path
    error: str

    @property
    def id(self) -> str:
        """Id of the submission: its jobs are named repro.<id>.*"""
        return self.folder.name


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The submissions of a store, the oldest first."""

    store: Store
    entries: tuple[Entry, ...] = ()
    damaged: tuple[Damaged, ...] = ()

    def faults(self, cluster: str) -> dict[str, str]:
        """Nodes of a cluster that failed an attempt, and why."""
        found: dict[str, str] = {}
        for one in self.entries:
            if one.submission.profile.name == cluster:
                for some in one.attempts.values():
                    for attempt in some:
                        found |= attempt.faults
                found |= {death["node"]: death["fault"] for death in one.deaths.values() if death.get("fault")}
        return found

    def with_deaths(self, found: Mapping[str, Mapping[str, Json]]) -> "Snapshot":
        """A copy with more deaths: submission to job to how it ended."""
        return replace(
            self,
            entries=tuple(
                replace(one, deaths={**one.deaths, **found.get(one.submission.id, {})}) for one in self.entries
            ),
        )


def read(store: Store) -> Snapshot:
    """Reads every submission of a store; one that cannot be read is listed as damaged."""
    entries, damaged = [], []
    for folder in sorted((store.root / ledger.FOLDER).glob("*/")):
        if not (folder / "submission.json").exists() and not (folder / ledger.ATTEMPTS).exists():
            continue  # of a probe or a measurement
        try:
            submission = ledger.load(folder)
        except ClusterError as error:
            damaged.append(Damaged(folder=folder, error=str(error)))
            continue
        deaths = ledger.read_json(ledger.deaths_file(submission))
        entries.append(
            Entry(
                submission=submission,
                attempts=ledger.attempts(submission),
                deaths={job: death for job, death in deaths.items() if isinstance(death, dict) and "state" in death},
                report=ledger.read_json(ledger.report_file(submission)),
                cancelled=frozenset(ledger.read_json(ledger.cancelled_file(submission)).get("runs", ())),
            )
        )
    entries.sort(key=lambda one: one.submission.created)  # folders were named by the clock of some time zone
    return Snapshot(store=store, entries=tuple(entries), damaged=tuple(damaged))
