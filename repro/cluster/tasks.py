"""The tasks of one job that train a run together: where they meet, and what those after the first do."""

import contextlib
import multiprocessing
import os
import random
import socket
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.cluster import ledger
from repro.cluster.ledger import Attempt, Submission
from repro.errors import ClusterError, CodeError, ReproError
from repro.executing.signals import Stop, blocked
from repro.provenance import allocation, code_digest
from repro.runs.spec import RunSpec

POLL = 1.0  # seconds between looks at the first task's attempt
# Below those that the kernel gives to connections, of which SLURM itself holds some on every node.
PORTS = range(20_000, 32_768)


@dataclass(frozen=True, kw_only=True)
class Task:
    """This task among those of its job."""

    rank: int
    meeting: str = ""  # where they meet, a tcp:// URL; empty in the only task, and in those that the first has to tell


def meet() -> Task:
    """Which task of its job this is; one of several finds its own GPU in its environment, the first where they meet.

    That is a free port of the first one's node, not the one that submitit computes from the job's number, which
    another program may have.

    Raises:
        ClusterError: no port is free.
    """
    if int(os.environ.get("SLURM_NTASKS", "1")) == 1:
        return Task(rank=0)
    from submitit.helpers import TorchDistributedEnvironment

    allotted = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    found = TorchDistributedEnvironment().export(overwrite=True)
    # submitit takes the local rank for the number of a GPU; where SLURM shows those of other jobs too, ours differ.
    if allotted:
        os.environ["CUDA_VISIBLE_DEVICES"] = allotted[found.local_rank % len(allotted)]
    if int(os.environ.get("SLURM_JOB_NUM_NODES", "1")) == 1:
        os.environ["MASTER_ADDR"] = "127.0.0.1"  # the name of a node need not be known on it
    if found.rank > 0:
        return Task(rank=int(found.rank))
    os.environ["MASTER_PORT"] = str(_free_port())
    return Task(rank=0, meeting=f"tcp://{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}")


def follow(submission: Submission, number: int, rank: int) -> None:
    """Trains the run of an element with the first task, until that says how its attempt ended; writes nothing.

    A signal to any task pauses the run in all of them. A process that fails is replaced: so is the first task's.
    """
    spec = ledger.read_element(submission, number).runs[0].spec
    context = multiprocessing.get_context("spawn")
    code = None if submission.order.any_code else submission.code
    with Stop(in_a_job=True) as stop:
        while (first := _first(submission, number)) is None:
            time.sleep(POLL)
        while first.end is None:
            where = (submission.order.data_dir, submission.profile.device, rank, first.meeting)
            process = context.Process(target=_train, args=(spec, *where, code, stop.event))
            with blocked():  # it never sees a signal meant for this one
                process.start()
            while process.is_alive() and first.end is None:
                process.join(POLL)
                first = _first(submission, number) or first
            process.kill()
            process.join(POLL)


def _free_port() -> int:
    for port in random.sample(PORTS, len(PORTS)):
        try:
            socket.create_server(("", port)).close()
        except OSError:
            continue
        return port
    raise ClusterError(
        f"every port from {PORTS[0]} to {PORTS[-1]} of {socket.gethostname()} is taken; free one, then: repro retry."
    )


def _first(submission: Submission, number: int) -> Attempt | None:
    """This attempt of the job, as its first task has written it; None if it has not yet, or cannot be read now."""
    return ledger.attempt(submission, number, int((allocation() or {}).get("restart", 0)))


def _train(spec: RunSpec, data_dir: Path, device: str, rank: int, address: str, code: str | None, stop: Any) -> None:
    """In a process of its own; the first task reports what went wrong, and this one prints it."""
    from repro.training import follow as train

    try:
        if code not in (None, code_digest()):
            raise CodeError(
                f"{spec.name} was planned with other code than the tree now holds: put the old "
                "code back, or allow the new one: repro retry --any-code --cluster NAME."
            )
        train(spec, data_dir=data_dir, device=device, rank=rank, address=address, pause=stop.is_set)
    except ReproError as error:
        print(f"task {rank}: {error}", flush=True)
    except Exception:
        with contextlib.suppress(OSError):
            print(f"task {rank}: {traceback.format_exc()}", flush=True)
