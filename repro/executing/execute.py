"""Complete runs: the missing ones of a plan, trained here by one process per core or GPU until none is requested."""

import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro.check import Check
from repro.executing import pool, shared_rate, sharing, trainable_here
from repro.executing.devices import devices, processes
from repro.executing.signals import Stop
from repro.executing.trainable_here import LeftOut
from repro.executing.worker import Done, Setup
from repro.planning.plan import Plan, Planned, plan
from repro.runs.store import Store


@dataclass
class Tally:
    """How the runs of one call ended, by key."""

    done: dict[str, Done] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()  # of the last plan: what cannot be trained here
    stopped: bool = False  # by the budget or by the user, with runs left to train

    def count(self, status: str) -> int:
        """Number of runs that ended with a status."""
        return sum(one.status == status for one in [*self.done.values()])  # a thread may count while runs end


Listener = Callable[[Plan, Tally, Done | None], None]


def run_all(
    checks: list[Check],
    store: Store,
    *,
    data_dir: Path,
    requested_seeds: Callable[[], Mapping[str, int]] = dict,
    collected: Collection[Check] = (),
    device: str = "auto",
    workers: int | None = None,
    budget: float | None = None,
    named: Collection[str] = (),
    strict: bool = False,
    listener: Listener | None = None,
    stop: Stop | None = None,
) -> Tally:
    """Trains the missing runs of some checks, and the seeds that inconclusive verdicts request, until none is missing.

    Runs that this machine cannot train are left out and told of, as ``trainable_here.left_out`` has them; unless
    ``strict``, or their claims or checks are ``named`` by id, or there are no others.

    ``requested_seeds`` gives the number of seeds that each check requests in all, from the store as it is then.
    ``collected`` are checks whose rules the records of their runs hold as well, as ``plan`` has it.
    ``budget`` is in seconds: runs under way are then checkpointed, and the next call resumes them. The same happens on
    SIGINT and SIGTERM, and when an open ``stop`` is given and set. A run that crashes is marked as failed, and the
    others continue.

    Raises:
        SpecError, DataError: a run that may not be left out cannot be trained here.
        DataError, StoreError: no run could be trained; those under way were checkpointed.
    """
    found = devices(device)
    setup = Setup(
        store=store,
        data_dir=data_dir,
        device=found[0],
        devices=found,
        workers=workers or processes(found),
        # The last tenth, at most 10 s, is reserved for writing checkpoints.
        deadline=None if budget is None else time.time() + budget - min(10.0, budget / 10),
    )
    tally = Tally()
    with Stop() if stop is None else nullcontext(stop) as stop:
        while not tally.stopped:
            wanted = plan(
                checks,
                store,
                device_type=found[0].partition(":")[0],
                requested=requested_seeds(),
                collected=collected,
            )
            tally.left_out = trainable_here.left_out(wanted, found, data_dir)
            trainable_here.refuse(wanted, tally.left_out, named=named, strict=strict)
            wanted = trainable_here.without(wanted, tally.left_out)
            todo = [run for run in wanted.missing if run.spec.key not in tally.done]
            if not todo:
                break

            def report(done: Done | None, wanted: Plan = wanted) -> None:
                if done is not None:
                    tally.done[done.spec.key] = done
                if listener is not None:
                    listener(wanted, tally, done)

            if workers is None and found != ("cpu",):
                shared = _sharing(todo, setup, budget, stop)
                workers = len(found) * (1 if shared.threads else shared.runs)
                setup = replace(setup, workers=workers, threads=shared.runs if shared.threads else 1)
            report(None)
            if not pool.train(todo, setup, stop, report):  # at the end of the last run there may be nothing left
                ended = {key for key, done in tally.done.items() if done.status != "paused"}
                tally.stopped = any(run.spec.key not in ended for run in todo)
    return tally


def _sharing(runs: Sequence[Planned], setup: Setup, budget: float | None, stop: Stop) -> sharing.Sharing:
    """How runs share each GPU; each has one alone where the user ends the measurement, and with it training."""
    try:
        return sharing.per_gpu(
            [(run.spec, run.cost.seconds) for run in runs],
            setup.store,
            setup.device,
            budget=budget,
            rate=shared_rate.measured_rate(setup.data_dir, setup.device, stopped=stop.event.is_set),
            tell=lambda text: sys.stderr.write(f"{text}\n"),
        )
    except shared_rate.StoppedError:
        return sharing.Sharing()
