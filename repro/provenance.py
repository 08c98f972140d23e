"""The code and the machine that a result came from."""

import contextlib
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
PROCESSOR = Path("/proc/cpuinfo")
WRITTEN = ("claims/compared.json", "claims/evidence")  # by commands, from runs: no change of the code that trains


@cache
def commit() -> str:
    """Git commit of the checkout the package lies in, "+changes" when files differ from it; "" outside a checkout."""
    if not (PACKAGE.parent / ".git").exists():
        return ""
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", *(f":!{one}" for one in WRITTEN))
        return head + ("+changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""


@cache
def code_digest() -> str:
    """SHA-256 of the files that decide what a run computes: spec, data sets, checkpoints and ``training``."""
    digest = hashlib.sha256()
    networks = "network_spec resnet_spec imagenet_spec step_spec ticket_spec"
    names = f"spec {networks} boosting_spec spec_json datasets image_files drawn streams checkpoint"
    runs = [PACKAGE / "runs" / f"{name}.py" for name in names.split()]
    for path in [*runs, *sorted((PACKAGE / "training").rglob("*.py"))]:
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def allocation() -> dict[str, str | int] | None:
    """The SLURM job that this process is part of: its id as scontrol takes it, its node and its restarts; else None."""
    environment = os.environ
    if "SLURM_JOB_ID" not in environment:
        return None
    array, task = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
    return {
        "id": f"{array}_{task}" if array else environment["SLURM_JOB_ID"],
        "node": environment.get("SLURMD_NODENAME", ""),
        "restart": int(environment.get("SLURM_RESTART_COUNT", "0")),
    }


def detect_device() -> str:
    """ "cuda" if an NVIDIA driver is loaded, else "cpu"; does not import torch."""
    signs = ("/proc/driver/nvidia/version", "/dev/nvidiactl")  # in some containers there is only one of them
    return "cuda" if any(Path(sign).exists() for sign in signs) else "cpu"


def device_name(kind: str) -> str:
    """What its maker calls this machine's processor ("cpu") or first GPU ("cuda"); "" if no file says."""
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")) if kind == "cuda" else (PROCESSOR,):
        with contextlib.suppress(OSError):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                name, _, value = line.partition(":")
                if name.strip() in ("model name", "Model"):
                    return value.strip()
    return ""


def folder(name: str) -> Path:
    """A folder that is beside the package in a checkout and inside it when installed."""
    bundled = PACKAGE / "bundled" / name
    return bundled if bundled.exists() else PACKAGE.parent / name


def claims() -> Path:
    """The folder of claims that commands are about unless paths are given: here if there is one, else this suite's."""
    here = Path.cwd() / "claims"
    return here if any(here.glob("*/source.toml")) else folder("claims")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PACKAGE, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
