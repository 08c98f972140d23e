"""The first minutes on a GPU: what nobody has run there yet, in one command that ends in time.

    python -m tests.gpu OUT [--data-dir DATA] [--results STORE] [--minutes 9] [--parts smoke,ways,…]

Each part is a process with a limit of its own; what fails, hangs or takes too long is cut off, and the next one begins.
What is trained lies in the store, and OUT holds log.txt, with every command, what it printed and how it ended, what
`repro bench` measured, and smoke.tar.xz and pilot.tar.xz, which `repro import` takes in. DATA is the JPEG copy of
CIFAR-10. Needs no more than training does, and no network: without an environment of its own, call it as above.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from tests.beside import NETWORKS, network_spec

TRIED = ("resnet-14", "resnet-110", "resnet-866", "wrn-14-4")
COMPILED = ("resnet-110",)  # blocks take most of a minute to compile
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
    on, smoke = ("--device", given.device), ("-k", "far-above-chance")
    yield Part("smoke", (*repro, "run", *where, *on, *smoke), 90)
    yield Part("data", (*repro, "data", "check", "cifar10-jpeg", *where[2:]), 60)  # decoded once, for all parts
    for network in TRIED:
        yield Part(f"ways-{network}", (*own, *on, "--ways", network, "--names", "captured,fused"), 75)
    yield Part("bench", (*repro, "bench", *where[:2], *on), 90)
    for network in ("resnet-110", "resnet-14"):
        beside = ("-m", "tests.beside", *where, "--networks", network, "--repetitions", "1")
        yield Part(f"beside-{network}", beside, 100)
    yield Part("sharing", (*own, *where, *on, "--sharing", "resnet-14"), 90)
    for network in COMPILED:
        yield Part(f"ways-compiled-{network}", (*own, *on, "--ways", network, "--names", "compiled"), 150)
    pilot = ("--scale", "pilot", "--data", "cifar10-jpeg", *given.claims)
    yield Part("pilot", (*repro, "run", *where, *on, *pilot, "--budget", "{left}s"), 3600)
    yield Part("export-smoke", (*repro, "export", *where[:2], *smoke, "--to", str(given.out / "smoke.tar.xz")), 30)
    yield Part("export", (*repro, "export", *where[:2], *pilot, "--to", str(given.out / "pilot.tar.xz")), 60)


def main() -> None:
    """Goes through the parts until the time is over."""
    given = _options()
    if given.ways:
        _ways(given)
        return
    if given.sharing:
        _sharing(given)
        return
    todo = [*parts(given)]
    known, wanted = {name for part in todo for name in names(part)}, given.parts.split(",")
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"--parts: {unknown[0]!r} is none of {', '.join(sorted(known))}")
    given.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.minutes
    with (given.out / "log.txt").open("w+", encoding="utf-8", errors="replace") as log:
        for part in todo:
            if names(part) & {*wanted}:
                late = 0.0 if part.name.startswith("export") else GRACE
                run(part, min(part.seconds, end - time.monotonic() - late), log)
    for file in (given.results / ".bench").glob("*.json"):
        shutil.copy(file, given.out)


def names(part: Part) -> set[str]:
    """What selects a part: its name, or the first word of it."""
    return {part.name, part.name.partition("-")[0]}


def run(part: Part, seconds: float, log: TextIO) -> None:
    """Runs a part for so many seconds at most, with its output in the log as it comes, and a line on how it ended."""
    if seconds < 1:
        _tell(log, f"== {part.name}: no time left")
        return
    words = [sys.executable, *(word.replace("{left}", f"{max(1, seconds - GRACE):.0f}") for word in part.words)]
    _tell(log, f"== {part.name}: {' '.join(words[1:])}")
    began, before = time.monotonic(), log.tell()
    # A group of its own, to be killed whole; not a session, which would outlive whoever kills this process.
    child = subprocess.Popen(words, stdout=log, stderr=log, process_group=0)
    try:
        ended = f"exit {child.wait(seconds)}"
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # its workers too
        child.wait()
        ended = "cut off"
    log.seek(before)
    print(log.read().rstrip())
    _tell(log, f"== {part.name}: {ended} after {time.monotonic() - began:.1f} s")


def _ways(given: argparse.Namespace) -> None:
    """Prints, for each way and precision, whether it agrees with the eager one, and the seconds of a step of both."""
    import torch

    from repro.errors import CaptureError
    from repro.training import machine, ways
    from repro.training.loop import start
    from repro.training.trainable import lower, prepare

    where = torch.device(given.device)
    machine.settle(where)
    ways.WORTH = dict.fromkeys(ways.WORTH, 0.0)  # however short a run would be
    for precision in ("float32", "bfloat16") if where.type == "cuda" else ("float32",):
        spec = replace(network_spec(given.ways, precision), batch_size=128 if where.type == "cuda" else 4)
        net, examples = prepare(spec, where), _with_a_short_batch(spec, where)
        lower(net, spec.precision)
        for name in given.names.split(","):
            others = {other: "not asked for" for other in ways.BLOCKS if other != name}
            try:
                found = ways.way(spec, net, examples, start(spec, net), others).record()
            except CaptureError as error:  # this process must not use the GPU any more
                raise SystemExit(f"{name}, {precision}: {error}") from None
            print(json.dumps({"network": given.ways, "precision": precision, "tried": name, **found}), flush=True)


def _with_a_short_batch(spec: ResNetSpec, where: Any) -> Any:
    """Random examples, with the last batch as short as CIFAR-10's."""
    from repro.training import rates
    from repro.training.data import Split

    examples = rates.synthetic(spec, where)
    count = len(examples.train.labels) - 3 * spec.batch_size // 8
    train = Split(inputs=examples.train.inputs[:count], labels=examples.train.labels[:count])
    return replace(examples, train=train)


def _sharing(given: argparse.Namespace) -> None:
    """Prints images per second of one, two, four and eight runs at once, in processes and in threads of one."""
    from repro.executing.shared_rate import measured_rate
    from repro.executing.sharing import measure

    spec = network_spec(given.sharing, "float32")
    measured = measured_rate(given.data_dir, given.device, stopped=lambda: False, seconds=3.0)

    def rate(spec: NetworkSpec, count: int, threads: bool) -> float | None:
        found = measured(spec, count, threads)
        told = {"network": given.sharing, "runs": count, "threads": threads, "images_per_second": found}
        print(json.dumps(told), flush=True)
        return found

    measure(spec, rate, threads=True)


def _tell(log: TextIO, text: str) -> None:
    print(text, flush=True)
    print(text, file=log, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="of the JPEG copy of CIFAR-10")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--minutes", type=float, default=9.0, help="until all must have ended")
    parser.add_argument("--parts", default="smoke,data,ways,bench,beside,sharing,pilot,export")
    parser.add_argument("--claims", nargs="*", default=["claims/frankle2021"], help="of the pilot")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--ways", choices=NETWORKS, help=argparse.SUPPRESS)
    parser.add_argument("--names", help=argparse.SUPPRESS)
    parser.add_argument("--sharing", choices=NETWORKS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
