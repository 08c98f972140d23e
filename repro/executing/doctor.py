"""What the suite needs from this machine, and whether it is there, one line each."""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from repro.errors import DataError

# The packages that WeasyPrint loads.
INSTALL_PANGO = (
    "install Pango: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (Debian), "
    "brew install pango (macOS)"
)


@dataclass(frozen=True)
class Examined:
    """One thing that was checked."""

    state: Literal["ok", "warn", "FAIL"]
    what: str
    message: str


def examine(results: Path, data_dir: Path) -> list[Examined]:
    """Checks Python, torch, device, disk, store, data and the libraries for the PDF."""
    torch = _torch()
    read: dict[str, Callable[[], Examined]] = {"digits": _digits, "cifar10": lambda: _cifar10(data_dir)}
    data = [_unread(what) if torch.state == "FAIL" else look() for what, look in read.items()]
    return [_python(), torch, _results(results), *data, _imagenet(data_dir), _pdf()]


def _python() -> Examined:
    found = ".".join(map(str, sys.version_info[:3]))
    state: Literal["ok", "FAIL"] = "ok" if sys.version_info >= (3, 11) else "FAIL"
    return Examined(state, "python", f"{found}, {os.cpu_count()} cores; 3.11 or newer is needed")


def _torch() -> Examined:
    try:
        from repro.training import gpu
        from repro.training.models import imagenet  # noqa: F401 (for it imports torchvision)
    except Exception as error:  # a broken install raises anything
        return Examined("FAIL", "torch", f"cannot be imported ({error}); install the locked versions: make verify")
    device = gpu() or "no GPU, CPU only"
    return Examined("ok", "torch", f"{version('torch')}, torchvision {version('torchvision')}, {device}")


def _results(results: Path) -> Examined:
    place = next(path for path in (results, *results.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Examined("FAIL", "results", f"{place} cannot be written ({error.strerror}); name another --results")
    free = shutil.disk_usage(place).free / 1e9
    state: Literal["ok", "warn"] = "ok" if free > 1 else "warn"
    return Examined(state, "results", f"{results} can be written, {free:.1f} GB free; a smoke store takes 0.02 GB")


def _unread(what: str) -> Examined:
    return Examined("warn", what, "not examined: reading it takes torch")


def _digits() -> Examined:
    from repro.training.data import arrays

    try:
        arrays("digits", Path())
    except (DataError, ImportError) as error:
        return Examined("FAIL", "digits", str(error))
    return Examined("ok", "digits", "the bundled scans have the expected fingerprint")


def _cifar10(data_dir: Path) -> Examined:
    from repro.runs.datasets import COPIES
    from repro.training.data import arrays

    messages: list[str] = []
    for name in COPIES:
        try:
            arrays(name, data_dir)
        except (DataError, ImportError) as error:
            messages.append(str(error))
        else:
            flag = "" if name == "cifar10" else f"; use --data {name}"
            return Examined("ok", "cifar10", f"{data_dir} holds {name}{flag}")
    # Where it is missing, the original's message has the command that fetches it.
    return Examined("warn", "cifar10", f"only smoke and sequences can be trained: {messages[0]}")


def _imagenet(data_dir: Path) -> Examined:
    """Its form and whether it was read through, not its content; no warning where nobody has begun to put it there."""
    from repro.runs.datasets import check_data_present

    try:
        form = check_data_present("imagenet", data_dir)
    except DataError as error:
        begun = (data_dir / "imagenet").exists()
        message = str(error) if begun else f"needed by claims on ImageNet alone: {error}"
        return Examined("warn" if begun else "ok", "imagenet", message)
    what = "class folders" if form == "folders" else "a Parquet copy"
    return Examined("ok", "imagenet", f"{data_dir / 'imagenet'} holds {what}, read through by repro data check")


def _pdf() -> Examined:
    try:
        importlib.import_module("weasyprint")
    except Exception as error:  # OSError where Pango is missing
        return Examined(
            "warn",
            "pdf",
            f"no PDF ({str(error).splitlines()[0]}); {INSTALL_PANGO}",
        )
    return Examined("ok", "pdf", "WeasyPrint finds Pango")
