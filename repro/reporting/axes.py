"""Axes: from values to places in a drawing, and the ticks between."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LARGEST = 1e9  # |value| above which nothing is drawn: an axis would show one point and a line


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: its two values, their two places, and its ticks."""

    low: float
    high: float
    start: float  # place of ``low``
    end: float  # place of ``high``
    log: bool
    ticks: tuple[tuple[float, str], ...]  # value and label

    def place(self, value: float) -> float:
        """The place of a value, at an end if it lies beyond."""
        low, high, value = (math.log(x) if self.log else x for x in (self.low, self.high, max(value, self.low)))
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.start + share * (self.end - self.start)


def axis(
    values: Sequence[float], start: float, end: float, *, log: bool = False, at: Sequence[float] = (), most: int = 6
) -> Axis | None:
    """The axis over some values, with ticks ``at`` some of them if given; None if there is nothing to draw."""
    if not values or not all(drawable(value) for value in values):
        return None
    low, high = min(values), max(values)
    log = log and low > 0
    if log:
        room = 1.12 if high > low else 2.0
        low, high = low / room, high * room
    else:
        size = max(abs(low), abs(high))
        # Ticks around one value, or around equal ones but for rounding, are as far apart as the value is large.
        room = 0.06 * (high - low) if high - low > 1e-6 * size else 0.5 * size or 1.0
        low, high = low - room, high + room
    if at:
        ticks = tuple((value, f"{value:g}") for value in sorted(set(at)))
    else:
        ticks = decades(low, high) if log else nice(low, high, most)
    return Axis(low=low, high=high, start=start, end=end, log=log, ticks=ticks)


def decades(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """1, 2 and 5 times every power of ten inside a range."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    values = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
    return tuple((value, f"{value:,g}") for value in values if low <= value <= high)


def nice(low: float, high: float, most: int = 6) -> tuple[tuple[float, str], ...]:
    """Round numbers inside a range, at most so many."""
    raw = (high - low) / most
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    values = [(first + i) * step for i in range(max(0, min(count, most + 2)))]
    places = max(0, -math.floor(math.log10(step) + 1e-9)) + (step / power == 2.5)
    small = places <= 6 and abs(high) < 1e7
    return tuple((v, (f"{v or 0.0:.{places}f}" if small else f"{v:.3g}").replace("-", "−")) for v in values)


def drawable(value: float | None) -> bool:
    """Whether a value can be drawn at all."""
    return value is not None and abs(value) <= LARGEST


def finite(values: Iterable[float | None]) -> list[float]:
    """The values that can be drawn."""
    return [value for value in values if value is not None and abs(value) <= LARGEST]
