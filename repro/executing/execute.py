"""Completed runs: what a plan lacks, trained here by one process per core or GPU, until no check requests more."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from repro.claim import Check
from repro.executing import pool
from repro.executing.devices import devices, processes
from repro.executing.pool import Done, Site, Stop
from repro.planning.plan import Plan, Planned, plan
from repro.runs.datasets import check_data_present
from repro.runs.store import Store


@dataclass
class Outcome:
    """How a whole call ended, by key of the run."""

    done: dict[str, Done] = field(default_factory=dict)
    stopped: bool = False  # by the budget or by the user, with runs left to make

    def count(self, status: str) -> int:
        """How many runs ended so."""
        return sum(one.status == status for one in self.done.values())


Progress = Callable[[Plan, Outcome, Done | None], None]


def run_all(
    checks: list[Check],
    store: Store,
    *,
    data_dir: Path,
    requested_seeds: Callable[[], Mapping[str, int]] = dict,
    device: str = "auto",
    workers: int | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """Trains what the checks lack, and the seeds that inconclusive verdicts request, until nothing is missing.

    ``requested_seeds`` says, of what is in the store when it is called, which checks want how many seeds in all.
    ``budget`` is in seconds: runs under way are then checkpointed, and the next call goes on from there. So is it on
    SIGINT and SIGTERM, and when an open ``stop`` is given and set. A run that crashes is left behind as failed; the
    others go on.

    Raises:
        DataError, StoreError: no run could be trained; those under way were checkpointed.
    """
    found = devices(device)
    site = Site(
        store=store,
        data_dir=data_dir,
        device=found[0],
        devices=found,
        workers=workers or processes(found),
        # The last tenth, at most 10 s, is for writing checkpoints.
        deadline=None if budget is None else time.time() + budget - min(10.0, budget / 10),
    )
    outcome = Outcome()
    with Stop() if stop is None else nullcontext(stop) as stop:
        while not outcome.stopped:
            wanted = plan(checks, store, device_type=found[0].partition(":")[0], requested=requested_seeds())
            todo = [run for run in wanted.missing if run.spec.key not in outcome.done]
            if not todo:
                break

            def told(done: Done | None, wanted: Plan = wanted) -> None:
                if done is not None:
                    outcome.done[done.spec.key] = done
                if progress is not None:
                    progress(wanted, outcome, done)

            check_data(todo, data_dir)
            told(None)
            outcome.stopped = not pool.train(todo, site, stop, told)
    return outcome


def check_data(runs: Sequence[Planned], data_dir: Path) -> None:
    """Refuses runs whose data set is not there.

    Raises:
        DataError: as ``check_data_present``.
    """
    for name in sorted({run.spec.dataset for run in runs if run.spec.epochs}):
        check_data_present(name, data_dir)
