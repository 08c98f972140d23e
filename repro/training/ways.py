"""The way in which a run takes its steps: the fastest that its device has and that agrees with the eager one."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch

from repro.errors import CaptureError, spoils_gpu
from repro.runs.network_spec import NetworkSpec
from repro.training.captured import RecordingError, as_they_are, captured, compiled, fused
from repro.training.data import Examples
from repro.training.step import State, Step, eager
from repro.training.trainable import Trainable
from repro.training.trial import course, trial, undone

# Seconds of training that must be left to try a way; nobody has measured on a GPU what any of them spares. The kernels
# of fused blocks take about 10 s of a CPU to compile the first time (0.2 s each, some 25 for each size of batch), and
# compiled blocks about a minute (51 s on two busy cores).
WORTH = {"captured": 0.0, "fused": 60.0, "compiled": 300.0}
PREPARING = 30.0  # seconds that must be left before a pause to try any way: nothing ends a trial early
REPETITIONS = 3  # of the ten steps that are timed: other processes may share the GPU
BLOCKS = {"captured": as_they_are, "fused": fused, "compiled": compiled}


@dataclass(frozen=True, kw_only=True)
class Way:
    """How the steps of a run are taken; part of its record, never of its key."""

    name: str  # "eager", or one of BLOCKS
    step: Step
    passed_over: Mapping[str, str]  # the other ways, and why they were not taken
    seconds: Mapping[str, float]  # of a step, for each way that was timed

    def record(self) -> dict[str, Any]:
        """What a part of the run's record says of it; on a CPU there is no choice to tell of."""
        told = {"passed_over": dict(self.passed_over), "seconds_per_step": dict(self.seconds)}
        return {"way": self.name, **{name: value for name, value in told.items() if value}}


def way(
    spec: NetworkSpec,
    net: Trainable,
    examples: Examples,
    state: State,
    avoid: Mapping[str, str],
    within: float = math.inf,
) -> Way:
    """The way for a run from this state on, which stays as it is; its batches are gathered from examples on the device.

    ``avoid`` maps ways that failed in an earlier process to the reason; ``within`` is in how many seconds this process
    pauses the run, whatever is left of it.

    Raises:
        CaptureError: a way failed so that this process must not use the GPU any more.
    """
    plain, this = eager(spec, net, state), (spec, net, examples, state)
    if net.running.device.type != "cuda":
        return Way(name="eager", step=plain, passed_over={}, seconds={})
    make = {name: partial(captured, *this, blocks) for name, blocks in BLOCKS.items()}
    differs = lru_cache(partial(trial, *this, plain))  # made when the first way is there
    found = fastest(
        plain,
        make,
        differs=lambda step: differs()(step),
        pace=partial(_pace, *this),
        left=(spec.rows - state.row) * spec.row_steps - state.step,
        within=within,
        avoid=avoid,
    )
    torch.cuda.empty_cache()  # what ways that were passed over had taken: other runs share this GPU
    return found


def fastest(
    plain: Step,
    make: Mapping[str, Callable[[], Step]],
    *,
    differs: Callable[[Step], str],
    pace: Callable[[Step], float],
    left: int,
    within: float,
    avoid: Mapping[str, str],
) -> Way:
    """The fastest of some ways that agree with the plain one, for a run with so many steps and seconds left.

    ``pace`` gives a way's seconds of a step; ``differs`` the reason that it is another computation, "" if it is not.
    What goes wrong with a way is the reason to do without it.

    Raises:
        CaptureError: as ``way``.
    """
    passed_over, wanted = dict(avoid), [name for name in make if name not in avoid]
    if within < PREPARING:
        why = f"trying a way takes up to {PREPARING:.0f} s, and this process pauses in {within:.0f} s"
        return Way(name="eager", step=plain, passed_over=dict.fromkeys(wanted, why) | passed_over, seconds={})
    seconds = {"eager": pace(plain)} if wanted else {}
    best, step = "eager", plain
    for name in wanted:
        expected = min(left * seconds[best], within)
        if expected < WORTH[name]:
            passed_over[name] = f"it pays from {WORTH[name]:.0f} s of training on, and about {expected:.0f} s are left"
            continue
        made = plain  # frees the memory of the way before, if it was passed over, for the recording of this one
        try:
            made = make[name]()
            seconds[name] = pace(made)  # first, so that a record tells what a way that differs would spare
            if reason := differs(made):
                passed_over[name] = reason
                continue
        except Exception as error:
            found = _short(error)
            if any(isinstance(one, RecordingError) or spoils_gpu(one) for one in _chain(error)):
                raise CaptureError(name, found) from error
            passed_over[name] = found
            continue
        if seconds[name] < seconds[best]:
            best, step = name, made
        else:
            passed_over[name] = f"it takes {1e3 * seconds[name]:.3g} ms a step, {best} {1e3 * seconds[best]:.3g} ms"
    return Way(name=best, step=step, passed_over=passed_over, seconds=seconds)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came from: what fails while another unwinds hides it."""
    one, seen = error, set[int]()
    while one is not None and id(one) not in seen:
        yield one
        seen.add(id(one))
        one = one.__cause__ or one.__context__  # type: ignore[assignment]


def _pace(spec: NetworkSpec, net: Trainable, examples: Examples, state: State, step: Step) -> float:
    """Seconds of a step, over the ten of the trial, once warm: the least of some repetitions."""
    steps, device, taken = course(spec, examples, state.row), net.running.device, list[float]()
    net.model.train()
    with undone(net, state):
        for _ in range(1 + REPETITIONS):
            torch.cuda.synchronize(device)
            began = time.monotonic()
            for row, number, rate in steps:
                step(row, number, rate)
            torch.cuda.synchronize(device)
            taken.append(time.monotonic() - began)
    return min(taken[1:]) / len(steps)


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200] if lines else ''}"
