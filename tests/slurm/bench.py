"""The figures of a cluster, printed with hardware, n and spread, on the testbed: python -m tests.slurm.bench."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.slurm.commands import slurm
from tests.slurm.user import User

SEEDS = 2000
WATCHED = ("sbatch", "squeue", "sacct", "scontrol", "scancel", "sinfo")


def main() -> None:
    """Prints one line a figure; judges nothing."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    version = slurm("sbatch", "--version")
    processor = names[0] if names else "unknown processor"
    print(f"{processor}, {os.cpu_count()} cores, {version}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as place:
        many(Path(place) / "many")
    with tempfile.TemporaryDirectory() as place:
        for number in range(3):
            round_trip(Path(place) / f"trip{number}" / "work")


def many(place: Path) -> None:
    """Submits 2,000 runs that are held in the queue, asks for their status, and cancels them."""
    place.mkdir(parents=True)
    user = User(place)
    user.claim(depths=(8,), seeds=SEEDS)
    user.profile()
    (place / "slurm" / "box.toml").open("a").write("[sbatch]\nhold = true\n")
    calls = Calls(place)
    timed(f"repro submit, {SEEDS} runs", 1, lambda: user.submit("--yes", env=calls.env), calls)
    print(f"  arrays: {[array.count for array in user.submissions[0].arrays]}")
    timed(f"repro status, {SEEDS} runs queued", 3, lambda: user.run("status", expect=(3,), env=calls.env), calls)
    timed(f"repro submit again, {SEEDS} runs under way", 1, lambda: user.submit(env=calls.env), calls)
    timed(f"repro cancel, {SEEDS} runs", 1, lambda: user.run("cancel", env=calls.env), calls)
    timed("repro status after that", 3, lambda: user.run("status", expect=(3,), env=calls.env), calls)
    slurm("scancel", f"--name={user.submissions[0].report_name}")


def round_trip(place: Path) -> None:
    """Six smoke runs from submit to report, and the same runs trained without a cluster."""
    place.parent.mkdir(parents=True)
    user = User(place)
    user.claim(epochs=12, seeds=3, depths=(8, 14))
    user.profile()
    began = time.perf_counter()
    user.submit()
    user.wait_for_reports()
    whole = time.perf_counter() - began
    began = time.perf_counter()
    user.run("run", "--device", "cpu", results="local")
    local = time.perf_counter() - began
    print(
        f"six smoke runs: {whole:.1f} s from submit to report, {local:.1f} s as `repro run`: {whole - local:.1f} s more"
    )


class Calls:
    """Counts the scheduler's commands that are called."""

    def __init__(self, place: Path) -> None:
        folder, self.log = place / "bin", place / "calls"
        folder.mkdir()
        for name in WATCHED:
            found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
            (folder / name).write_text(f'#!/bin/sh\necho {name} >> {self.log}\nexec {found} "$@"\n')
            (folder / name).chmod(0o755)
        self.env = {"PATH": f"{folder}:{os.environ['PATH']}"}

    def take(self) -> str:
        """What was called since the last time."""
        counts = Counter(self.log.read_text().split()) if self.log.exists() else Counter()
        self.log.unlink(missing_ok=True)
        return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def timed(name: str, times: int, call: Callable[[], object], calls: Calls) -> None:
    """Times a call and prints median, range and the scheduler's commands of the last."""
    seconds = []
    for _ in range(times):
        calls.take()
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    spread = f"n = {times}" + (f", {min(seconds):.2f} to {max(seconds):.2f}" if times > 1 else "")
    print(f"{name}: {statistics.median(seconds):.2f} s ({spread}); calls: {calls.take()}", flush=True)


if __name__ == "__main__":
    main()
