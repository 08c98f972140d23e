"""A redrawn figure as the page shows it: its drawings, and what they are saved as."""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from repro.planning.quantities import counted
from repro.reporting import redrawn
from repro.reporting.panel import Drawn, Points, draw, table
from repro.reporting.saving import save

Json = dict[str, Any]


def shown(figure: Json, runs: Sequence[Json], scale: str) -> Json:
    """A figure of the document with its drawings, none if nothing can be drawn."""
    panels = redrawn.panels(figure, runs, scale)
    drawings = [(panel, one) for panel in panels if (one := draw(panel, _alternative(figure, panel)))]
    names, data = redrawn.used(figure, runs, scale)
    count = len(names)
    drawings = drawings if count else []
    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"{figure['work']}-{figure['id']}")
    note = f"{counted(count, 'run')} on {', '.join(data)}"
    return {
        **{key: figure[key] for key in ("work", "place", "title", "caption", "lead")},
        "anchor": f"figure-{name}",
        "drawings": [Markup(one) for _, one in drawings],
        "runs": count,
        "note": f"other data or schedule: {note}" if scale in redrawn.OTHER_DATA else note,
        "save": save(name, table([panel for panel, _ in drawings])),
    }


def _ends(points: Points) -> str:
    first, last = points[0][1], points[-1][1]
    return f"{first:.3g}" if len(points) == 1 else f"from {first:.3g} to {last:.3g}"


def _alternative(figure: Json, panel: Drawn) -> str:
    """The alternative text: what is drawn, and the ends of every line of means and of published values."""
    ends = [
        f"{line.name}{whose} {_ends(points)}"
        for line in panel.series
        for whose, points in (("", () if line.steps else line.mean), (", published,", line.published))
        if points
    ]
    said = f": {'; '.join(ends)}" if ends else ""
    where = ", ".join(filter(None, (figure["place"], panel.title)))
    return f"{where}: {panel.y_label} against {panel.x_label}{said}."
