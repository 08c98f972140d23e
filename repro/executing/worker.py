"""A worker process of the pool: what it is given, how a run ends in it, and the process that succeeds it."""

import contextlib
import gc
import multiprocessing
import multiprocessing.util
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from repro.errors import (
    CaptureError,
    CodeError,
    DamagedRunError,
    DataError,
    ReproError,
    StoreError,
    TakenOverError,
    spoils_gpu,
)
from repro.executing.signals import blocked
from repro.runs.spec import RunSpec
from repro.runs.store import Store

if TYPE_CHECKING:
    from repro.training.turns import Turn


OUT_OF_MEMORY = "OutOfMemoryError"  # torch's, of a GPU


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Where and how runs are trained."""

    store: Store
    data_dir: Path
    device: str  # "cpu", "cuda" or "cuda:<index>"
    workers: int  # processes
    deadline: float | None  # time.time() by which to pause
    code: str | None = None  # required digest of the workers' code; None for any
    devices: tuple[str, ...] = ()  # assigned to the workers in turn; () for ``device`` alone
    threads: int = 1  # runs, alike but for their seeds, that a worker trains at once, each in a thread
    isolated: bool = False  # an error that the user can fix fails only its own run, instead of stopping everything


@dataclass(frozen=True, kw_only=True)
class Done:
    """How one run ended."""

    spec: RunSpec
    status: str  # "complete", "paused", "failed", "crashed" or "waiting" (for the site)
    seconds: float
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A run as it is handed to a worker process."""

    spec: RunSpec
    criteria: Mapping[str, str]
    setup: Setup


@dataclass(frozen=True, kw_only=True)
class _Spoiled:
    """How a run ended after which this process must not use the GPU any more."""

    done: Done
    avoid: Mapping[str, str]  # the way that did it, and what happened; {} where no way is to blame


def work(assignments: Sequence[Assignment]) -> list[Done | None]:
    """Trains runs at once as far as possible, in a worker process; None for one that another process is training.

    Raises:
        ReproError: an error that would fail every other run as well, such as missing data, a full disk or changed code,
            unless runs are isolated. A run whose folder is damaged fails alone.
    """
    if _SUCCESSOR is not None:
        return _SUCCESSOR.submit(work, assignments).result()
    found = [_train(assignments[0])] if len(assignments) == 1 else _at_once(assignments)
    spoiled = [one for one in found if isinstance(one, _Spoiled)]
    if spoiled:
        avoid = {way: why for one in spoiled for way, why in one.avoid.items()}
        successor = _succeed({**_AVOID, **avoid})
        for place, (assignment, one) in enumerate(zip(assignments, found, strict=True)):
            # Of several runs, some failed for another's error, in its words or in others: each is trained again, alone.
            failed = len(found) > 1 and isinstance(one, Done) and one.status == "failed"
            if failed or (isinstance(one, _Spoiled) and (len(found) > 1 or one.avoid)):
                (found[place],) = successor.submit(work, [assignment]).result()
    elif len(found) > 1:
        for place, (assignment, one) in enumerate(zip(assignments, found, strict=True)):
            if isinstance(one, Done) and one.status == "failed" and OUT_OF_MEMORY in one.error:
                (found[place],) = work([assignment])  # alone, there may be enough
    return [one.done if isinstance(one, _Spoiled) else one for one in found]


def _at_once(assignments: Sequence[Assignment]) -> list[Done | _Spoiled | None]:
    """Trains several runs, each in a thread; where one stops everything, the others are checkpointed."""
    from repro.training import turns

    halted = threading.Event()

    def one(assignment: Assignment, turn: "Turn") -> Done | _Spoiled | None:
        try:
            return _train(assignment, turn, halted)
        except BaseException:
            halted.set()
            raise
        finally:
            turn.leave()

    with ThreadPoolExecutor(len(assignments)) as threads:
        pairs = zip(assignments, turns(len(assignments)), strict=True)
        futures = [threads.submit(one, assignment, turn) for assignment, turn in pairs]
    return [future.result() for future in futures]


def _train(
    assignment: Assignment, turn: "Turn | None" = None, halted: threading.Event | None = None
) -> Done | _Spoiled | None:
    """Trains one run as far as possible; after some errors this process must not use the GPU any more."""
    from repro.training import run  # only workers import torch

    setup, began, status, error = assignment.setup, time.monotonic(), "failed", ""  # unless it ends otherwise
    try:
        status = run(
            assignment.spec,
            setup.store,
            data_dir=setup.data_dir,
            device=_DEVICE or setup.device,
            criteria=dict(assignment.criteria),
            pause=lambda: _STOP.is_set() or late(setup.deadline) or (halted is not None and halted.is_set()),
            code=setup.code,
            avoid=_AVOID,
            deadline=setup.deadline,
            devices=setup.devices[: assignment.spec.devices] if assignment.spec.devices > 1 else (),
            turn=turn,
        )
    except CaptureError as spoiled:
        return _Spoiled(done=_failed(assignment, began, spoiled), avoid={spoiled.way: spoiled.found})
    except TakenOverError:
        return None
    except (ReproError, OSError) as raised:
        if isinstance(raised, DataError):
            setup.store.withdraw(assignment.spec)
        if not setup.isolated and not isinstance(raised, DamagedRunError):
            if isinstance(raised, ReproError):
                raise
            raise StoreError(f"{assignment.spec.name}: {raised}; fix that, and train it again.") from raised
        status, error = "waiting" if is_the_sites_fault(raised) else "failed", str(raised)
    except Exception as raised:  # it is in the run's failure.json, with its traceback
        done = _failed(assignment, began, raised)
        return _Spoiled(done=done, avoid={}) if spoils_gpu(raised) else done
    if status == "held":
        return None
    return Done(spec=assignment.spec, status=status, seconds=time.monotonic() - began, error=error)


def _failed(assignment: Assignment, began: float, error: Exception) -> Done:
    text = f"{type(error).__name__}: {error}"
    return Done(spec=assignment.spec, status="failed", seconds=time.monotonic() - began, error=text)


def is_the_sites_fault(error: BaseException) -> bool:
    """Whether a folder, a mount, the data or the code failed, as it would for every other run."""
    if isinstance(error, DamagedRunError):
        return False
    return isinstance(error, (CodeError, DataError, OSError)) or isinstance(error.__context__, OSError)


def late(deadline: float | None) -> bool:
    """Whether it is time to pause."""
    return deadline is not None and time.time() >= deadline


_STOP: Any = threading.Event()  # of this worker process, set by its parent
_DEVICE = ""  # of this worker process, drawn when it starts
_AVOID: Mapping[str, str] = {}  # ways to take steps that spoiled the process before this one, and what happened
_SUCCESSOR: ProcessPoolExecutor | None = None  # a process that does this one's work, since a GPU is spoiled for it


def _succeed(avoid: Mapping[str, str]) -> ProcessPoolExecutor:
    """Starts this worker's successor, on the same device, which takes no steps in the ways to avoid."""
    global _SUCCESSOR
    _leave_gpu()
    with blocked():
        context = multiprocessing.get_context("spawn")
        drawn = context.SimpleQueue()
        drawn.put(_DEVICE)
        _SUCCESSOR = ProcessPoolExecutor(1, context, initializer=start, initargs=(_STOP, drawn, avoid))
        # At its end a process waits for those that it started before it tells this one to end, which would never come.
        multiprocessing.util.Finalize(None, _SUCCESSOR.shutdown, exitpriority=100)
        return _SUCCESSOR


def _leave_gpu() -> None:
    """Gives the memory that this process has cached on its GPU to the one that succeeds it."""
    if torch := sys.modules.get("torch"):
        gc.collect()
        with contextlib.suppress(Exception):  # the GPU may be spoiled for this process
            torch.cuda.empty_cache()


def start(stop: Any, drawn: Any, avoid: Mapping[str, str] = MappingProxyType({})) -> None:
    """What a worker process begins with: its parent's wish to stop, its device, and ways that spoiled those before."""
    global _STOP, _DEVICE, _AVOID
    _STOP, _DEVICE, _AVOID = stop, drawn.get(), dict(avoid)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the parent was killed: the files on disk are consistent, and the lease ends with this process
