"""SVG elements as text: equal drawings give equal bytes.

Colours stand in attributes, which a PDF reads; classes of the same meaning let the page's style replace them, for a
dark theme or a grey print.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

from markupsafe import escape

WIDTH = 340.0  # of every drawing, in its own units: two beside each other on a page, one on a phone
FONT = 12.5  # never below 11 px where a drawing is 300 px wide
INK, QUIET, GRID, BAND = "#222222", "#595959", "#dddddd", "#dfe8ef"
# Okabe and Ito's colours, which colour-blind readers tell apart; where a drawing is grey, shades; marks differ as well.
COLOURS = ("#0072b2", "#d55e00", "#00795a", "#a8518a", "#8a6d00", "#3b3b3b")
GREYS = ("#3b3b3b", "#7a7a7a", "#555555", "#999999", "#6b6b6b", "#222222")
MARKS = ("circle", "square", "triangle", "diamond", "plus", "cross")
EDGE = 1.2  # width of the line around a mark
DASHES = ("", "5 2.5", "1.5 2", "7 2 1.5 2", "3 3", "")


def drawing(height: float, parts: Sequence[str], title: str) -> str:
    """A whole ``<svg>``; ``title`` is its alternative text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" viewBox="0 0 {WIDTH:g} {_n(height)}" '
        f'font-family="sans-serif" font-size="{FONT}" fill="{INK}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", quiet: bool = False, turned: bool = False) -> str:
    """Words at a point: of their start, middle or end; turned by a quarter to the left. No words are no element."""
    if not words:
        return ""
    more = "" if anchor == "start" else f' text-anchor="{anchor}"'
    more += f' class="q" fill="{QUIET}"' if quiet else ' class="i"'
    more += f' transform="rotate(-90 {_n(x)} {_n(y)})"' if turned else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{more}>{escape(words)}</text>'


def line(points: Sequence[tuple[float, float]], *, colour: str, name: str, width: float = 1.0, dash: str = "") -> str:
    """A line through points."""
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline class="{name}" points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def lines(
    ends: Sequence[tuple[float, float, float, float]], *, colour: str, name: str, width: float, dash: str = ""
) -> str:
    """Straight lines, each from a point to another, as one element."""
    path = "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in ends)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{name}" d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def area(points: Sequence[tuple[float, float]], *, colour: str, name: str, opacity: float = 1.0) -> str:
    """A filled polygon."""
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return f'<polygon class="f{name}" points="{path}" fill="{colour}" fill-opacity="{opacity:g}"/>'


def marks(
    shape: str,
    places: Sequence[tuple[float, float]],
    *,
    colour: str,
    name: str,
    filled: bool = True,
    size: float = 3.4,
    opacity: float = 1.0,
) -> str:
    """Equal marks at some places, of one of six shapes, filled or hollow."""
    if not places:
        return ""
    if filled and shape == "circle":  # dots of a pen: a third of the bytes of circles, of which there are thousands
        faint = f' stroke-opacity="{opacity:g}"' if opacity != 1 else ""
        look = f'class="{name}" stroke="{colour}" stroke-width="{_n(2 * size + EDGE)}" stroke-linecap="round"{faint}'
        dots = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in places)
        return f'<g {look}><path d="{dots}"/></g>'
    fill = colour if filled else "none"
    faint = f' fill-opacity="{opacity:g}"' if opacity != 1 else ""
    look = f'class="{name}{"" if filled else " h"}" fill="{fill}" stroke="{colour}" stroke-width="{EDGE:g}"{faint}'
    if shape == "circle":
        inside = "".join(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}"/>' for x, y in places)
    else:
        inside = f'<path d="{"".join(_outline(shape, x, y, size) for x, y in places)}"/>'
    return f"<g {look}>{inside}</g>"


def _outline(shape: str, x: float, y: float, s: float) -> str:
    """One mark as part of a path."""
    d = _n(2 * s)
    match shape:
        case "square":
            return f"M{_n(x - s)} {_n(y - s)}h{d}v{d}h-{d}z"
        case "triangle":
            return f"M{_n(x)} {_n(y - 1.2 * s)}l{_n(1.1 * s)} {_n(2.1 * s)}h-{_n(2.2 * s)}z"
        case "diamond":
            e = _n(1.3 * s)
            return f"M{_n(x)} {_n(y - 1.3 * s)}l{e} {e}l-{e} {e}l-{e} -{e}z"
        case "plus":
            return f"M{_n(x - s)} {_n(y)}h{d}M{_n(x)} {_n(y - s)}v{d}"
        case _:
            return f"M{_n(x - s)} {_n(y - s)}l{d} {d}m0 -{d}l-{d} {d}"


def width_of(words: str) -> float:
    """About how wide words are, in the widest of the fonts that show them, DejaVu Sans."""
    return FONT * math.fsum(map(_width, words))  # from Python 3.12 on, sum rounds otherwise than before


def cut(words: str, room: float) -> str:
    """Words as far as there is room for them."""
    words = " ".join(words.split())
    if width_of(words) <= room:
        return words
    ends = accumulate(map(_width, words), initial=_width("…"))
    most = sum(FONT * end <= room for end in ends) - 1
    return words[: max(0, most)].rstrip() + "…"


def _width(letter: str) -> float:
    """Of a letter, in sizes of the font."""
    if letter in "ijl.,:;'’|! ":
        return 0.34
    return 0.42 if letter in "frt()[]-/" else 0.99 if letter in "mMW@%" else 0.86 if letter in "w+−<>=±≤≥→" else 0.68


def _n(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
