"""The figures of "Speed and size", printed with hardware, n and spread: python -m tests.bench."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPRO = [str(Path(sys.executable).with_name("repro"))]


def main() -> None:
    """Prints one line a figure; judges nothing."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    print(f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    repeat("repro --help", 5, lambda: command("--help"))
    repeat("repro plan --scale paper", 5, lambda: command("plan", "--scale", "paper"))
    with tempfile.TemporaryDirectory() as place:
        where = ["--results", f"{place}/results", "--report", f"{place}/report"]
        repeat("repro verify --scale smoke, from an empty store", 1, lambda: command("verify", *where))
        repeat("repro judge, full smoke store", 3, lambda: command("judge", *where))
        repeat("repro report, full smoke store", 3, lambda: command("report", "--report", f"{place}/report"))
        for name in ("report.html", "report.pdf", "verdicts.json"):
            print(f"{name}: {(Path(place) / 'report' / name).stat().st_size / 1e6:.2f} MB")
    print(f"checkpoint of a BatchNorm-only ResNet-866: {checkpoint_bytes() / 1e6:.3f} MB")
    for depth, trained in ((8, "batchnorm"), (32, "batchnorm"), (32, "all")):
        print(f"training, digits, resnet-{depth} {trained}, one thread: {images_per_second(depth, trained)}")


def command(*arguments: str) -> None:
    """Runs the command line; a finding that does not hold is not a failure."""
    done = subprocess.run([*REPRO, *arguments], stdout=subprocess.DEVNULL, check=False)
    assert done.returncode in (0, 1), f"{arguments} ended with {done.returncode}"


def repeat(name: str, times: int, call: Callable[[], None]) -> None:
    """Times a call and prints median and range."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    spread = f" (n = {times}, {min(seconds):.2f} to {max(seconds):.2f})" if times > 1 else " (n = 1)"
    print(f"{name}: {statistics.median(seconds):.2f} s{spread}", flush=True)


def checkpoint_bytes() -> int:
    """Size of the checkpoint file, written as training writes it."""
    import torch

    from repro.recipes import cifar
    from repro.runs.store import CHECKPOINT
    from repro.training.checkpoint import write_checkpoint
    from repro.training.loop import start
    from repro.training.trainable import prepare

    spec = cifar("paper", 0, depth=866)
    net = prepare(spec, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as place:
        write_checkpoint(Path(place), spec, net, start(net), [], [])
        return (Path(place) / CHECKPOINT).stat().st_size


def images_per_second(depth: int, trained: str) -> str:
    """Median and range over three epochs after a first one, evaluation included."""
    import torch

    from repro.recipes import cifar
    from repro.training.data import load
    from repro.training.loop import start, train
    from repro.training.trainable import prepare

    torch.set_num_threads(1)
    spec = cifar("smoke", 0, depth=depth, trained=trained)
    images, net = load(spec, Path(), torch.device("cpu")), prepare(spec, torch.device("cpu"))
    rates: list[float] = []
    began = time.perf_counter()
    for _ in train(spec, net, images, start(net), lambda state: len(rates) > 3):
        now = time.perf_counter()
        rates.append(len(images.train.labels) / (now - began))
        began = now
    rates = rates[1:]
    return f"{statistics.median(rates):.0f} images/s (n = {len(rates)} epochs, {min(rates):.0f} to {max(rates):.0f})"


if __name__ == "__main__":
    main()
