"""Figures saved from the page: the name of each, and the numbers behind it as CSV."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from repro.reporting.lanes import Row
from repro.reporting.tables import as_csv, digits

Json = dict[str, Any]

NUMBERS = ("finding", "arm", "seed", "value", "interval_low", "interval_high", "criterion_low", "criterion_high",
           "prediction_low", "prediction_high", "published")  # fmt: skip
PLAIN = " !'()*,-./:;=?@_|~"  # in a data address besides letters and digits: most of a table, which base64 makes longer


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
