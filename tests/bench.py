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
    many_runs(4000)
    print(f"checkpoint of a BatchNorm-only ResNet-866: {checkpoint_bytes() / 1e6:.3f} MB")
    for depth, trained in ((8, "batchnorm"), (32, "batchnorm"), (32, "all")):
        print(f"training, digits, resnet-{depth} {trained}, one thread: {images_per_second(depth, trained)}")
    print(worker(Path(sys.argv[1] if len(sys.argv) > 1 else "data")))


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


def many_runs(count: int) -> None:
    """Prints what planning, packing and taking in take with many complete runs of a forged store."""
    from dataclasses import replace

    from repro.planning.plan import plan
    from repro.recipes import cifar
    from repro.runs.spec import RunSpec
    from repro.runs.store import Store
    from repro.runs.transfer import export, take_in
    from tests.made import check_of, finished

    done: list[object] = []

    def runs(scale: str, seed: int, group: int) -> dict[str, RunSpec]:
        return {"BatchNorm": replace(cifar(scale, seed, depth=8), learning_rate=0.1 + group / 1e6)}

    specs = [runs("smoke", index % 3, index // 3)["BatchNorm"] for index in range(count)]
    check = check_of(runs, id="many")
    checks = [replace(check, params={"group": group}) for group in range(-(-count // 3))]
    with tempfile.TemporaryDirectory() as place:
        store, file = Store(Path(place) / "here"), Path(place) / "runs.tar.xz"
        for spec in specs:
            finished(store, spec)
        repeat(f"plan, {count} complete runs", 3, lambda: done.append(plan(checks, store, device_type="cpu")))
        repeat(f"export, {count} complete runs", 1, lambda: done.append(export(store, specs, file)))
        there = Store(Path(place) / "there")
        repeat(f"import, {count} complete runs", 1, lambda: done.append(take_in(there, file)))


def checkpoint_bytes() -> int:
    """Size of the checkpoint file, written as training writes it."""
    import torch

    from repro.recipes import cifar
    from repro.runs.store import CHECKPOINT
    from repro.training.checkpoint import Past, write_checkpoint
    from repro.training.learner import learner

    spec = cifar("smoke", 0, depth=866)
    with tempfile.TemporaryDirectory() as place:
        write_checkpoint(Path(place), spec, learner(spec, Path(), torch.device("cpu")), Past(criteria={}), [])
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
    for _ in train(spec, net, images, start(spec, net), lambda state: len(rates) > 3):
        now = time.perf_counter()
        rates.append(len(images.train.labels) / (now - began))
        began = now
    rates = rates[1:]
    return f"{statistics.median(rates):.0f} images/s (n = {len(rates)} epochs, {min(rates):.0f} to {max(rates):.0f})"


WORKER = """
import sys, time
from pathlib import Path
import torch
from repro.recipes import cifar
from repro.training import machine
from repro.training.data import load
from repro.training.loop import start, train
from repro.training.trainable import prepare
import dataclasses

def now():  # MB: resident, of which of its own
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return [int(fields[name].split()[0]) / 1e3 for name in ("VmRSS", "RssAnon", "VmHWM")]

cpu = torch.device("cpu")
machine.settle(cpu)
before = now()
spec = dataclasses.replace(cifar("paper", 0, depth=14), dataset="cifar10-jpeg")
began = time.perf_counter()
images = load(spec, Path(sys.argv[1]), cpu)
seconds, net, times = time.perf_counter() - began, prepare(spec, cpu), []
machine.forget_peak_memory(cpu)
def over(state):
    times.append(time.perf_counter())
    return len(times) > 30
for _ in train(spec, net, images, start(spec, net), over):
    pass
state = start(spec, net)
state.row, state.step = 1, 390  # the last step of an epoch, and its evaluation
for _ in train(spec, net, images, state, lambda state: state.row > 1):
    pass
rate = 128 / sorted(b - a for a, b in zip(times, times[1:]))[15]
after = now()
print(
    f"data there in {seconds:.2f} s; resident {before[0]:.0f} MB with torch imported ({before[1]:.0f} its own), "
    f"{after[0]:.0f} after training ({after[1]:.0f} its own), at most {after[2]:.0f}; {rate:.0f} images/s"
)
"""


def worker(data_dir: Path) -> str:
    """Start and memory of a worker that trains ResNet-14 on CIFAR-10, from the second start on."""
    name = "worker, CIFAR-10 as JPEG, resnet-14 batchnorm, one thread"
    if not any(data_dir.glob("train*.parquet")):
        return f"{name}: no data in {data_dir}; name its folder: python -m tests.bench <folder>"
    for _ in range(2):  # the first may have to decode
        done = subprocess.run([sys.executable, "-c", WORKER, data_dir], capture_output=True, text=True, check=True)
    return f"{name}: {done.stdout.strip()}"


if __name__ == "__main__":
    main()
