"""What a device does in a second: a large product, a narrow convolution, a copy, a launch, steps of some networks."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from repro.runs.datasets import DATASETS
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.training import machine
from repro.training.data import Examples, Split
from repro.training.loop import State, start, train
from repro.training.precision import arithmetic
from repro.training.trainable import lower, prepare
from repro.training.ways import way

PRECISIONS = ("float32", "tf32", "bfloat16")
SECONDS = 1.0  # that one figure is measured for, at least
REPEATS = 5  # whose median counts
SIDE = {"cpu": 1024, "cuda": 8192}  # of the product's square matrices: 2 and 1,100 GFLOP
VALUES = {"cpu": 2**25, "cuda": 2**28}  # float32 of the copy: 128 MB and 1 GB, more than any cache
CHANNELS, BATCH = 16, 128  # of the narrow convolution, that of the first group of a CIFAR ResNet
CONVOLUTIONS = {"cpu": 1, "cuda": 50}  # that are timed together: a GPU takes less time for one than asking for it does
OPERATIONS = 200  # whose launches are timed together, and as many backward
BATCHES = 100  # of synthetic training examples
WARM = 3  # steps before the others count


def rates(where: str) -> dict[str, float]:
    """Floating-point operations of a product by precision, and "convolution", "copy" and "launch", in units a second.

    The convolution's are floating-point operations too, the copy's bytes read and written, a launch's operations that
    autograd follows forward and backward; a GPU replays these and the convolutions, as it does the steps of a run, from
    a recorded graph. On a CPU one thread is measured, by processor time, in float32 alone.
    """
    device = torch.device(where)
    machine.settle(device)
    found = {}
    side, kind = SIDE[device.type], device.type
    square = torch.randn(side, side, device=device)
    for precision in PRECISIONS if kind == "cuda" else PRECISIONS[:1]:
        factor = square.to(torch.bfloat16) if precision == "bfloat16" else square  # else each product would round it
        with arithmetic(precision, device):
            found[precision] = 2 * side**3 / _seconds(partial(torch.mm, factor, factor), device)
    images = torch.randn(BATCH, CHANNELS, 32, 32, device=device).to(memory_format=torch.channels_last)
    kernel = torch.randn(CHANNELS, CHANNELS, 3, 3, device=device).to(memory_format=torch.channels_last)
    with arithmetic("float32", device):
        several = partial(_convolutions, images, kernel, CONVOLUTIONS[kind])
        taken = _seconds(_recorded(several, device) if kind == "cuda" else several, device)
    found["convolution"] = 2 * 9 * CHANNELS**2 * 32**2 * BATCH * CONVOLUTIONS[kind] / taken
    there, back = (torch.empty(VALUES[kind], device=device) for _ in range(2))
    there.fill_(1.0)
    found["copy"] = 2 * 4 * VALUES[kind] / _seconds(lambda: back.copy_(there), device)
    scalar = torch.ones(1, device=device, requires_grad=True)

    def chain() -> None:
        value = scalar
        for _ in range(OPERATIONS):
            value = value * 1.0
        value.backward()  # type: ignore[no-untyped-call]

    found["launch"] = 2 * OPERATIONS / _seconds(_recorded(chain, device) if kind == "cuda" else chain, device)
    return found


def names(where: str) -> tuple[str, str, str]:
    """A device's kind and name, and the version of torch."""
    found = machine.hardware(torch.device(where))
    return found["device_type"], found["device"], torch.__version__


def step_seconds(spec: NetworkSpec, where: str, seconds: float) -> float:
    """Seconds of one step of training on synthetic examples, measured for about so many seconds; stores nothing."""
    device = torch.device(where)
    machine.settle(device)
    examples, net = synthetic(spec, device), prepare(spec, device)
    lower(net, spec.precision)
    taken, began = -WARM, 0.0

    def over(_state: State) -> bool:
        nonlocal taken, began
        if taken == 0:
            synchronise(device)
            began = now(device)
        taken += 1
        return taken > 1 and (now(device) - began >= seconds or taken == BATCHES - WARM)

    state = start(spec, net)
    step = way(spec, net, examples, state, {}).step if isinstance(spec, ResNetSpec) else None  # as a run takes them
    for _ in train(spec, net, examples, state, over, step):
        pass
    synchronise(device)
    return (now(device) - began) / (taken - 1)


def synthetic(spec: NetworkSpec, device: torch.device) -> Examples:
    """Random examples in the shape of a spec's data set: enough for the steps that are timed, and one piece to test."""
    dataset = DATASETS[spec.dataset]
    generator = torch.Generator().manual_seed(0)

    def split(count: int) -> Split:
        shape = (count, *dataset.shape)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator) if dataset.pixels else None
        inputs = torch.randn(shape, generator=generator) if pixels is None else pixels
        labels = torch.randint(0, dataset.classes, (count,), generator=generator)
        return Split(inputs=inputs.to(device), labels=labels.to(device))

    return Examples(train=split(BATCHES * spec.batch_size), test=split(250), dataset=dataset, fingerprints={})


def now(device: torch.device) -> float:
    """A clock in seconds: of this process's work on a CPU, which others may keep busy, of the wall on a GPU."""
    return time.process_time() if device.type == "cpu" else time.perf_counter()


def synchronise(device: torch.device) -> None:
    """Waits for what a GPU has been asked to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _convolutions(images: torch.Tensor, kernel: torch.Tensor, count: int) -> None:
    for _ in range(count):
        functional.conv2d(images, kernel, padding=1)


def _recorded(call: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """What replays a call as a CUDA graph."""
    with torch.cuda.device(device):
        stream, here = torch.cuda.Stream(device), torch.cuda.current_stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            for _ in range(WARM):
                call()
        here.wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            call()
    return graph.replay


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call: the median of some repeats, each long enough for the clock."""
    call()  # the first one chooses an algorithm
    synchronise(device)
    found: list[float] = []
    calls, spent = 1, 0.0
    while len(found) < REPEATS or spent < SECONDS:
        began = now(device)
        for _ in range(calls):
            call()
        synchronise(device)
        took = now(device) - began
        if took < SECONDS / (2 * REPEATS):
            calls *= 2
            continue
        found.append(took / calls)
        spent += took
    return statistics.median(found)
