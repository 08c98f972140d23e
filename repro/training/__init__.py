"""The door to everything that needs torch: ``run(spec, store)`` trains, measures and stores one run."""

import contextlib
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from safetensors.torch import save

from repro.errors import CodeError, ReproError, TakenOverError
from repro.provenance import code_digest
from repro.runs.datasets import DATASETS
from repro.runs.lease import Lease
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.spec import RunSpec
from repro.runs.store import FAILURE, HISTORY, TENSORS, Store, explain_write_errors, write
from repro.training import machine, measure
from repro.training.checkpoint import resume, write_checkpoint, write_history
from repro.training.data import load
from repro.training.finished import back_fill as back_fill
from repro.training.finished import remeasure as remeasure
from repro.training.finished import restore as restore
from repro.training.finished import write_measurement
from repro.training.followers import check_devices, together
from repro.training.followers import follow as follow
from repro.training.group import Group
from repro.training.learner import Learner, learner
from repro.training.loop import train
from repro.training.precision import arithmetic
from repro.training.step import State, start
from repro.training.trainable import lower, prepare
from repro.training.turns import Turn, alone
from repro.training.turns import turns as turns
from repro.training.ways import way

WARM = 5  # steps before speed is measured


def run(
    spec: RunSpec,
    store: Store,
    *,
    data_dir: Path,
    device: str,
    criteria: dict[str, str],
    pause: Callable[[], bool],
    checkpoint_every: float = 60.0,
    code: str | None = None,
    devices: Sequence[str] = (),
    avoid: Mapping[str, str] = MappingProxyType({}),
    deadline: float | None = None,
    turn: Turn | None = None,
) -> Literal["complete", "paused", "held"]:
    """Brings one run to completion, or as far as ``pause`` lets it, and says which.

    ``criteria`` maps each check that needs the run to the hash of its rule; the record holds those under which training
    began, which shows that the rule was there first. ``pause`` is asked between steps; ``checkpoint_every`` is in
    seconds. "held": another process trains it. ``code`` is the digest that this code must have, None for any.
    ``devices`` are those of a run of several processes, ``device`` the first of them; () for ``device`` alone.
    ``avoid`` maps ways to take steps that failed in another process to what happened. ``deadline`` is the time.time()
    by which ``pause`` will say so, as far as that is known: no way is prepared that does not pay until then. ``turn``
    is the run's among those that other threads of this process train meanwhile; None if there are none.

    Raises:
        CodeError: the code is not what the run was planned with.
        CaptureError: another process must train it, without the way that failed.
        SpecError: the device lacks the spec's precision, or there are fewer than the run has processes.
        DataError, StoreError: nothing half-written stays behind; any other error is left in failure.json and raised.
    """
    if code not in (None, code_digest()):
        raise CodeError(
            f"{spec.name} was planned with code {code[:12]}…, and the tree now holds {code_digest()[:12]}…: put the "
            "old code back, or allow the new one: repro retry --any-code --cluster NAME."
        )
    where = torch.device(device if isinstance(spec, NetworkSpec) else "cpu")  # trees grow on a processor alone
    every = [torch.device(one) for one in devices] or [where]
    if isinstance(spec, NetworkSpec):
        arithmetic(spec.precision, where)  # refused before anything is written
    check_devices(spec, every)
    machine.settle(where)
    folder = store.begin(spec)
    with explain_write_errors(folder):
        lease = Lease.take(folder)
    if lease is None:
        return "held"
    try:
        if store.condition(spec) == "complete":
            return "complete"
        (folder / FAILURE).unlink(missing_ok=True)  # of an earlier attempt
        with lease.kept(), together(spec, Path(data_dir), every) as group:
            turn = turn or alone()
            return _train(
                spec,
                store,
                Path(data_dir),
                where,
                criteria,
                pause,
                lease,
                checkpoint_every,
                group,
                avoid,
                deadline,
                turn,
            )
    except (ReproError, OSError):  # a folder or a mount failed, and not the run
        raise
    except Exception as error:
        store.fail(spec, f"{type(error).__name__}: {error}", traceback.format_exc())
        raise
    finally:
        with contextlib.suppress(OSError):
            lease.release()


def _train(
    spec: RunSpec,
    store: Store,
    data_dir: Path,
    device: torch.device,
    criteria: dict[str, str],
    pause: Callable[[], bool],
    lease: Lease,
    checkpoint_every: float,
    group: Group,
    avoid: Mapping[str, str],
    deadline: float | None,
    turn: Turn,
) -> Literal["complete", "paused"]:
    if not spec.rows:
        record = {"outcome": "built", "parts": [machine.part(device)], "criteria": criteria}
        _finish(spec, store, None, record, lease)
        return "complete"
    folder = store.folder(spec)
    # What this thread worked, where others have the process as well.
    work = time.process_time if turn.runs == 1 else time.thread_time
    with turn.preparing(pause):
        machine.forget_peak_memory(device)
        one = learner(spec, data_dir, device, group)
        frozen, place = one.frozen(), one.place
        past = resume(folder, spec, one, criteria)
        part = machine.part(device) | {f"from_{spec.row_name}": place.row, "from_step": place.step}
        began, worked = time.monotonic(), work()
        within = math.inf if deadline is None else deadline - time.time()
        part.update(one.hasten(avoid, within) if turn.runs == 1 or not pause() else {})
        if device.type == "cuda":  # on which trying the ways takes several times what the chosen one does
            machine.forget_peak_memory(device)
        ready = time.monotonic()
    began += time.monotonic() - ready  # while others were made ready
    saved, stopped = time.monotonic(), False
    if turn.runs > 1:
        part["runs_at_once"] = turn.runs

    def clock() -> None:
        part["seconds"] = round(time.monotonic() - began, 3)
        part["processor_seconds"] = round(work() - worked, 3)

    def save_all() -> None:
        _synchronise(device)  # what is queued belongs to this part's seconds
        _fence(lease, folder)
        clock()
        moved = (place.row, place.step) != (part[f"from_{spec.row_name}"], part["from_step"])
        write_checkpoint(folder, spec, one, past, [*past.parts, part] if moved else past.parts)

    def between_steps() -> bool:
        nonlocal saved, stopped
        now = time.monotonic()
        if now - saved >= checkpoint_every:
            saved = now
            save_all()
        stopped = pause()
        return stopped

    with turn.stream(device):
        for row in one.train(between_steps):
            past.rows.append(row)
            _fence(lease, folder)
            write_history(folder, past.rows)
    if stopped or (place.row < spec.rows and not place.diverged):  # by this process, or by another of its group
        save_all()
        return "paused"
    clock()
    part["peak_memory_bytes"] = machine.peak_memory(device)
    parts = [*past.parts, part]
    seconds = sum(p["seconds"] for p in parts)
    record = {
        "outcome": "diverged" if place.diverged else "trained",
        "parts": parts,
        "criteria": past.criteria,
        "data": one.fingerprints,
        "frozen_before": frozen,
        "frozen_after": one.frozen(),
        "seconds": round(seconds, 3),
        f"{DATASETS[spec.dataset].unit}_per_second": round(spec.examples * spec.done(place.row, 0) / seconds, 1),
    }
    _finish(spec, store, one, record, lease)
    return "complete"


def gpu() -> str:
    """The name of this process's GPU; "" without one."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def speed(
    spec: NetworkSpec,
    *,
    data_dir: Path,
    device: str,
    ready: Callable[[], object],
    seconds: float,
    turn: Turn | None = None,
) -> float:
    """Examples a second that training takes in, once warm and when ``ready`` returns; stores nothing.

    Its steps are taken as a run of the spec takes them, in a thread of its own if it has a ``turn``, and go on for as
    long as it takes.
    """
    where, turn = torch.device(device), turn or alone()
    machine.settle(where)
    with turn.preparing():
        examples = load(spec, Path(data_dir), where)
        net = prepare(spec, where)
        lower(net, spec.precision)
        state = start(spec, net)
        step = way(spec, net, examples, state, {}).step if isinstance(spec, ResNetSpec) else None  # as a run takes them
    steps, began = -WARM, 0.0

    def over(_state: State) -> bool:
        nonlocal steps, began
        if steps == 0:
            _synchronise(where)
            ready()
            began = time.monotonic()
        steps += 1
        return steps > 1 and time.monotonic() - began >= seconds

    with turn.stream(where):
        for _ in train(spec.with_rows(1_000_000), net, examples, state, over, step):
            pass
    _synchronise(where)
    return (steps - 1) * spec.batch_size / (time.monotonic() - began)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _fence(lease: Lease, folder: Path) -> None:
    """Stops a process that was taken for dead, such as one that slept, before it writes over its successor."""
    with explain_write_errors(folder):
        ours = lease.renew()
    if not ours:
        raise TakenOverError(f"{folder} was taken over by another process; this one stops without writing.")


def _finish(spec: RunSpec, store: Store, one: Learner | None, record: dict[str, Any], lease: Lease) -> None:
    folder = store.folder(spec)
    _fence(lease, folder)
    for name in measure.names(spec):
        write_measurement(folder, name, spec, one)
    _fence(lease, folder)
    write(folder / TENSORS, one.tensors() if one else save({}))
    if not (folder / HISTORY).exists():
        write_history(folder, [])
    store.finish(spec, record)
