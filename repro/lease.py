"""A lease on a run's folder: one writer at a time, and none that is dead."""

import json
import os
import socket
import time
import uuid
from pathlib import Path

# A writer on another machine that has not renewed its lease for this long (seconds) is taken for dead.
EXPIRES = 120.0


class Lease:
    """The right to write into one folder, held as a file whose age the holder keeps renewing.

    A holder on this machine is alive exactly when its process is; one elsewhere, when the file is young by the clock
    of the file system that holds it. So a dead node blocks a folder for at most EXPIRES seconds.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path, self._token = path, token

    @classmethod
    def take(cls, folder: Path) -> "Lease | None":
        """The lease of a folder, or None while a live process holds it."""
        path = folder / "lease"
        token = uuid.uuid4().hex
        owner = {"host": _machine(), "pid": os.getpid(), "started": _started(os.getpid()), "token": token}
        draft = folder / f".lease-{token}"
        draft.write_text(json.dumps(owner))
        try:
            for _ in range(2):
                try:
                    os.link(draft, path)  # atomic and exclusive, with its content, also on a network file system
                    return cls(path, token)
                except FileExistsError:
                    held = _read(path)
                    if not _is_dead(path, now=draft.stat().st_mtime):
                        return None
                    _bury(path, folder / f".dead-{token}", held)
            return None
        finally:
            draft.unlink(missing_ok=True)

    def renew(self) -> bool:
        """Shows that the holder lives; False when the lease was lost to another writer."""
        owner = _read(self._path)
        if owner is None or owner.get("token") != self._token:
            return False
        os.utime(self._path)
        return True

    def release(self) -> None:
        """Gives the folder back, unless it was lost meanwhile."""
        owner = _read(self._path)
        if owner is not None and owner.get("token") == self._token:
            self._path.unlink(missing_ok=True)


def holder(folder: Path) -> str | None:
    """Who writes into a folder now, for a person; None when nobody does."""
    path = folder / "lease"
    owner = _read(path)
    if owner is None or _is_dead(path, now=time.time()):
        return None
    return f"process {owner['pid']} on {str(owner['host']).split('/')[0]}"


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()}/{boot.read_text().strip() if boot.exists() else ''}"


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks; None when it is gone, "" where the system does not tell."""
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _read(path: Path) -> dict[str, object] | None:
    try:
        owner: dict[str, object] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return owner


def _is_dead(path: Path, now: float) -> bool:
    try:
        age = now - path.stat().st_mtime
    except FileNotFoundError:
        return True
    owner = _read(path)
    if owner is None:
        return age > EXPIRES
    if owner.get("host") == _machine():
        return _started(int(str(owner["pid"]))) != owner.get("started")
    return age > EXPIRES


def _bury(path: Path, grave: Path, dead: dict[str, object] | None) -> None:
    """Takes a dead lease away; puts it back if another process had replaced it by a live one in between."""
    try:
        path.rename(grave)
        if _read(grave) != dead:
            os.link(grave, path)
    except FileNotFoundError:
        return
    grave.unlink(missing_ok=True)
