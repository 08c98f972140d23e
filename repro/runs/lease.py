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

# Seconds without a renewal after which a writer on another machine looks dead.
EXPIRES = 120.0
RENEW = 15.0  # seconds between a holder's renewals
WATCH = 3 * RENEW  # seconds for which a process watches for a renewal before it takes a lease over


class _Owner(NamedTuple):
    """The writer of a lease, as its file names it."""

    host: str
    pid: int
    started: str
    token: str


class Lease:
    """The right to write into one folder: the file "lease.<n>" with the highest n, whose age its holder renews.

    A holder on this machine is alive exactly when its process is. One elsewhere, or in another container, looks dead
    when its file is older than EXPIRES, or as far in the future, by the clock of the file system that holds it. Clocks
    jump and differ, so a process that would take over first watches the file for WATCH seconds of its own monotonic
    clock: any renewal shows that the holder is alive. A process that finds lease n dead may create lease n + 1, which
    the file system grants to one process only; no process changes a lease that is not its own.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path, self._token = path, token

    @classmethod
    def take(cls, folder: Path) -> "Lease | None":
        """The lease of a folder; None while a live process holds it or takes it at the same moment.

        Takes WATCH seconds if a process on another machine left a lease behind.

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
            # Another process may have acted between our check and our link: of two, at least one sees the other here.
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
        """Shows that the holder is alive; False if the lease was lost to another writer.

        Raises:
            OSError: the file system does not tell now, which loses nothing.
        """
        try:
            if not self._is_ours():
                return False
            os.utime(self._path)
        except FileNotFoundError:
            return False
        return True

    def kept(self) -> AbstractContextManager[None]:
        """Renews the lease from a thread: a step, an evaluation or a measurement may take longer than EXPIRES."""
        return repeated(RENEW, self.renew)

    def release(self) -> None:
        """Releases the folder, unless it was lost meanwhile, or cannot be reached: then the lease expires."""
        with suppress(OSError):
            if self._is_ours():
                self._path.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        owner = _owner(self._path.read_bytes())
        return owner is not None and owner.token == self._token


@contextmanager
def repeated(every: float, call: Callable[[], object]) -> Iterator[None]:
    """While open, makes a call every ``every`` seconds from a thread; a failing file system is ignored."""
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
    """The process that writes into a folder now, for a message; None if there is none."""
    for name in _tokens(folder):
        owner = _read(folder / name)
        if owner is not None and _is_held(folder / name):
            return f"process {owner.pid} on {owner.host.split('/')[0]}"
    return None


def _is_held(path: Path) -> bool:
    """Whether a lease looks alive by this machine's clock or, failing that, by the file system's own."""
    if not _looks_dead(path, time.time()):
        return True
    if _is_of_this_machine(path):
        return False
    probe = path.with_name(f".lease-{uuid.uuid4().hex}")
    try:
        probe.touch()
        return not _looks_dead(path, probe.stat().st_mtime)
    except OSError:  # a store that cannot be written: nothing can take it over either
        return True
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _tokens(folder: Path) -> dict[str, str | None]:
    """The leases of a folder, alive and dead: file name to token, None for one that cannot be read."""
    owners = {path.name: _read(path) for path in folder.glob("lease.*")}
    return {name: owner and owner.token for name, owner in owners.items()}


def _number(name: str) -> int:
    number = name.rpartition(".")[2]
    return int(number) if number.isdecimal() else 0


def _machine() -> str:
    """Host, its boot and the container, if any: within these a process id means one process."""
    boot, container = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    return "/".join(
        (
            socket.gethostname(),
            boot.read_text(encoding="utf-8").strip() if boot.exists() else "",
            str(container.readlink()) if container.is_symlink() else "",
        )
    )


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks; None if it is gone, "" where the system does not provide it."""
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
    """The writer of a lease; None if that cannot be read."""
    try:
        return _owner(path.read_bytes())
    except OSError:
        return None


def _owner(content: bytes) -> _Owner | None:
    try:
        owner = parse(content)
        found = _Owner(owner["host"], owner["pid"], owner["started"], owner["token"])
    except (ValueError, KeyError, TypeError):
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
    """Whether no holder of some leases renews its own for WATCH seconds."""
    before = list(map(_signature, paths))
    until = time.monotonic() + WATCH
    while any(before) and time.monotonic() < until:
        time.sleep(min(1.0, WATCH / 10))
        if list(map(_signature, paths)) != before:
            return False
    return True


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Age, identity and size of a lease; None if it is gone."""
    try:
        with path.open("rb") as file:  # opening it makes a network file system ask its server
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    except OSError:  # a folder of that name, or unreadable
        found = path.stat()
    return found.st_mtime_ns, found.st_ino, found.st_size
