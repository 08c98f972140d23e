"""Output to stdout and stderr, even if they are full, closed, or cannot encode a character."""

import json
import os
import shutil
import sys
import textwrap
from typing import Any, TextIO


def prepare() -> None:
    """Makes every character printable, if need be as an escape, and opens closed streams on the null device.

    Otherwise the next file to be opened would get a closed stream's descriptor, and whatever libraries print.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor: this one
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(message: str) -> None:
    """Prints one line on stderr, if there is one."""
    try:
        if sys.stderr is not None:
            print("repro: " + " ".join(message.split("\n")), file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO | None) -> None:
    """Gives up on a stream, so that the interpreter does not try to flush it at exit."""
    try:
        if stream is not None:
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), stream.fileno())
    except (OSError, ValueError):  # not a real file, as in a test
        pass


# As in the report: what speaks for a claim, what against it, what the source got wrong; all else is dim.
COLOURS = {
    **dict.fromkeys(("REPRODUCED", "seen"), "34"),
    **dict.fromkeys(("NOT_REPRODUCED", "PARTIAL", "INVALID", "BLOCKED", "not seen"), "31"),
    "PAPER_ERROR": "35",
}


def coloured(text: str, verdict: str) -> str:
    """A text in the colour of a verdict, such as "SMOKE seen", on a terminal that wants colours (no NO_COLOR)."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    scale, _, answer = verdict.partition(" ")
    return f"\033[{COLOURS.get(answer or scale, '2')}m{text}\033[0m"


def wrapped(line: str, indent: int = 2) -> str:
    """A line, wrapped at words on a terminal but not in a file or pipe."""
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 0
    return textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False) if width > 40 else line


def print_json(value: Any) -> None:
    """Prints one JSON document in characters that the output can encode."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    print(json.dumps(value, indent=1, ensure_ascii=encoding != "utf8"))
