"""A lease on a run's folder: one writer at a time, and none that is dead."""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from repro.runs.canonical import parse

# A writer on another machine that has not renewed its lease for this long (seconds) looks dead.
EXPIRES = 120.0
RENEW = 15.0  # seconds between a holder's signs of life
WATCH = 3 * RENEW  # seconds for which whoever takes over first sees for itself that no sign of life comes


class _Owner(NamedTuple):
    """What a lease file says of its writer."""

    host: str
    pid: int
    started: str
    token: str


class Lease:
    """The right to write into one folder: the file "lease.<n>" with the highest n, whose age its holder renews.

    A holder on this machine is alive exactly when its process is. One elsewhere, or in another container, looks dead
    when its file is older than EXPIRES, or as far in the future, by the clock of the file system that holds it. Clocks
    jump and differ, so whoever would take over first watches the file for WATCH seconds of its own monotonic clock: any
    renewal shows that the holder lives. Whoever finds lease n dead may create lease n + 1, which the file system grants
    to one process only; nobody moves a lease that is not its own.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path, self._token = path, token

    @classmethod
    def take(cls, folder: Path) -> "Lease | None":
        """The lease of a folder, or None while a live process holds it or takes it at the same moment.

        Takes WATCH seconds where a process of another machine left a lease behind.

        Raises:
            OSError: the folder cannot be written.
        """
        token = uuid.uuid4().hex
        owner = _Owner(_machine(), os.getpid(), _started(os.getpid()) or "", token)
        draft = folder / f".lease-{token}"
        try:
            draft.write_text(json.dumps(owner._asdict()), encoding="utf-8")
            now = draft.stat().st_mtime
            seen = _tokens(folder)
            paths = [folder / name for name in seen]
            if not all(_looks_dead(path, now) for path in paths):
                return None
            if not _stay_still([path for path in paths if path.exists() and not _is_of_this_machine(path)]):
                return None
            path = folder / f"lease.{max(map(_number, seen), default=0) + 1}"
            try:
                os.link(draft, path)  # atomic and exclusive, with its content, also on a network file system
            except FileExistsError:
                return None
            # Another may have acted between our look and our link: of two, at least one sees the other here.
            others = {name: token for name, token in _tokens(folder).items() if name != path.name}
            if any(seen.get(name) != other for name, other in others.items()):
                path.unlink(missing_ok=True)
                return None
            drafts = [left for left in folder.glob(".lease-*") if left != draft and _looks_dead(left, now)]
            for left in (*drafts, *(folder / name for name in others)):
                left.unlink(missing_ok=True)
            return cls(path, token)
        finally:
            draft.unlink(missing_ok=True)

    def renew(self) -> bool:
        """Shows that the holder lives; False when the lease was lost to another writer."""
        if not self._is_ours():
            return False
        os.utime(self._path)
        return True

    def kept(self) -> AbstractContextManager[None]:
        """Renews the lease from a thread: a step, an evaluation or a measurement may take longer than EXPIRES."""
        return repeated(RENEW, self.renew)

    def release(self) -> None:
        """Gives the folder back, unless it was lost meanwhile."""
        if self._is_ours():
            self._path.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        owner = _read(self._path)
        return owner is not None and owner.token == self._token


@contextmanager
def repeated(every: float, call: Callable[[], object]) -> Iterator[None]:
    """While open, makes a call every so many seconds from a thread; a file system that is away for once is forgiven."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            with suppress(OSError):
                call()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def holder(folder: Path) -> str | None:
    """Who writes into a folder now, for a person; None when nobody does."""
    for name in _tokens(folder):
        owner = _read(folder / name)
        if owner is not None and _is_held(folder / name):
            return f"process {owner.pid} on {owner.host.split('/')[0]}"
    return None


def _is_held(path: Path) -> bool:
    """Whether a lease looks alive by this machine's clock or, where that says no, by the file system's own."""
    if not _looks_dead(path, time.time()):
        return True
    if _is_of_this_machine(path):
        return False
    probe = path.with_name(f".lease-{uuid.uuid4().hex}")
    try:
        probe.touch()
        return not _looks_dead(path, probe.stat().st_mtime)
    except OSError:  # a store that cannot be written: nobody takes it over either
        return True
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _tokens(folder: Path) -> dict[str, str | None]:
    """The leases of a folder, living and dead: file name to token, None for one that cannot be read."""
    owners = {path.name: _read(path) for path in folder.glob("lease.*")}
    return {name: owner and owner.token for name, owner in owners.items()}


def _number(name: str) -> int:
    number = name.rpartition(".")[2]
    return int(number) if number.isdecimal() else 0


def _machine() -> str:
    """Host, its boot and, where there are such, the container: there a process id means one process."""
    boot, container = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    return "/".join(
        (
            socket.gethostname(),
            boot.read_text(encoding="utf-8").strip() if boot.exists() else "",
            str(container.readlink()) if container.is_symlink() else "",
        )
    )


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks; None when it is gone, "" where the system does not tell."""
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except (OSError, OverflowError):
            return None
        return ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _read(path: Path) -> _Owner | None:
    """Who wrote a lease; None when that cannot be read."""
    try:
        owner = parse(path.read_bytes())
        found = _Owner(owner["host"], owner["pid"], owner["started"], owner["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if tuple(map(type, found)) == (str, int, str, str) else None


def _is_of_this_machine(path: Path) -> bool:
    owner = _read(path)
    return owner is not None and owner.host == _machine()


def _looks_dead(path: Path, now: float) -> bool:
    owner = _read(path)
    found = _signature(path)
    if found is None:
        return True
    if owner is not None and owner.host == _machine():
        return _started(owner.pid) != owner.started
    return abs(now - found[0] / 1e9) > EXPIRES


def _stay_still(paths: list[Path]) -> bool:
    """Whether no sign of life comes from the holders of some leases for as long as one is owed."""
    before = list(map(_signature, paths))
    until = time.monotonic() + WATCH
    while any(before) and time.monotonic() < until:
        time.sleep(min(1.0, WATCH / 10))
        if list(map(_signature, paths)) != before:
            return False
    return True


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Age, identity and size of a lease; None where it is gone."""
    try:
        with path.open("rb") as file:  # opening it is what makes a network file system ask its server
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    except OSError:  # a folder of that name, or unreadable
        found = path.stat()
    return found.st_mtime_ns, found.st_ino, found.st_size
