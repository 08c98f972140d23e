"""The machine under a run: how it computes, what a record says of it, how much memory a run took."""

import contextlib
import ctypes
import os
import platform
import resource
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from repro.provenance import allocation, code_digest, commit

# Parameters of glibc's mallopt, and the largest value that each of its versions takes of the second.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST, LARGEST_OLD = 2**31 - 1, 2**25


def settle(device: torch.device) -> None:
    """Makes this process compute on a CPU with one thread, or on this GPU of several."""
    if device.type == "cpu":
        # The order of float sums, and so every bit of a result, depends on it; and a process a core is faster.
        torch.set_num_threads(1)
        _keep_memory()
    elif device.index is not None:
        torch.cuda.set_device(device)


def _keep_memory() -> None:
    """Lets glibc keep what is freed: every step needs it again, and a new page costs a fault and is set to zero.

    That took 14 % of a step of ResNet-14, 7 % of one of ResNet-56 (batches of 128, processor time, n = 1).
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(TRIM_THRESHOLD, LARGEST)
        if not libc.mallopt(MMAP_THRESHOLD, LARGEST):
            libc.mallopt(MMAP_THRESHOLD, LARGEST_OLD)


def cores(processes: int) -> int:
    """Cores for each of some processes that share this machine; those that SLURM gave to this one, inside a job."""
    given = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if given.isdigit():
        return int(given)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable // processes)


def part(device: torch.device) -> dict[str, Any]:
    """What a reader needs to know about one uninterrupted piece of training."""
    # When it began, which shows beside a registration's date that the rule was there first.
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return {**code(), **hardware(device), "cores": os.cpu_count(), "job": allocation(), "began": began, "seconds": 0.0}


def code() -> dict[str, Any]:
    """What computed: commit, digest of the code, versions; scikit-learn's where it is, as most runs do without it."""
    found = {"commit": commit(), "code": code_digest(), "torch": torch.__version__}
    with contextlib.suppress(PackageNotFoundError):
        found["scikit-learn"] = version("scikit-learn")
    return found | {"python": platform.python_version()}


def hardware(device: torch.device) -> dict[str, Any]:
    """What it was computed on."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "device_type": device.type,
        "threads": torch.get_num_threads(),
    }


def forget_peak_memory(device: torch.device) -> None:
    """Lets ``peak_memory`` count from here: a worker trains many runs."""
    # What the last run has freed is given back first.
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):  # where there is no such file, the peak is that of the whole process
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: torch.device) -> int:
    """Largest number of bytes that torch on a GPU, or on a CPU this process, had taken since it was last forgotten.

    On a GPU also what is set aside for recorded steps: no tensor holds it between their replays, and no other may.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
