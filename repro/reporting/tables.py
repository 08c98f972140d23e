"""A document as three tables: its claims, its findings and its runs, as CSV."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

Json = dict[str, Any]

CLAIMS = ("claim", "work", "place", "sentence", "reference", "tag", "kind", "verdict", "answer", "points", "marks",
          "tested", "primary", "same_as", "p_for", "p_against", "p_against_holm")  # fmt: skip
FINDINGS = ("check", "claim", "verdict", "answer", "seeds", "label", "expected", "measured", "outcome", "unit",
            "estimate", "interval_low", "interval_high", "interval_level", "reference", "criterion_low",
            "criterion_high", "p_for", "p_against", "consistent", "criterion_sha256")  # fmt: skip
RUNS = (
    "key",
    "name",
    "outcome",
    "seconds",
    "device",
    "digest",
    "tensors",
    "top1",
    "small_gamma_001",
    "dead_relus",
    "checks",
)
SMALL = 0.01  # the threshold whose share of small γ stands in runs.csv


def tables(made: Json) -> dict[str, str]:
    """The text of each table by file name; an absent value is an empty cell, shares stay fractions."""
    by_claim = {row["claim"]: row["criterion"] for row in made["judgements"]}
    return {
        "claims.csv": _table(CLAIMS, (_claim(entry, by_claim[entry["claim"]]) for entry in made["claims"])),
        "findings.csv": _table(FINDINGS, (_finding(row, one) for row in made["judgements"] for one in row["findings"])),
        "runs.csv": _table(RUNS, map(_run, (*made["runs"], *made["waiting"]))),
    }


def _claim(entry: Json, criterion: Json) -> Json:
    source = {name: criterion["source"][name] for name in ("place", "reference", "tag")}
    kind = criterion["rule"]["kind"]
    points = "; ".join(f"{count} {word}" for word, count in entry["points"].items())
    told = {"sentence": criterion["sentence"], "kind": kind, "points": points, "marks": "; ".join(entry["marks"])}
    return {**entry, **source, **told}


def _finding(row: Json, finding: Json) -> Json:
    interval, criterion = finding["interval"] or (None, None), finding["criterion"] or (None, None)
    return {
        **{name: row[name] for name in ("check", "claim", "verdict", "answer", "seeds", "criterion_sha256")},
        **finding,
        "interval_low": interval[0],
        "interval_high": interval[1],
        "criterion_low": criterion[0],
        "criterion_high": criterion[1],
    }


def _run(run: Json) -> Json:
    measured = run["measures"]
    at = measured["thresholds"].index(SMALL) if SMALL in measured["thresholds"] else None
    share = measured["small_gamma"][at] if at is not None and measured["small_gamma"] else None
    return {**run, **measured, "small_gamma_001": share, "checks": "; ".join(run["checks"])}


def _table(columns: Sequence[str], rows: Iterable[Json]) -> str:
    return as_csv(columns, ([row[name] for name in columns] for row in rows))


def as_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as CSV, in which no text is a formula to a spreadsheet."""
    found = io.StringIO()
    written = csv.writer(found, lineterminator="\n")
    written.writerow(columns)
    written.writerows([_no_formula(cell) for cell in row] for row in rows)
    return found.getvalue()


def _no_formula(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and re.match(r"[=@\t\r]|[+-](?![\d.])", cell) else cell


def digits(value: float | None) -> str:
    """A number to six digits; "" if there is none."""
    return "" if value is None else f"{value:.6g}"
