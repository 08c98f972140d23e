"""The devices to train on, found without torch, and their number of workers."""

import os
import subprocess
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from repro.errors import SpecError
from repro.provenance import detect_device


def devices(wanted: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The devices that --device names: "auto" is every GPU, or else the CPU; "cuda:0,cuda:1" is two."""
    if wanted != "auto":
        return tuple(wanted.split(","))
    count = 0 if detect_device() == "cpu" else visible_gpus(environment)
    if not count:
        return ("cpu",)
    return ("cuda",) if count == 1 else tuple(f"cuda:{index}" for index in range(count))


def refuse_absent(wanted: str, environment: Mapping[str, str] = os.environ) -> None:
    """Refuses a --device that names a GPU which is not there.

    Raises:
        SpecError: there is no NVIDIA driver, or there are fewer GPUs, they are hidden, or one is named twice.
    """
    named = [] if wanted in ("auto", "cpu") else wanted.split(",")
    if not named:
        return
    if len({"cuda:0" if one == "cuda" else one for one in named}) < len(named):
        raise SpecError(f"--device names a device twice: {wanted}; name each once.")
    if detect_device() == "cpu":
        raise SpecError(f"--device is {wanted}, but no NVIDIA driver is loaded here; name cpu, or leave it out.")
    count = visible_gpus(environment)
    if not count:
        raise SpecError(f"--device is {wanted}, and CUDA_VISIBLE_DEVICES hides every GPU; unset it, or name cpu.")
    absent = [one for one in named if int(one.partition(":")[2] or 0) >= count]
    if absent:
        there = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise SpecError(f"--device names {absent[0]}, but there {'is' if count == 1 else 'are'} {there}; name those.")


def visible_gpus(environment: Mapping[str, str], proc: Path = Path("/proc/driver/nvidia/gpus")) -> int:
    """Number of GPUs that torch would find: those of CUDA_VISIBLE_DEVICES up to its first that is none, as CUDA reads
    it; without it those that the driver lists, at least 1."""
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        named = [word.strip() for word in chosen.split(",")]
        return sum(1 for _ in takewhile(lambda word: word and word not in ("-1", "NoDevFiles"), named))
    try:  # a container sees fewer than /proc lists
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30).stdout
        return max(1, sum(line.startswith("GPU ") for line in listed.splitlines()))
    except (OSError, subprocess.SubprocessError):
        return max(1, len(list(proc.glob("*"))))


def processes(found: tuple[str, ...]) -> int:
    """Number of workers for some devices: one per GPU, or one per core that this process may use."""
    if found != ("cpu",):
        return len(found)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
