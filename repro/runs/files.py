"""Files that appear by rename, whole or not at all, and reads of plain files alone."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from repro.errors import StoreError

DRAFTS = ".*.*.[0-9]*"  # ".NAME.PID" and random digits, what ``write`` fills before it renames it


def read_plain(path: Path) -> bytes:
    """The content of a plain file: a device or a pipe might never end.

    Raises:
        OSError: it cannot be read, or is not a plain file.
    """

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK)  # opening a pipe would block before we know that it is one

    with open(path, "rb", opener=at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        return file.read()


def write(path: Path, content: bytes) -> None:
    """Writes a file by rename: it appears whole or not at all.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    write_with(path, lambda draft: _write_through(draft, content))


def write_new(path: Path, content: bytes) -> None:
    """As ``write``, for a file that must not be there yet, not even as a link to nothing; it needs hard links.

    Raises:
        StoreError: it is there, the disk is full or the folder cannot be written.
    """
    write_with(path, lambda draft: _write_through(draft, content), os.link)


def write_with(path: Path, fill: Callable[[Path], None], put: Callable[[Path, Path], object] = Path.replace) -> None:
    """As ``write``, for a library that writes to a path itself; ``put`` makes its draft the file."""
    try:
        # Containers that share a store have processes of the same numbers.
        draft = path.with_name(f".{path.name}.{os.getpid()}{secrets.token_hex(4)}")
    except ValueError:
        raise StoreError(f"{str(path)!r} names no file to write; name one.") from None
    try:
        with explain_write_errors(path):
            fill(draft)
            put(draft, path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, where they are missing.

    Raises:
        StoreError: it cannot be made.
    """
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turns a failed write into a StoreError that names the file, the cause and what to do."""
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT:
                advice = "Free some space"
            case errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
                advice = "Move away what is there"
            case _:
                advice = "Make it writable"
        raise StoreError(f"{path} cannot be written: {error.strerror}. {advice}, or name another place.") from None


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
