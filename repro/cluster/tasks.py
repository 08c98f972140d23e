"""The tasks of one job that train a run together: where they meet, and what those after the first do."""

import contextlib
import multiprocessing
import os
import traceback
from pathlib import Path
from typing import Any

from repro.cluster import ledger
from repro.cluster.ledger import Submission
from repro.errors import CodeError, ReproError
from repro.executing.signals import Stop, blocked
from repro.provenance import allocation, code_digest
from repro.runs.spec import RunSpec

POLL = 1.0  # seconds between looks at the first task's attempt


def meet() -> int:
    """The rank of this task in its job; one of several finds in its environment where they meet, and its own GPU."""
    if int(os.environ.get("SLURM_NTASKS", "1")) == 1:
        return 0
    from submitit.helpers import TorchDistributedEnvironment

    allotted = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    found = TorchDistributedEnvironment().export(overwrite=True)
    # submitit takes the local rank for the number of a GPU; where SLURM shows those of other jobs too, ours differ.
    if allotted:
        os.environ["CUDA_VISIBLE_DEVICES"] = allotted[found.local_rank % len(allotted)]
    if int(os.environ.get("SLURM_JOB_NUM_NODES", "1")) == 1:
        os.environ["MASTER_ADDR"] = "127.0.0.1"  # the name of a node need not be known on it
    return int(found.rank)


def follow(submission: Submission, number: int) -> None:
    """Trains the run of an element with the first task, until that says how its attempt ended; writes nothing.

    A signal to any task pauses the run in all of them. A process that fails is replaced: so is the first task's.
    """
    spec = ledger.read_element(submission, number).runs[0].spec
    context = multiprocessing.get_context("spawn")
    code = None if submission.order.any_code else submission.code
    with Stop() as stop:
        while not _ended(submission, number):
            process = context.Process(
                target=_train, args=(spec, submission.order.data_dir, submission.profile.device, code, stop.event)
            )
            with blocked():  # it never sees a signal meant for this one
                process.start()
            while process.is_alive() and not _ended(submission, number):
                process.join(POLL)
            process.kill()
            process.join(POLL)


def _ended(submission: Submission, number: int) -> bool:
    """Whether the first task has said how this attempt of the job ended."""
    restart = int((allocation() or {}).get("restart", 0))
    found = ledger.attempts(submission, [number]).get(number, ())
    return any(one.restart == restart and one.end is not None for one in found)


def _train(spec: RunSpec, data_dir: Path, device: str, code: str | None, stop: Any) -> None:
    """In a process of its own; the first task reports what went wrong, and this one prints it."""
    from repro.training import follow as train
    from repro.training.group import launched

    place = launched()
    assert place is not None
    try:
        if code not in (None, code_digest()):
            raise CodeError(f"{spec.name} was planned with other code than the tree now holds.")
        train(spec, data_dir=data_dir, device=device, rank=place.rank, address=place.address, pause=stop.is_set)
    except ReproError as error:
        print(f"task {place.rank}: {error}", flush=True)
    except Exception:
        with contextlib.suppress(OSError):
            print(f"task {place.rank}: {traceback.format_exc()}", flush=True)
