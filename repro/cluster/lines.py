"""Lines that fit the terminal, broken at words."""

import os
import shutil
import sys
import textwrap


def show(line: str) -> None:
    """Prints a line, wrapped on a terminal but not in a pipe; a path or a command is never broken."""
    watched = sys.stdout.isatty() or "COLUMNS" in os.environ
    text = wrapped(line, shutil.get_terminal_size((120, 24)).columns) if watched else line
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def wrapped(line: str, width: int) -> str:
    """The line, wrapped at a width."""
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip(" |"))]
    return textwrap.fill(line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False)
