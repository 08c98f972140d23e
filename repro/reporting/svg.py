"""A matplotlib figure as one ``<svg>`` element: small, with a title, and with ids of its own."""

import io
import re
from typing import Any
from xml.etree import ElementTree

from matplotlib.figure import Figure

FONTS = "system-ui, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans Condensed', sans-serif"
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NO_METADATA: Any = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # equal figures give equal bytes


def svg(figure: Figure, name: str, title: str) -> str:
    """The figure; ids begin with ``name``, so that one page can hold many, and ``title`` is its alternative text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=NO_METADATA)
    root = ElementTree.fromstring(buffer.getvalue())
    _drop_style_and_metadata(root)
    _rename_ids(root, name)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)  # HTML knows the namespace of <svg>
        element.text, element.tail = _trimmed(element.text), _trimmed(element.tail)
        for key, value in element.items():
            element.set(key, _shorter(value))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
    for key, value in (("role", "img"), ("class", "figure"), ("stroke-linejoin", "round"), ("stroke-linecap", "butt")):
        root.set(key, value)
    heading = ElementTree.Element("title")
    heading.text = title
    root.insert(0, heading)
    return ElementTree.tostring(root, encoding="unicode")


def _drop_style_and_metadata(root: ElementTree.Element) -> None:
    """Removes style, which the page has itself, and metadata."""
    for child in list(root):
        if child.tag == f"{SVG}metadata" or (child.tag == f"{SVG}defs" and child.find(f"{SVG}style") is not None):
            root.remove(child)


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    """Prefixes ids that are referenced with the figure's name, and removes the others."""
    used: set[str] = set()
    for element in root.iter():
        target = element.attrib.pop(f"{XLINK}href", None)
        if target is not None:
            used.add(target[1:])
            element.set("href", f"#{name}-{target[1:]}")
        for key, value in element.items():
            for found in re.findall(r"url\(#([^)]+)\)", value):
                used.add(found)
                element.set(key, value.replace(f"url(#{found})", f"url(#{name}-{found})"))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.set("id", f"{name}-{old}")


def _shorter(value: str) -> str:
    """An attribute with two decimals, single spaces, and the reader's own fonts."""
    value = re.sub(r"(\d\.\d\d)\d+", r"\1", " ".join(value.split()))
    return re.sub(r"font-family: [^;]+", f"font-family: {FONTS}", value)


def _trimmed(text: str | None) -> str | None:
    return text.strip() or None if text else text
