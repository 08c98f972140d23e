"""The judge of another commit of this suite, run from a copy of that commit on the same store."""

import contextlib
import ctypes
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.provenance import PACKAGE
from repro.runs.canonical import parse

JUDGED = (0, 1, 3)  # exit codes after which verdicts.json is whole
COPY = "batchnorm-repro-older-"  # begins the name of a copy's folder; the process that made it follows
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl


def judged_by(commit: str, selection: Sequence[str], results: Path) -> tuple[str, dict[str, Any]]:
    """The full hash of a commit, and the document that its ``repro judge`` makes of a store.

    ``selection`` is claims and options as for ``repro judge``; paths are those of the commit. Nothing of the store or
    of the checkout changes.

    Raises:
        StoreError: this suite is not a git checkout, git does not know the commit, or its judge fails.
    """
    full = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}").decode().strip()
    with _copy() as place:
        with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", full))) as tar:
            if hasattr(tarfile, "data_filter"):  # since 3.11.4
                tar.extraction_filter = tarfile.data_filter
            tar.extractall(place)
        report = Path(place) / "judged"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "repro.cli",
                "judge",
                *selection,
                "--results",
                results.absolute(),
                "--report",
                report,
            ],
            cwd=place,
            env={**os.environ, "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=_die_with_parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in JUDGED or not (report / "verdicts.json").exists():
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise StoreError(
                f"the judge of {full[:12]} ended with exit code {done.returncode} and said: {said}; to see "
                "all it says, check that commit out and run its repro judge."
            )
        return full, dict(parse((report / "verdicts.json").read_bytes()))


@contextlib.contextmanager
def _copy() -> Iterator[str]:
    """A folder that goes when this process ends or is terminated, with those that killed ones have left."""
    for left in Path(tempfile.gettempdir()).glob(f"{COPY}*-*"):
        maker = left.name.removeprefix(COPY).partition("-")[0]
        if maker.isdecimal() and Path("/proc/self").exists() and not Path(f"/proc/{maker}").exists():
            shutil.rmtree(left, ignore_errors=True)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix=f"{COPY}{os.getpid()}-") as place:
            yield place
    finally:
        signal.signal(signal.SIGTERM, before)


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):  # other systems have no prctl
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=PACKAGE.parent, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise StoreError("git is not installed, but the code of another commit comes from it.") from None
    except subprocess.CalledProcessError as error:
        if arguments[0] == "rev-parse":
            asked = arguments[-1].removesuffix("^{commit}")
            raise StoreError(
                f"git knows no commit {asked!r} of this suite (in {PACKAGE.parent}); see: git log --oneline. A shallow "
                "clone has the last ones alone: git fetch --unshallow."
            ) from None
        raise StoreError(f"git {arguments[0]} failed: {error.stderr.decode(errors='replace').strip()}") from None
