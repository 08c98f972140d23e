"""Output to stdout and stderr, even if they are full, closed, or cannot encode a character."""

import contextlib
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

NARROW = 40  # columns; nothing is wrapped in a terminal as narrow as this


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


@dataclass(frozen=True)
class Teller:
    """What a command tells: lines for a person or, with --json, one JSON value and nothing else on stdout."""

    stdout: TextIO | None
    as_json: bool

    def __call__(self, value: Callable[[], Any], lines: Iterable[str] = ()) -> None:
        """Prints the value, or the lines."""
        if self.as_json:
            print(_json(value(), self.stdout), file=self.stdout)
            return
        for line in lines:
            show(line)


@contextlib.contextmanager
def teller(as_json: bool) -> Iterator[Teller]:
    """The teller of one command; with --json, whatever else is printed meanwhile goes to stderr."""
    told = Teller(sys.stdout, as_json)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        yield told


def worst(*codes: int) -> int:
    """The exit code that stands for several: that something failed, is pending, does not hold, or else 0."""
    return max(codes, key=(0, 1, 3, 2).index)


def show(line: str, indent: int = 2) -> None:
    """Prints a line, or several, wrapped at words on a terminal."""
    for one in line.split("\n"):
        print(wrapped(one, len(one) - len(one.lstrip()) + indent), flush=True)


def say(message: str) -> None:
    """Prints one line on stderr, if there is one, wrapped at words on a terminal."""
    try:
        if sys.stderr is not None:
            line = "repro: " + " ".join(message.split("\n"))
            print(wrapped(line, stream=sys.stderr), file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def busy(what: str) -> None:
    """Says on a terminal, not in a file or pipe, what takes the next seconds."""
    if sys.stderr is not None and sys.stderr.isatty():
        say(f"{what} …")


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


def wrapped(line: str, indent: int = 2, stream: TextIO | None = None) -> str:
    """A line, wrapped at words on a terminal but not in a file or pipe; a word, such as a path, is never broken.

    ``stream`` is where it goes: None for stdout.
    """
    stream = stream or sys.stdout
    width = shutil.get_terminal_size().columns if stream is not None and stream.isatty() else 0
    if width <= NARROW or len(re.sub(r"\033\[\d+m", "", line)) <= width:
        return line
    return textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def _json(value: Any, stream: TextIO | None) -> str:
    """One JSON document in characters that the output can encode."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return json.dumps(value, indent=1, ensure_ascii=encoding != "utf8")
