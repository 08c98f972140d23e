"""The values of options: what each word on the command line stands for, or one line on what is allowed."""

import argparse
import os
import re
from pathlib import Path

from repro.planning import quantities


def seconds(text: str) -> float:
    """A duration such as 90s, 9m or 1.5h."""
    try:
        return quantities.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def size(text: str) -> float:
    """A size such as 500kB or 2MB, in bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(k|M|G)?B", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write one such as 500kB or 2MB")
    return float(found[1]) * {None: 1, "k": 1e3, "M": 1e6, "G": 1e9}[found[2]]


def devices(text: str) -> str:
    """auto, cpu, or one or several GPUs."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?(,cuda:\d+)*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a device; write auto, cpu, cuda, cuda:<index>, or several such as cuda:0,cuda:1"
        )
    return text


def processes(text: str) -> int:
    """A number of worker processes."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of worker processes; write 1 or more")
    if int(text) > (most := max(8, 4 * (os.cpu_count() or 1))):
        raise argparse.ArgumentTypeError(f"{text} processes would stall this machine; write at most {most}")
    return int(text)


def hours(text: str) -> float:
    """A number of hours; not NaN, which compares with nothing."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours; write 0 or more, such as 24 or 0.5")
    return float(text)


def profile(text: str) -> str:
    """The name of a profile: a file in slurm/, not a path."""
    if not re.fullmatch(r"\w[\w.-]{0,99}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the name of a profile; write letters, digits, dots, - and _, such as mine for "
            "slurm/mine.toml"
        )
    return text


def percent(text: str) -> float:
    """A percentage above 0."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) or not 0 < float(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage; write a number above 0 and up to 100")
    return float(text)


def words(text: str) -> str:
    """The expression of -k; a blank one is a mistake."""
    if text and not text.strip():
        raise argparse.ArgumentTypeError("-k is blank; write words of the ids to select, or leave -k out for all")
    return text


def target(text: str) -> Path:
    """A file to write, or a folder that is there."""
    found = path(text)
    if text.endswith("/") and not found.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}; make it, or name a file")
    return found


def named(text: str) -> str:
    """A word that is not empty: "" would be taken for no option at all."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the value is empty; name one, or leave the option out")
    return text


def path(text: str) -> Path:
    """A path that is not empty: "" would be the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; name a file or folder")
    return Path(text)
