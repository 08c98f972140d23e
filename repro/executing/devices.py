"""The devices to train on, found without torch, and their number of workers."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from repro.errors import SpecError
from repro.provenance import detect_device


def devices(wanted: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The devices that --device names: "auto" is every GPU, or else the CPU; "cuda:0,cuda:1" is two."""
    if wanted != "auto":
        return tuple(wanted.split(","))
    if detect_device() == "cpu":
        return ("cpu",)
    count = visible_gpus(environment)
    return ("cuda",) if count == 1 else tuple(f"cuda:{index}" for index in range(count))


def refuse_absent(wanted: str, environment: Mapping[str, str] = os.environ) -> None:
    """Refuses a --device that names a GPU which is not there.

    Raises:
        SpecError: there is no NVIDIA driver, or there are fewer GPUs.
    """
    named = [] if wanted in ("auto", "cpu") else wanted.split(",")
    if not named:
        return
    if detect_device() == "cpu":
        raise SpecError(f"--device is {wanted}, and no NVIDIA driver is loaded here; name cpu, or leave it out.")
    count = visible_gpus(environment)
    absent = [one for one in named if int(one.partition(":")[2] or 0) >= count]
    if absent:
        there = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise SpecError(f"--device names {absent[0]}, and there {'is' if count == 1 else 'are'} {there}; name those.")


def visible_gpus(environment: Mapping[str, str], proc: Path = Path("/proc/driver/nvidia/gpus")) -> int:
    """Number of GPUs that torch would find: CUDA_VISIBLE_DEVICES, else those that the driver lists; at least 1."""
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return max(1, len([word for word in chosen.split(",") if word.strip()]))
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
