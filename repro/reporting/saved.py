"""A redrawn figure as the page shows it: its drawings, and links that save them as SVG and their numbers as CSV."""

import base64
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from repro.reporting import redrawn
from repro.reporting.panel import Drawn, draw, table

Json = dict[str, Any]

PLAIN = " !'()*,-./:;=?@_|~"  # in a data address besides letters and digits: most of a table, which base64 makes longer


def shown(figure: Json, runs: Sequence[Json], scale: str) -> Json:
    """A figure of the document with its drawings, none if nothing can be drawn."""
    panels = redrawn.panels(figure, runs, scale)
    drawings = [(panel, one) for panel in panels if (one := draw(panel, _alternative(figure, panel)))]
    names, data = redrawn.used(figure, runs, scale)
    count = len(names)
    drawings = drawings if count else []
    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"{figure['work']}-{figure['id']}")
    note = f"{count} runs on {', '.join(data)}"
    return {
        **{key: figure[key] for key in ("work", "place", "title", "caption", "lead")},
        "anchor": f"figure-{name}",
        "drawings": [Markup(one) for _, one in drawings],
        "runs": count,
        "note": f"other data or schedule: {note}" if scale == redrawn.OTHER_DATA else note,
        "saves": saves(name, [one for _, one in drawings], table([panel for panel, _ in drawings])),
    }


def saves(name: str, drawings: Sequence[str], numbers: str) -> list[tuple[str, str, str]]:
    """Links that save drawings as SVG and their numbers as CSV: words, file name and address of each."""
    labels = [f"SVG {i + 1}" if len(drawings) > 1 else "SVG" for i in range(len(drawings))]
    files = [f"{name}-{i + 1}.svg" if len(drawings) > 1 else f"{name}.svg" for i in range(len(drawings))]
    found = [(label, file, _address("image/svg+xml", one))
             for label, file, one in zip(labels, files, drawings, strict=True)]  # fmt: skip
    return [*found, ("CSV", f"{name}.csv", f"data:text/csv;charset=utf-8,{quote(numbers, safe=PLAIN)}")]


def _alternative(figure: Json, panel: Drawn) -> str:
    """The alternative text: what is drawn, and the ends of every line of means."""
    ends = [
        f"{line.name} from {line.mean[0][1]:.3g} to {line.mean[-1][1]:.3g}"
        for line in panel.series
        if line.mean and not line.steps
    ]
    said = f": {'; '.join(ends)}" if ends else ""
    return f"{figure['place']}, {panel.title}: {panel.y_label} against {panel.x_label}{said}."


def _address(kind: str, content: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content.encode()).decode()}"
