"""What reaches stdout and stderr, whatever those are: full, closed, or unable to show a letter."""

import json
import os
import sys
from typing import Any, TextIO


def prepare() -> None:
    """Makes every character printable, one that the encoding lacks as an escape; what is closed leads nowhere.

    Without that, the next file to be opened would get a closed stream's descriptor, and what libraries print.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(message: str) -> None:
    """One line on stderr, as far as there is one."""
    try:
        if sys.stderr is not None:
            print("repro: " + " ".join(message.split("\n")), file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO | None) -> None:
    """Gives up on a stream, so that what it still holds is not tried again when the interpreter ends."""
    try:
        if stream is not None:
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), stream.fileno())
    except (OSError, ValueError):  # no real file, as under a test
        pass


def print_json(value: Any) -> None:
    """Prints one JSON document, and nothing that its reader's encoding lacks."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    print(json.dumps(value, indent=1, ensure_ascii=encoding != "utf8"))
