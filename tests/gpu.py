"""The first minutes on a GPU: what nobody has run there yet, in one command that ends in time.

    python -m tests.gpu OUT [--data-dir DATA] [--results STORE] [--minutes 9] [--parts smoke,ways,…]

Each part is a process with a limit of its own; what fails, hangs or takes too long is cut off, and the next one begins.
What is trained lies in the store. OUT holds, as soon as a part has ended: log.txt, with every command, what it printed
and how it ended; failures.txt, the tracebacks of runs that crashed; what `repro bench` measured; smoke.tar.xz,
pilot.tar.xz and paper.tar.xz, which `repro import` takes in; by-way.tar.xz, a store for each way that one run was
trained by. DATA is the JPEG copy of CIFAR-10. Needs no more than training does, and no network: without an environment
of its own, call it as above.
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
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

COMPILED = "resnet-110"  # blocks take most of a minute to compile
NO_GPU = 3  # exit code of the first part where torch sees none
GRACE = 20.0  # seconds for a part to end once it is told to, and for the runs to be packed
SMALL = ("--tensors-up-to", "0.4MB")  # of a run: with those of whole networks, the file could be too large
MOST = 16 * 2**20  # bytes of a file that comes home from a machine that is lent


@dataclass(frozen=True)
class Part:
    """One command, and the most seconds that it may take."""

    name: str
    words: tuple[str, ...]
    seconds: float


def parts(given: argparse.Namespace) -> Iterator[Part]:
    """What there is to do, what matters most first; the limits before the exports leave them their time."""
    repro, own = ("-m", "repro.cli"), ("-m", "tests.gpu_parts", "--device", given.device)
    where, on = ("--results", str(given.results), "--data-dir", str(given.data_dir)), ("--device", given.device)
    smoke = ("-k", "far-above-chance")
    pilot, paper = (("--scale", scale, "--data", "cifar10-jpeg", *given.claims) for scale in ("pilot", "paper"))
    paper += ("-k", given.paper)
    yield Part("versions", (*own, "versions"), 90)
    yield Part("smoke", (*repro, "run", *where, *on, *smoke, "--budget", "{left}s"), 60)
    yield Part("data", (*repro, "data", "check", "cifar10-jpeg", *where[2:]), 60)  # decoded once, for all parts
    yield Part("layouts", (*own, "layouts"), 45)
    yield Part("ways-resnet-14", (*own, "ways", "resnet-14"), 110)
    yield Part("pilot", (*repro, "run", *where, *on, *pilot, "--budget", "{left}s"), 80)  # tests the path: it is known
    yield Part("paper", (*repro, "run", *where, *on, *paper, "--budget", "{left}s"), 600)
    for name, selected in (("paper", paper), ("pilot", pilot), ("smoke", smoke)):
        file = given.out / f"{name}.tar.xz"
        yield Part(f"export-{name}", (*repro, "export", *where[:2], *selected, *SMALL, "--to", str(file)), 30)
    yield Part("whole", (*own, *where, "whole", str(given.out)), 90)
    yield Part("ways-resnet-110", (*own, "ways", "resnet-110"), 75)
    yield Part("sharing", (*own, *where, "sharing", "resnet-14"), 90)
    yield Part("bench", (*repro, "bench", *where[:2], *on), 90)
    yield Part("ways-resnet-866", (*own, "ways", "resnet-866"), 120)
    for network in ("resnet-14", "resnet-110"):
        beside = ("-m", "tests.beside", *where, "--networks", network, "--repetitions", "1")
        yield Part(f"beside-{network}", beside, 100)
    compiled = ("--patience", "75", "ways", COMPILED, "--names", "compiled")
    yield Part(f"ways-compiled-{COMPILED}", (*own, *compiled), 150)


def main() -> None:
    """Goes through the parts until the time is over, or to the first alone where there is no GPU."""
    given = _options()
    todo = [*parts(given)]
    known, wanted = {name for part in todo for name in names(part)}, given.parts.split(",")
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"--parts: {unknown[0]!r} is none of {', '.join(sorted(known))}")
    given.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.minutes
    with (given.out / "log.txt").open("w+", encoding="utf-8", errors="replace") as log:
        for part in todo:
            if names(part) & {*wanted, "versions"}:
                late = 0.0 if part.name.startswith("export") else 2 * GRACE if part.name == "paper" else GRACE
                ended = run(part, min(part.seconds, end - time.monotonic() - late), log)
                bring(given.results, given.out, log)
                if part.name == "versions" and ended == f"exit {NO_GPU}":
                    raise SystemExit(1)


def bring(results: Path, out: Path, log: TextIO) -> None:
    """Puts what else is to come home into the folder that does: few files, as a machine that is lent returns eight."""
    for file in (results / ".bench").glob("*.json"):
        shutil.copy(file, out)
    by_way = results.with_name(f"{results.name}-by-way")
    failed = sorted([*results.glob("*/failure.json"), *by_way.glob("*/*/failure.json")])
    if failed:
        (out / "failures.txt").write_text("\n".join(map(_failure, failed)), encoding="utf-8")
    for file in out.iterdir():
        if file.stat().st_size > MOST:
            _tell(log, f"== {file.name} has {file.stat().st_size} bytes, too many to come home from a lent machine")


def _failure(file: Path) -> str:
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        return f"== {file}\n{json.loads(text)['traceback']}"
    except (ValueError, KeyError, TypeError):  # written halfway
        return f"== {file}\n{text}"


def names(part: Part) -> set[str]:
    """What selects a part: its name, or the first word of it."""
    return {part.name, part.name.partition("-")[0]}


def run(part: Part, seconds: float, log: TextIO) -> str:
    """Runs a part for so many seconds at most, with its output in the log as it comes, and says how it ended."""
    if seconds < 1:
        _tell(log, f"== {part.name}: no time left")
        return "no time left"
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
    return ended


def _tell(log: TextIO, text: str) -> None:
    print(text, flush=True)
    print(text, file=log, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="of the JPEG copy of CIFAR-10")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--minutes", type=float, default=9.0, help="until all must have ended")
    parser.add_argument("--parts", default="smoke,data,layouts,ways,pilot,export,whole,bench,sharing,beside")
    parser.add_argument("--claims", nargs="*", default=["claims/frankle2021"], help="of pilot and paper")
    parser.add_argument("--paper", default="bn-only-by-depth", help="-k of that part, no default")
    parser.add_argument("--device", default="cuda:0")
    return parser.parse_args()


if __name__ == "__main__":
    main()
