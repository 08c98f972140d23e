"""A redrawn figure as the page shows it: its drawings, and links that save them as SVG and their numbers as CSV."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from repro.planning.quantities import counted
from repro.reporting import redrawn
from repro.reporting.panel import Drawn, Points, draw, table
from repro.reporting.rows import Row
from repro.reporting.tables import as_csv, digits

Json = dict[str, Any]

NUMBERS = ("finding", "arm", "seed", "value", "interval_low", "interval_high", "criterion_low", "criterion_high",
           "prediction_low", "prediction_high", "published")  # fmt: skip
PLAIN = " !'()*,-./:;=?@_|~"  # in a data address besides letters and digits: most of a table, which base64 makes longer


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


def save(name: str, numbers: str) -> Json:
    """The name under which a figure is saved, and the address of its numbers as CSV; the page's script saves SVG."""
    return {"name": name, "csv": f"data:text/csv;charset=utf-8,{quote(numbers, safe=PLAIN)}"}


def numbers(rows: Sequence[Row]) -> str:
    """What drawings of findings show, as CSV: a row for each seed, and one for what was decided from them."""
    table: list[list[Any]] = []
    for label, finding in rows:
        for sample in finding["samples"]:
            values = zip(sample["seeds"], sample["values"], strict=False)
            table += ([label, sample["label"], seed, digits(one), *[""] * 7] for seed, one in values)
        level = f", {100 * finding['interval_level']:.4g} % interval" if finding["interval_level"] is not None else ""
        ranges = [finding[name] or (None, None) for name in ("interval", "criterion", "prediction")]
        ends = [end for both in ranges for end in both]
        decided = [finding["estimate"], *ends, finding["reference"]]
        table.append([label, f"estimate{level}", "", *map(digits, decided)])
    return as_csv(NUMBERS, table)


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
