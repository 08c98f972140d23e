"""Quantities in words: durations, from texts such as 90s, 45m, 1.5h or 2d and back, and counted things."""

import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
EXAMPLES = "90s, 45m, 1.5h or 2d"


def counted(count: int, one: str, many: str = "") -> str:
    """A number of things, such as "1 claim" or "2 claims"; ``many`` where a plain s does not make the plural."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def seconds(text: str) -> float:
    """Seconds of a duration.

    Raises:
        ValueError: the text is not a duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text, re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write {EXAMPLES}")
    return float(match[1]) * UNITS[match[2]]


def text(seconds: float) -> str:
    """A duration as ``seconds`` reads it, in the largest of hours, minutes and seconds that needs no fraction."""
    unit = next((unit for unit in "hm" if seconds and seconds % UNITS[unit] == 0), "s")
    return f"{seconds / UNITS[unit]:.12g}{unit}"  # 12 digits: an exponent could not be read


def duration(seconds: float) -> str:
    """A duration in a readable unit."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 100 * 3600:
        return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
    days = seconds / 86400
    return f"{days:.0f} days" if days < 1000 else f"{days / 365:.0f} years"
