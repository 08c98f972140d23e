"""An archive: one .tar.xz of the files of runs, the same bytes for the same files, and nothing else in it."""

import importlib
import io
import re
import shutil
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from repro.errors import ReproError, StoreError
from repro.runs.checkpoint import CHECKPOINT
from repro.runs.files import explain_write_errors
from repro.runs.record import FILE
from repro.runs.store import RECORD

MEMBER = re.compile(rf"[0-9a-f]{{64}}/({FILE.pattern}|{re.escape(CHECKPOINT)}|{re.escape(RECORD)})", re.ASCII)
XZ = b"\xfd7zXZ\0"  # how a file compressed by xz begins
PIECE = 1 << 20  # bytes held in memory at a time
LARGEST = 256 << 20  # bytes that any archive may unpack to
PACKED = 100  # times its own size that a larger one may: trained tensors shrink by a tenth, histories to a tenth
MEMORY = 64 << 20  # bytes to decompress with: the preset that an export is written with needs three
SMALLEST = 4096  # bytes that a member counts at least, as a file system would
TEXT = 64 << 20  # bytes that a record, spec or history may have; the longest history of a paper run has 100 kB


def check_target(file: Path) -> None:
    """Refuses a target other than a free path or an earlier export."""
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be written ({error}); name another file with --to.") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a link" if stat.S_ISLNK(mode) else "not a plain file"
        raise StoreError(f"{file} is {kind}, which an export does not replace; name a file with --to.")
    with explain_write_errors(file), file.open("rb") as there:
        start = there.read(len(XZ))
    if start not in (XZ, b""):
        raise StoreError(f"{file} is not an export, and an export replaces nothing else; name another file with --to.")


def pack(draft: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes members, each a name and its content, into a new archive."""
    _refuse_without_lzma()
    # xz preset: weights hardly shrink further, and preset 6 takes five times as long.
    with tarfile.open(draft, "w:xz", preset=1) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def unpack(file: Path, staging: Path) -> None:
    """Writes the members of an export below ``staging``, and nothing anywhere else."""
    _refuse_without_lzma()
    try:
        _refuse_bombs(file)
        with _open(file) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            free = shutil.disk_usage(staging).free
            left = _most(file)
            for member in tar:
                known = member.isreg() and not member.issparse() and MEMBER.fullmatch(member.name)
                target = staging / member.name
                if not known or target.exists():
                    raise StoreError(f"{file} holds {member.name[:120]!r}, which no export has; it was not imported.")
                free -= max(SMALLEST, member.size)
                left -= max(SMALLEST, member.size)
                too_long = left < 0 or (member.size > TEXT and target.suffix in (".json", ".jsonl"))
                if free < 0 or too_long:
                    why = "more than this disk has room for: free some" if free < 0 else "more than any run has"
                    raise StoreError(
                        f"{file} holds {member.name} of {member.size:,} bytes, {why}; it was not imported."
                    )
                content = tar.extractfile(member)
                assert content is not None
                with explain_write_errors(staging.parents[1]):  # the store, or what it is to be in
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as out:
                        shutil.copyfileobj(content, out, PIECE)  # damage is no OSError, a full disk is
            stream.read(PIECE)  # tar ends before xz does, and fills its last block
            if stream.read(1):
                raise StoreError(f"{file} holds more after its last run, which no export does; it was not imported.")
    except ReproError:
        raise
    except Exception as error:  # a damaged file raises a dozen kinds
        raise StoreError(
            f"{file} is damaged, or not an export ({str(error) or type(error).__name__}); copy it again. "
            "Nothing of it was imported."
        ) from None


def _most(file: Path) -> int:
    """Bytes that a file may unpack to."""
    return max(LARGEST, PACKED * file.stat().st_size)


def _refuse_bombs(file: Path) -> None:
    """Refuses a file that is cut off, more than one stream, or needs more memory or disk than any export does."""
    import lzma

    decompressor, left = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY), _most(file) + PIECE
    with file.open("rb") as packed:
        while not decompressor.eof:
            piece = packed.read(PIECE) if decompressor.needs_input else b""
            if decompressor.needs_input and not piece:
                raise EOFError("it is cut off")
            left -= len(decompressor.decompress(piece, PIECE))
            if left < 0:
                raise StoreError(f"{file} unpacks to more than any run has; it was not imported.")
        if decompressor.unused_data or packed.read(1):
            raise StoreError(f"{file} holds more after its last run, which no export does; it was not imported.")


def _refuse_without_lzma() -> None:
    try:
        importlib.import_module("lzma")
    except ImportError:
        raise StoreError(
            "this Python was built without lzma, which exports are compressed with; use another, or build it with "
            "liblzma installed."
        ) from None


def _open(file: Path) -> Any:
    """The decompressed bytes of a file, read in pieces no larger than a tar header may ask for."""
    import lzma

    class Stream(lzma.LZMAFile):
        def read(self, size: int | None = -1) -> bytes:
            if size is None or not 0 <= size <= PIECE:
                raise ValueError(f"a header of {size} bytes")
            return super().read(size)

    return Stream(file)
