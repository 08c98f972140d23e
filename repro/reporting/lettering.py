"""The words of a drawing in a PDF, each line shaped once: WeasyPrint shapes every letter on its own, twice."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def whole_words() -> Iterator[None]:
    """Within it, WeasyPrint draws a ``<text>`` as one line, as ours are: an x, a y, and perhaps an anchor."""
    from weasyprint.svg import TAGS

    before = TAGS["text"]
    TAGS["text"] = _draw
    try:
        yield
    finally:
        TAGS["text"] = before


def _draw(svg: Any, node: Any, font_size: float) -> None:
    from weasyprint.css.properties import INITIAL_VALUES
    from weasyprint.draw.text import draw_first_line
    from weasyprint.matrix import Matrix
    from weasyprint.svg.text import Style, TextBox
    from weasyprint.text.line_break import split_first_line

    style = Style(INITIAL_VALUES, font_family=[node.get("font-family")], font_size=font_size)
    style.font_config = svg.font_config
    line, _, _, width, _, _ = split_first_line(node.text, style, svg.context, math.inf, 0)
    before = {"middle": width / 2, "end": width}.get(node.get("text-anchor"), 0.0)
    place = Matrix(d=-1, e=float(node.get("x")) - before, f=float(node.get("y")))
    with svg.stream.stacked():
        fill, stroke = svg.set_graphical_state(node, font_size)
        svg.stream.begin_text()
        line.reactivate(style)
        svg.fill_stroke(fill, stroke, text=True)
        draw_first_line(svg.stream, TextBox(line, style), "none", "none", place)
        svg.stream.end_text()
