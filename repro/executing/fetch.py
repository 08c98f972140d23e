"""A data set's archive, fetched from the first mirror that has it: the one module that uses a network.

Jobs never call it: data lies where they run before they start.
"""

import hashlib
import http.client
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import DataError
from repro.runs.file_lock import alone
from repro.runs.files import explain_write_errors, make_folder

MIRRORS = Path(__file__).with_name("mirrors.toml")
BLOCK = 1 << 20  # bytes received at a time
SILENCE = 60.0  # seconds after which a mirror that sends nothing is left
TRIES = 3  # of one mirror in a row, each after it has sent something


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One file of a data set, the same on every mirror."""

    file: str  # its name in the data folder
    bytes: int
    sha256: str
    md5: str
    urls: tuple[str, ...]  # in order of trial


def archives(mirrors: Path = MIRRORS) -> dict[str, Archive]:
    """The archives that can be fetched, by name of their data set.

    Raises:
        DataError: the file is not a list of mirrors.
    """
    try:
        found = tomllib.loads(mirrors.read_text(encoding="utf-8"))
        return {name: _archive(fields) for name, fields in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{mirrors} is not a list of mirrors ({error}); repro/executing/mirrors.toml is one.") from None


def _archive(fields: dict[str, Any]) -> Archive:
    """An entry of the list, or whatever error it makes."""
    one = Archive(**{**fields, "urls": tuple(fields["urls"])})
    texts = (one.file, one.sha256, one.md5, *one.urls)
    if type(one.bytes) is not int or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{one.file!r:.40}: bytes is a whole number, and all else are texts")
    return one


def fetch(one: Archive, folder: Path, told: Callable[[str], None]) -> bool:
    """Puts an archive into a folder, unless it is there; returns whether it had to be fetched.

    A download that was cut is resumed, also from another mirror and by another call. The archive appears by rename once
    its checksum is right. Of two calls at once, one waits for the other.

    Raises:
        DataError: what is there under its name is another file, or no mirror has it.
        StoreError: the disk is full, or the folder cannot be written.
    """
    target, part = folder / one.file, folder / f".{one.file}.part"
    make_folder(folder)
    with alone(folder / f".{one.file}.lock", told, "another process fetches it; waiting"):
        if target.exists():
            if _sha256(target) != one.sha256:
                raise DataError(f"{target} is truncated or altered (SHA-256 is not {one.sha256}); delete it first.")
            return False
        whys = []
        for url in one.urls:
            told(f"fetching {one.file} from {url}")
            why = _from(url, one, part, told)
            if not why:
                with explain_write_errors(target):
                    part.replace(target)
                return True
            whys.append(f"{url}: {why}")
            told(f"  {why}")
    kept = part.stat().st_size if part.exists() else 0
    raise DataError(
        f"no mirror has {one.file} ({'; '.join(whys)}). "
        + (f"{kept / 1e6:.0f} MB are kept, and the same command goes on from there. " if kept else "")
        + f"By hand, on a machine with a network: curl -L -o {one.file} '{one.urls[-1] if one.urls else 'URL'}', check "
        f"that sha256sum prints {one.sha256}, and copy it into {folder}."
    )


def _from(url: str, one: Archive, part: Path, told: Callable[[str], None]) -> str:
    """Fetches what is missing of a part from one mirror, and checks it; returns why that failed, "" if it did not.

    A part that turns out wrong is only held against a mirror that sent all of it.
    """
    why, whole = "nothing was sent", False
    for _ in range(TRIES):
        before = part.stat().st_size if part.exists() else 0
        whole = whole or not before
        if before < one.bytes:
            why = _receive(url, one, part, told)
        size = part.stat().st_size if part.exists() else 0
        if size == one.bytes and _sha256(part) == one.sha256:
            return ""
        if size >= one.bytes:
            part.unlink()
            if whole:
                return f"what it sent is another file (SHA-256 is not {one.sha256})"
            continue  # what another mirror or an earlier call left was no beginning of it
        if size <= before:
            break
    return why


def _receive(url: str, one: Archive, part: Path, told: Callable[[str], None]) -> str:
    """Appends to a part what a mirror sends, up to one byte too many; returns why it ended early."""
    have = part.stat().st_size if part.exists() else 0
    asked = {"User-Agent": "repro data fetch", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=asked | ({"Range": f"bytes={have}-"} if have else {}))
    try:
        with urllib.request.urlopen(request, timeout=SILENCE) as answer:
            if answer.headers.get_content_type() == "text/html":  # as hosts that are away send with code 200
                return "it sent a web page, and not the file"
            resumed = answer.status == 206
            size, shown = have if resumed else 0, 0
            with explain_write_errors(part), part.open("ab" if resumed else "wb") as file:
                while size <= one.bytes and (block := _block(answer, one.bytes + 1 - size)):
                    file.write(block)
                    size += len(block)
                    if size * 10 // one.bytes > shown:
                        shown = size * 10 // one.bytes
                        told(f"  {size / 1e6:.0f} of {one.bytes / 1e6:.0f} MB")
            return f"it ended after {size} of {one.bytes} bytes"
    except _NetworkError as error:
        return str(error)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # it has no more than we have: not the same file
            part.unlink(missing_ok=True)
        return f"HTTP {error.code} {error.reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


class _NetworkError(Exception):
    """A connection broke, which is no fault of the disk."""


def _block(answer: http.client.HTTPResponse, most: int) -> bytes:
    try:
        return answer.read(min(BLOCK, most)) if most > 0 else b""
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException) as error:
        raise _NetworkError(f"the connection broke ({error or type(error).__name__})") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
