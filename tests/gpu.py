"""The first minutes on a GPU: what nobody has run there yet, in one command that ends in time.

    python -m tests.gpu OUT [--data-dir DATA] [--results STORE] [--minutes 9] [--parts smoke,ways,…]

Each part is a process with a limit of its own; what fails, hangs or takes too long is cut off, and the next one begins.
What is trained lies in the store, and OUT holds log.txt, with every command, what it printed and how it ended, and
runs.tar.xz, which `repro import` takes in. Needs no more than training does, and no network.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from tests.beside import NETWORKS, network_spec

TRIED = ("resnet-14", "resnet-110", "resnet-866", "wrn-14-4")  # by every way to take a step
GRACE = 20.0  # seconds for a part to end once it is told to, and for the runs to be packed


@dataclass(frozen=True)
class Part:
    """One command, and the most seconds that it may take."""

    name: str
    words: tuple[str, ...]
    seconds: float


def parts(given: argparse.Namespace) -> Iterator[Part]:
    """What there is to do, what matters most first; training takes the time that is left."""
    repro, own = ("-m", "repro.cli"), ("-m", "tests.gpu", str(given.out))
    where = ("--results", str(given.results), "--data-dir", str(given.data_dir))
    on = ("--device", given.device)
    yield Part("smoke", (*repro, "run", *where, *on, "-k", "far-above-chance"), 90)
    for network in TRIED:
        yield Part(f"ways-{network}", (*own, "--ways", network, *on), 75)
    yield Part("bench", (*repro, "bench", *where[:2], *on), 90)
    for network in ("resnet-110", "resnet-14"):
        beside = ("-m", "tests.beside", *where, "--networks", network, "--repetitions", "1")
        yield Part(f"beside-{network}", beside, 60)
    yield Part("sharing", (*own, *where, "--sharing", "resnet-14", *on), 75)
    pilot = ("--scale", "pilot", "--data", "cifar10-jpeg", *given.claims)
    yield Part("pilot", (*repro, "run", *where, *on, *pilot, "--budget", "{left}s"), 3600)
    packed = str(given.out / "runs.tar.xz")
    yield Part("export", (*repro, "export", *where, *pilot, "--to", packed), 60)


def main() -> None:
    """Goes through the parts until the time is over."""
    given = _options()
    if given.ways:
        _ways(given.ways, given.device)
        return
    if given.sharing:
        _sharing(given)
        return
    given.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.minutes
    with (given.out / "log.txt").open("w+", encoding="utf-8", errors="replace") as log:
        for part in parts(given):
            if {part.name, part.name.partition("-")[0]} & {*given.parts.split(",")}:
                late = 0.0 if part.name == "export" else GRACE
                run(part, min(part.seconds, end - time.monotonic() - late), log)


def run(part: Part, seconds: float, log: TextIO) -> None:
    """Runs a part for so many seconds at most, with its output in the log as it comes, and a line on how it ended."""
    if seconds < 1:
        _tell(log, f"== {part.name}: no time left")
        return
    words = [sys.executable, *(word.replace("{left}", f"{max(1, seconds - GRACE):.0f}") for word in part.words)]
    _tell(log, f"== {part.name}: {' '.join(words[1:])}")
    began, before = time.monotonic(), log.tell()
    child = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        ended = f"exit {child.wait(seconds)}"
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # its workers too
        child.wait()
        ended = "cut off"
    log.seek(before)
    print(log.read().rstrip())
    _tell(log, f"== {part.name}: {ended} after {time.monotonic() - began:.1f} s")


def _ways(network: str, device: str) -> None:
    """Prints for each precision which ways to take steps agree with the eager one, and the seconds of each."""
    import torch

    from repro.training import machine, rates
    from repro.training.loop import start
    from repro.training.trainable import lower, prepare
    from repro.training.ways import way

    where = torch.device(device)
    machine.settle(where)
    for precision in ("float32", "bfloat16") if where.type == "cuda" else ("float32",):
        spec = replace(network_spec(network, precision), batch_size=128 if where.type == "cuda" else 4)
        net = prepare(spec, where)
        lower(net, spec.precision)
        found = way(spec, net, rates.synthetic(spec, where), start(spec, net), {})
        print(json.dumps({"network": network, "precision": precision, **found.record()}), flush=True)


def _sharing(given: argparse.Namespace) -> None:
    """Prints images per second of one, two, four and eight runs of a network on the device at once."""
    from repro.executing.sharing import measured_rate, rates

    spec = network_spec(given.sharing, "float32")
    rate = measured_rate(given.data_dir, given.device, stopped=lambda: False, seconds=3.0)
    print(json.dumps({"network": given.sharing, "images_per_second": rates(spec, rate)}), flush=True)


def _tell(log: TextIO, text: str) -> None:
    print(text, flush=True)
    print(text, file=log, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="of the JPEG copy of CIFAR-10")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--minutes", type=float, default=9.0, help="until all must have ended")
    parser.add_argument("--parts", default="smoke,ways,bench,beside,sharing,pilot,export")
    parser.add_argument("--claims", nargs="*", default=[], help="of the pilot, to train alone")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--ways", choices=NETWORKS, help=argparse.SUPPRESS)
    parser.add_argument("--sharing", choices=NETWORKS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
