"""Parts of `make gpu` that are no command of the suite: python -m tests.gpu_parts PART …, called by tests.gpu.

    versions                    what is there; fails where there is no GPU
    layouts                     a convolution and its gradient by order of its values in memory and by precision
    ways NETWORK --names A,B    each way beside the eager one, in each precision
    whole OUT                   the same short run by each way
    sharing NETWORK             several runs at once, in threads and in processes

Ways are tried in a process each, forked before anything has asked for the GPU: one that spoils it, crashes or hangs
takes no other with it. Each line is printed as soon as it is known.
"""

import argparse
import contextlib
import importlib.metadata
import json
import multiprocessing
import platform
import shutil
import subprocess
import sys
import tarfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from repro.provenance import code_digest, commit
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from tests.beside import NETWORKS, network_spec
from tests.gpu import NO_GPU

PACKAGES = ("torch", "torchvision", "triton", "numpy", "scipy", "pyarrow", "pillow", "safetensors", "scikit-learn")
DRIVER = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.sm", "--format=csv,noheader")
WHOLE = ("eager", "captured", "fused")  # ways that a whole run is trained by
SHARING = ((1, False), (2, True), (4, True), (2, False))  # runs at once, and whether in threads: those are untested
NOT_ASKED = "not asked for"
TOGETHER = 50  # convolutions that are timed at once


def main() -> None:
    """Runs a part."""
    given = _options()
    match given.part:
        case "versions":
            versions(given.device)
        case "layouts":
            layouts(given.device)
        case "ways":
            precisions = ("float32", "bfloat16") if given.device != "cpu" else ("float32",)
            todo = [partial(one_way, given.network, p, n, given.device) for p in precisions for n in given.names]
            each_forked(todo, given.patience)
        case "whole":
            stores = given.results.with_name(f"{given.results.name}-by-way")
            spec = whole_spec()
            for name in WHOLE:
                each_forked([partial(one_run, spec, name, stores / name, given.data_dir, given.device)], given.patience)
                packed(stores, given.out / "by-way.tar.xz")
        case "sharing":
            sharing(given)


def versions(device: str) -> None:
    """Prints what computes here, and stops with a line where a GPU is asked for and torch sees none."""
    import torch

    here = {"python": platform.python_version(), "commit": commit(), "code": code_digest()}
    here |= {package: _version(package) for package in PACKAGES}
    with contextlib.suppress(OSError):  # where loaders of the plain loop put batches
        here["free bytes of /dev/shm"] = shutil.disk_usage("/dev/shm").free
    here |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        here["gpu"] = subprocess.run(DRIVER, capture_output=True, text=True, check=False, timeout=30).stdout.strip()
    print(json.dumps(here, indent=1), flush=True)
    if not here["commit"]:
        print("no .git here: runs will name no commit, but the digest of their code, which their checkout tells, too:")
        print("python -c 'from repro.provenance import code_digest; print(code_digest())'")
    if here["scikit-learn"] is None:
        print("no scikit-learn here: nothing is trained on the digits, and smoke fails; the rest does without it")
    if device != "cpu" and not torch.cuda.is_available():
        print(f"torch {torch.__version__} sees no GPU (torch.cuda.is_available() is false): nothing to do")
        raise SystemExit(NO_GPU)


def layouts(device: str, batch: int = 128) -> None:
    """Prints the seconds of 3×3 convolutions as in a ResNet's groups, forward and backward to their input.

    Channels last pays where a GPU has tensor cores for a precision; whether it does in float32 is not known. A GPU
    replays them from a recorded graph, many at once: one takes less time there than asking for it.
    """
    import torch

    from repro.training import machine
    from repro.training.precision import arithmetic
    from repro.training.rates import _recorded, _seconds

    where = torch.device(device)
    machine.settle(where)
    orders = {"channels last": torch.channels_last, "channels first": torch.contiguous_format}
    for precision, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        for channels, side in ((16, 32), (32, 16), (64, 8)):
            for name, order in orders.items():
                with arithmetic(precision, where):
                    images = torch.randn(batch, channels, side, side, device=where, dtype=kind)
                    images = images.to(memory_format=order).requires_grad_()
                    kernel = torch.randn(channels, channels, 3, 3, device=where, dtype=kind).to(memory_format=order)

                    def both(images: Any = images, kernel: Any = kernel) -> None:
                        found = torch.nn.functional.conv2d(images, kernel, padding=1)
                        torch.autograd.grad(found, images, found)

                    def many(one: Callable[[], None] = both) -> None:
                        for _ in range(TOGETHER):
                            one()

                    seconds = _seconds(_recorded(many, where) if where.type == "cuda" else many, where) / TOGETHER
                    told = {"precision": precision, "channels": channels, "order": name, "seconds": seconds}
                    print(json.dumps(told), flush=True)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def each_forked(calls: Iterable[Callable[[], object]], patience: float) -> None:
    """Makes calls one after the other, each in a process of its own that is killed after so many seconds."""
    import repro.training.ways  # noqa: F401  once for all, and asks for no GPU

    for call in calls:
        child = multiprocessing.get_context("fork").Process(target=call)
        child.start()
        child.join(patience)
        if child.exitcode is None:
            child.kill()
            child.join()
            print(f"{_words(call)}: cut off after {patience:.0f} s", flush=True)
        elif child.exitcode:
            print(f"{_words(call)}: exit {child.exitcode}", flush=True)


def _words(call: Any) -> str:
    return ", ".join(word for word in call.args if isinstance(word, str))


def one_way(network: str, precision: str, name: str, device: str) -> None:
    """Prints whether a way agrees with the eager one, and the seconds of a step of both."""
    import torch

    from repro.training import machine, ways
    from repro.training.loop import start
    from repro.training.trainable import lower, prepare

    only(name)
    where = torch.device(device)
    machine.settle(where)
    spec = replace(network_spec(network, precision), batch_size=128 if where.type == "cuda" else 4)
    net, examples = prepare(spec, where), _with_a_short_batch(spec, where)
    lower(net, spec.precision)
    found = ways.way(spec, net, examples, start(spec, net), _others(name)).record()
    print(json.dumps({"network": network, "precision": precision, "tried": name, **found}), flush=True)


def only(name: str) -> None:
    """Lets ways be tried however short a run is, with the tracebacks of those that fail on stderr."""
    from repro.training import ways

    short = ways._short

    def told(error: BaseException) -> str:
        print(f"{name}:", file=sys.stderr)
        traceback.print_exception(error)
        return short(error)

    ways.WORTH = dict.fromkeys(ways.WORTH, 0.0)
    ways._short = told


def _others(name: str) -> dict[str, str]:
    from repro.training import ways

    return {other: NOT_ASKED for other in ways.BLOCKS if other != name}


def _with_a_short_batch(spec: ResNetSpec, where: Any) -> Any:
    """Random examples, with the last batch as short as CIFAR-10's."""
    from repro.training import rates
    from repro.training.data import Split

    examples = rates.synthetic(spec, where)
    count = len(examples.train.labels) - 3 * spec.batch_size // 8
    train = Split(inputs=examples.train.inputs[:count], labels=examples.train.labels[:count])
    return replace(examples, train=train)


def whole_spec() -> ResNetSpec:
    """A run of the pilot: fused blocks, which pay from a minute on, are in none of them otherwise."""
    from repro.recipes import cifar

    return replace(cifar("pilot", 0, depth=14), dataset="cifar10-jpeg")


def one_run(spec: ResNetSpec, name: str, store: Path, data_dir: Path, device: str) -> None:
    """Trains a whole run by a way, into a store of its own, and prints how it went."""
    from repro.runs.store import Store
    from repro.training import run

    only(name)
    run(
        spec, Store(store), data_dir=data_dir, device=device, criteria={}, pause=lambda: False, avoid=_others(name),
    )  # fmt: skip
    found = Store(store).run(spec)
    part, history = found.record["parts"][-1], found.history
    told = {word: part.get(word) for word in ("way", "passed_over", "seconds", "peak_memory_bytes")}
    curves = {word: [row[word] for row in history] for word in ("train_loss", "test_top1")}
    print(json.dumps({"tried": name, **told, "outcome": found.record["outcome"], **curves}), flush=True)


def packed(stores: Path, file: Path) -> None:
    """Packs what lies in stores side by side; each is one for `repro` once unpacked."""
    stores.mkdir(parents=True, exist_ok=True)  # the first run may have been cut off before it had one
    with tarfile.open(file, "w:xz") as archive:
        archive.add(stores, stores.name)


def sharing(given: argparse.Namespace) -> None:
    """Prints images per second of some runs at once; nothing that does not fit keeps the next from being tried."""
    from repro.executing.shared_rate import measured_rate

    spec: NetworkSpec = network_spec(given.network, "float32")
    measured = measured_rate(given.data_dir, given.device, stopped=lambda: False, seconds=3.0)
    for count, threads in SHARING:
        found = measured(spec, count, threads)
        told = {"network": given.network, "runs": count, "threads": threads, "images_per_second": found}
        print(json.dumps(told), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--patience", type=float, default=45.0, help="seconds for each way")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("versions")
    parts.add_parser("layouts")
    ways = parts.add_parser("ways")
    ways.add_argument("network", choices=NETWORKS)
    ways.add_argument("--names", type=lambda text: text.split(","), default=["captured", "fused"])
    parts.add_parser("whole").add_argument("out", type=Path)
    parts.add_parser("sharing").add_argument("network", choices=NETWORKS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
