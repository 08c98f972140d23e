"""A step that a GPU has recorded, whole, as a CUDA graph, and replays in one launch."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from repro.runs.network_spec import NetworkSpec
from repro.training.data import Batches, Examples, batches
from repro.training.models.cifar import BasicBlock
from repro.training.models.small_stem import Bottleneck
from repro.training.step import State, Step, static
from repro.training.trainable import Trainable
from repro.training.trial import undone

AHEAD = 16  # steps that are queued at least before the host waits for the GPU
WARM = 3  # real steps before the recording, in which libraries choose their kernels
# Pieces of code for a block, over all runs of a worker: for each network two batch sizes, three or four groups, first
# blocks apart.
RECOMPILED = 4096


Body = Callable[[Tensor], None]  # a step on the examples of an index
Blocks = Callable[[nn.Module], AbstractContextManager[None]]  # while open, the network's blocks run in another way


class RecordingError(RuntimeError):
    """A recording failed, and leaves the memory of the GPU in a state that nothing mends."""


def captured(spec: NetworkSpec, net: Trainable, examples: Examples, state: State, blocks: Blocks) -> Step:
    """The step as a graph for each size of batch, over blocks in some way; the state stays as it is.

    Raises:
        RecordingError: this process must not use the GPU any more.
        Exception: the compiler failed, or a step waits for the host; the process is as it was.
    """
    device = net.running.device
    with torch.cuda.device(device), blocks(net.model):
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        pool = torch.cuda.graph_pool_handle()  # one for both sizes: they never run at once
        return replayed(spec, net, examples, state, lambda body, index: _record(body, index, stream, pool))


def replayed(
    spec: NetworkSpec,
    net: Trainable,
    examples: Examples,
    state: State,
    record: Callable[[Body, Tensor], Callable[[], None]],
) -> Step:
    """The step as replays of what ``record`` makes of it for each size of batch; the state stays as it is.

    Before a replay, what changed since the last is copied to where the recorded step reads it.
    """
    row = batches(spec, examples, state.row)
    assert row.gather is not None
    tables = tuple(table.clone() for table in row.gather.tables)
    rate = torch.full((), spec.learning_rate, device=net.running.device)
    body = static(spec, net, state, row.gather, tables, rate)
    net.model.train()
    replays: dict[int, tuple[Tensor, Callable[[], None]]] = {}
    with undone(net, state):
        for number in (0, row.count - 1):  # a whole batch, and the last one
            index = row.gather.index(number).clone()
            if len(index) not in replays:
                replays[len(index)] = index, record(body, index)
    here, at = row, spec.learning_rate

    def step(row: Batches, number: int, now: float) -> None:
        nonlocal here, at
        assert row.gather is not None
        if row is not here:
            for table, drawn in zip(tables, row.gather.tables, strict=True):
                table.copy_(drawn)
            here = row
        if now != at:
            rate.fill_(now)
            at = now
        wanted = row.gather.index(number)
        index, replay = replays[len(wanted)]
        index.copy_(wanted)
        replay()

    return step


def _record(body: Body, index: Tensor, stream: torch.cuda.Stream, pool: Any) -> Callable[[], None]:
    """What replays a step on an index."""
    here = torch.cuda.current_stream(stream.device)
    stream.wait_stream(here)  # autograd's nodes must not be bound to the default stream
    try:
        with torch.cuda.stream(stream):
            for number in range(WARM):
                with _no_waiting() if number else nullcontext():  # libraries may wait when they are first used
                    body(index)
    finally:
        here.wait_stream(stream)  # what puts the state back, here, comes after the steps that moved it
    torch.cuda.synchronize(stream.device)
    graph, first = torch.cuda.CUDAGraph(), list[Exception]()
    try:
        with torch.cuda.graph(graph, stream=stream, pool=pool):
            try:
                body(index)
            except Exception as error:  # leaving the recording raises again, and hides this one
                first.append(error)
                raise
    except Exception as error:
        raise RecordingError(f"{(first or [error])[0]}") from error
    return _bounded(graph)


def _bounded(graph: torch.cuda.CUDAGraph) -> Callable[[], None]:
    """The replay of a graph, which waits where the host is many steps ahead of the GPU.

    Else a whole epoch is queued, and a run that is told to stop takes that long to save where it stands.
    """
    count, ends = 0, deque[torch.cuda.Event]()

    def replay() -> None:
        nonlocal count
        graph.replay()
        count += 1
        if count % AHEAD == 0:
            ends.append(torch.cuda.Event())  # type: ignore[no-untyped-call]
            ends[-1].record()
            if len(ends) > 1:  # at least AHEAD steps stay queued: the GPU does not notice
                ends.popleft().synchronize()

    return replay


@contextmanager
def _no_waiting() -> Iterator[None]:
    """While open, what makes the host wait for the GPU is an error: here it costs a way, in a recording the process."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def as_they_are(_model: nn.Module) -> AbstractContextManager[None]:
    """The network's blocks, one operation after the other."""
    return nullcontext()


def fused(model: nn.Module) -> AbstractContextManager[None]:
    """The network's blocks, with fused BatchNorms.

    Raises:
        ImportError: Triton is not there.
        TypeError: the network has no blocks with BatchNorm.
    """
    from repro.training import fused  # Triton, which a CPU never needs and not every platform has

    return fused.fused(model)


@contextmanager
def compiled(model: nn.Module) -> Iterator[None]:
    """While open, the network's blocks run compiled, all by the same few pieces of code.

    Whole networks take minutes to compile. Evaluation, outside, runs the blocks as they are.
    """
    blocks = [module for module in model.modules() if isinstance(module, BasicBlock | Bottleneck)]
    with torch._dynamo.config.patch(recompile_limit=RECOMPILED, accumulated_recompile_limit=RECOMPILED):
        for block in blocks:
            block.compile(dynamic=False, fullgraph=True)
        try:
            yield
        finally:
            for block in blocks:
                block._compiled_call_impl = None
