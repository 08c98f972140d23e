"""What code and which machine a result came from."""

import hashlib
import subprocess
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def commit() -> str:
    """Git commit of the checkout the package lies in, "+changes" when files differ from it; "" outside a checkout."""
    if not (PACKAGE.parent / ".git").exists():
        return ""
    try:
        head = _git("rev-parse", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


@cache
def code_digest() -> str:
    """SHA-256 of the files that decide what a run computes: ``spec.py`` and everything in ``training``."""
    digest = hashlib.sha256()
    for path in [PACKAGE / "spec.py", *sorted((PACKAGE / "training").rglob("*.py"))]:
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def folder(name: str) -> Path:
    """A folder that lies beside the package in a checkout and travels inside it when installed."""
    bundled = PACKAGE / "bundled" / name
    return bundled if bundled.exists() else PACKAGE.parent / name


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PACKAGE, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
