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
    count, note = _used(figure, runs, scale)
    drawings = drawings if count else []
    titles = {panel.title for panel, _ in drawings[:1]}
    first = {**figure, "panels": [plan for plan in figure["panels"] if plan["title"] in titles]}
    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"{figure['work']}-{figure['id']}")
    return {
        **{key: figure[key] for key in ("work", "place", "title", "caption", "lead")},
        "anchor": f"figure-{name}",
        "drawings": [Markup(one) for _, one in drawings],
        "runs": count,
        "note": note,
        "first_note": _used(first, runs, scale)[1],  # of the first drawing alone
        "save": save(name, table([panel for panel, _ in drawings])),
    }


def _used(figure: Json, runs: Sequence[Json], scale: str) -> tuple[int, str]:
    """How many runs a figure shows, and a note of that and of their data."""
    names, data = redrawn.used(figure, runs, scale)
    note = f"{counted(len(names), 'run')} on {', '.join(data)}"
    return len(names), f"other data or schedule: {note}" if scale in redrawn.OTHER_DATA else note


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
