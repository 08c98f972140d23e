"""The plain loop and the engine side by side on the device at hand: python -m tests.beside [--data-dir DATA].

The plain loop is what published code does: torchvision's transforms on PIL images in a DataLoader, torch as it is set
out of the box, every parameter but γ and β with ``requires_grad=False``, and the loss read back in every step. Both
train the same networks from the same seed. Repetitions alternate, each in a process of its own below this one, which
tells its results on stderr as they come. On a CPU rates are images a second of processor time, loaders included, since
others may use the machine too; and the plain loop has one thread, as the engine has, since threads that wait for each
other on a busy machine would count as work. With ``--machine``, on one that does nothing else, rates are of the wall
and of the whole machine: the plain loop has as many threads as torch takes, the engine a process on every core.

On a GPU both are timed over whole epochs after a first one, without evaluation: the plain loop with a loader on every
core, the engine with what it draws for each epoch; float32 is IEEE's in both, though torch out of the box has TF32.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from repro.planning.device import Device, at_hand
from repro.planning.work import work
from repro.provenance import detect_device, device_name
from repro.recipes import cifar
from repro.runs.resnet_spec import ResNetSpec

NETWORKS = {
    "resnet-14": (14, 1),
    "resnet-56": (56, 1),
    "resnet-110": (110, 1),
    "resnet-866": (866, 1),
    "wrn-14-4": (14, 4),
}
ARMS = ("plain", "engine")
WARM = 2  # steps before the timed ones
SECONDS = 2.0  # of timed steps, about, by what a step should take
LONGER = 5  # times as many where processes run at once: they do not begin in the same moment
LOADERS = 2  # workers of the DataLoader, on a CPU
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Prints the table, one row a network and precision."""
    given = _options()
    if given.worker:
        for one in _measured(given):
            print(json.dumps(one), flush=True)
            told = f"{one['network']}, {one['precision']}, {given.worker}: {one['rate']:.0f} images/s"
            print(
                f"{told}, {one['images']} in {one['seconds']:.1f} s, peak {one['peak'] / 1e6:.0f} MB", file=sys.stderr
            )
        return
    kind = detect_device()
    device = at_hand(given.results, kind, device_name(kind))
    found: dict[tuple[str, str], dict[str, list[dict[str, float]]]] = {}
    for repetition in range(given.repetitions):
        for arm in ARMS[:: 1 if repetition % 2 else -1]:
            for one in _run(given, arm):
                arms = found.setdefault((one["network"], one["precision"]), {})
                arms.setdefault(arm, []).append(one)
    print("\n".join(table(found, device, given.repetitions, given.machine)))


def table(
    found: dict[Any, dict[str, list[dict[str, float]]]], device: Device, n: int, machine: bool = False
) -> Iterator[str]:
    """A Markdown table: medians, and ranges of n repetitions; of one thread on a CPU, or of the whole machine."""
    unit = "images/s" if machine or device.kind != "cpu" else "images per processor-second"
    cores = _cores() if machine and device.kind == "cpu" else 1
    data = {one["data"] for arms in found.values() for some in arms.values() for one in some}
    here = device_name(device.kind) if device.kind == "cpu" else device.words  # the limit may be another's
    yield f"{here}, {os.cpu_count()} cores; {', '.join(map(str, data))}; {unit}, median (range, n = {n})"
    yield f"limit: {device.source}" + ("" if device.kind == "cpu" else "; of steps whose operations are not fused")
    yield "| network | plain loop | engine | times | engine's share of the limit | peak MB | start, s |"
    yield "|---|---|---|---|---|---|---|"
    for network in NETWORKS:
        for precision in ("float32",) if device.kind == "cpu" else ("float32", "bfloat16"):
            arms = found.get((network, precision), {})
            if set(arms) != set(ARMS):
                yield f"| {network}, {precision} | not measured | | | | | |"
                continue
            plain, engine = ([one["rate"] for one in arms[arm]] for arm in ARMS)
            times = statistics.median(engine) / statistics.median(plain)
            spec = network_spec(network, precision)
            limit = cores * spec.batch_size / device.limit(work(spec)[0])
            cells = [
                f"{network}, {precision}",
                _spread(plain),
                _spread(engine),
                f"{times:.2f}",
                f"{statistics.median(engine) / limit:.0%}",
                " / ".join(f"{statistics.median(one['peak'] for one in arms[arm]) / 1e6:.0f}" for arm in ARMS),
                " / ".join(f"{statistics.median(one['start'] for one in arms[arm]):.1f}" for arm in ARMS),
            ]
            yield f"| {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="of the JPEG copy; else images are random")
    parser.add_argument("--results", type=Path, default=Path("results"), help="beside which repro bench measured")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--machine", action="store_true", help="all cores and the wall's time; nothing else may run")
    parser.add_argument("--worker", choices=ARMS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(given: argparse.Namespace, arm: str) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "tests.beside", "--worker", arm, "--data-dir", given.data_dir]
    words += ["--results", given.results, "--networks", given.networks, *(["--machine"] if given.machine else [])]
    count = _cores() if given.machine and arm == "engine" and detect_device() == "cpu" else 1
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    told = [process.communicate()[0].splitlines() for process in started]
    for process in started:
        if process.returncode:
            print(f"{arm}: exit {process.returncode}; what it had not measured is missing", file=sys.stderr)
    return [_together(same) for same in zip(*(map(json.loads, lines) for lines in told), strict=False)]


def _together(same: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """What processes that ran at once measured of one network."""
    rate, peak = (sum(one[name] for one in same) for name in ("rate", "peak"))
    return {**same[0], "rate": rate, "peak": peak, "start": max(one["start"] for one in same)}


def _cores() -> int:
    return os.cpu_count() or 1


def network_spec(network: str, precision: str) -> ResNetSpec:
    """BatchNorm alone of one of NETWORKS, under the protocol of the paper."""
    from dataclasses import replace

    depth, width = NETWORKS[network]
    return replace(cifar("paper", 0, depth=depth, width=width), precision=precision, dataset="cifar10-jpeg")


def _measured(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """In a process of its own: every network, one after the other."""
    import torch

    from repro.training import machine

    kind = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(kind)
    limits = at_hand(given.results, kind, device_name(kind))
    real = any(given.data_dir.glob("train*.parquet"))
    start = 0.0
    for network in given.networks.split(","):
        for precision in ("float32",) if kind == "cpu" else ("float32", "bfloat16"):
            spec = network_spec(network, precision)
            steps = max(2, round(SECONDS * (LONGER if given.machine else 1) / limits.limit(work(spec)[0])))
            machine.forget_peak_memory(device)
            call = _plain if given.worker == "plain" else _engine
            steps = min(steps, 80)
            images, seconds, first = call(spec, device, given.data_dir if real else None, steps, given.machine)
            start = start or first
            yield {
                "network": network,
                "precision": precision,
                "images": images,
                "seconds": seconds,
                "rate": images / seconds,
                "peak": machine.peak_memory(device),
                "start": start,
                "data": "CIFAR-10 re-encoded as JPEG" if real else "random images",
            }


def _images(spec: ResNetSpec, data_dir: Path | None) -> Any:
    """Training images and labels, (N, 32, 32, 3) uint8 and (N,) int64."""
    import numpy as np

    from repro.training.decoded import arrays

    if data_dir is not None:
        return arrays(spec.dataset, data_dir)[0]
    generator = np.random.default_rng(0)
    count = 100 * spec.batch_size
    return generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), generator.integers(0, 10, count)


def _clock(device: Any, machine: bool) -> float:
    """Seconds since this process began: of a processor, for it and its loaders that have ended, or of the wall."""
    if device.type == "cpu" and not machine:
        others = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + others.ru_utime + others.ru_stime
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - _began()


def _whole_epochs(epoch: Callable[[int], int], clock: Callable[[], float]) -> tuple[int, float]:
    """Images and seconds of some epochs; ``epoch`` trains one by its number and returns how many images it has."""
    began, images, number = clock(), 0, 1
    while clock() - began < SECONDS:
        images += epoch(number)
        number += 1
    return images, clock() - began


def _plain(spec: ResNetSpec, device: Any, data_dir: Path | None, steps: int, machine: bool) -> tuple[int, float, float]:
    """Images and seconds of some steps, or on a GPU of whole epochs, and the seconds until the first step was done."""
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    from repro.training.models import build, parts
    from repro.training.models.initial import fill
    from repro.training.precision import arithmetic

    clock = partial(_clock, device, machine)
    if device.type == "cpu" and not machine:
        torch.set_num_threads(1)
    images, labels = _images(spec, data_dir)
    changed = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ]
    )

    class Images(Dataset):  # as torchvision's CIFAR10 gives them
        def __init__(self, count: int) -> None:
            self.count = count

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> Any:
            return changed(Image.fromarray(images[index])), int(labels[index])

    model = fill(build(spec), spec).to(device).train()
    kinds = parts(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = kinds[name] == "batchnorm"
    moving = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(moving, lr=0.1, momentum=0.9, weight_decay=1e-4)
    criterion, low = torch.nn.CrossEntropyLoss(), spec.precision == "bfloat16"

    def loader(count: int, **more: Any) -> Any:
        return DataLoader(Images(count), batch_size=spec.batch_size, shuffle=True, **more)

    def train(batches: Any) -> None:
        loss_sum, correct = 0.0, 0
        for x, y in batches:
            x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=low):
                logits = model(x)
                loss = criterion(logits, y)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            correct += logits.argmax(1).eq(y).sum().item()

    if device.type == "cuda":
        arithmetic("float32", device)  # with which autocast has nothing to do
        many = {"num_workers": _cores(), "pin_memory": True, "persistent_workers": True}
        train(loader(spec.batch_size, num_workers=1))
        first, every = clock(), loader(len(images), **many)
        train(every)  # its loaders start here, and stay
        return *_whole_epochs(lambda _: train(every) or len(images), clock), first
    train(loader(spec.batch_size, num_workers=LOADERS))
    first = clock()
    train(loader(WARM * spec.batch_size, num_workers=LOADERS))
    began = clock()
    train(loader(steps * spec.batch_size, num_workers=LOADERS))
    return steps * spec.batch_size, clock() - began, first


def _engine(
    spec: ResNetSpec, device: Any, data_dir: Path | None, steps: int, together: bool
) -> tuple[int, float, float]:
    """The same of the suite's own training."""
    from repro.training import machine, rates
    from repro.training.data import batches, load
    from repro.training.loop import State, start, train
    from repro.training.trainable import lower, prepare
    from repro.training.ways import way

    clock = partial(_clock, device, together)
    machine.settle(device)
    examples = rates.synthetic(spec, device) if data_dir is None else load(spec, data_dir, device)
    net = prepare(spec, device)
    lower(net, spec.precision)
    state, times = start(spec, net), []
    # Compiling, which pays in a run of hours, would take most of a minute here.
    chosen = way(spec, net, examples, state, {"compiled": "not asked for"})

    def epoch(number: int) -> int:
        """As the loop's, but for the evaluation at its end."""
        drawn = batches(spec, examples, number)
        net.model.train()
        for step in range(drawn.count):
            chosen.step(drawn, step, spec.learning_rate)
        state.sums.tolist()
        state.sums.zero_()
        return len(examples.train.labels)

    def over(_: State) -> bool:
        done = len(times)  # steps
        times.append(clock() if done in (1, WARM, WARM + steps) else 0.0)
        return done == WARM + steps

    if device.type == "cuda":
        machine.forget_peak_memory(device)  # that of trying the ways
        print(json.dumps({"network": spec.network, "precision": spec.precision, **chosen.record()}), file=sys.stderr)
        first_batch = batches(spec, examples, 0)
        chosen.step(first_batch, 0, spec.learning_rate)
        first = clock()
        epoch(0)
        return *_whole_epochs(epoch, clock), first
    for _ in train(spec, net, examples, state, over, chosen.step):
        pass
    return steps * spec.batch_size, times[-1] - times[WARM], times[1]


@cache
def _began() -> float:
    """When this process began, in seconds since the machine was started."""
    after_its_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(after_its_name[19]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
