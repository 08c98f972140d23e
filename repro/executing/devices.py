"""The devices to train on, found without torch, and their number of workers."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from repro.provenance import detect_device


def devices(wanted: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The devices that --device names: "auto" is every GPU, or else the CPU; "cuda:0,cuda:1" is two."""
    if wanted != "auto":
        return tuple(wanted.split(","))
    if detect_device() == "cpu":
        return ("cpu",)
    count = visible_gpus(environment)
    return ("cuda",) if count == 1 else tuple(f"cuda:{index}" for index in range(count))


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
