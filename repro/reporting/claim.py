"""A claim's section: all that its template places, from the claim's judgements."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from repro.reporting import figures
from repro.reporting.chips import SHAPES, chip
from repro.reporting.text import counted, point, probability, short

Json = dict[str, Any]

# In the order in which the paper is read: counts, recap, Figures 1 to 7, then what only version 1 or the appendix has.
FILES = ("table1", "bn_algorithm", "fig", "", "v1", "appendix")
POINT_WORDS = {"holds": "hold", "does not hold": "do not", "undecided": "undecided"}
MOST_VALUES = 60  # per-seed values that the PDF prints for one claim; the page has them all
MOST_REASONS = 8


def section(entry: Json, rows: list[Json], anchors: Mapping[str, str], tags: Mapping[str, str]) -> Json:
    """One claim: ``entry`` of the claims table and its judgements, ``rows``."""
    criterion = rows[0]["criterion"]
    rule, source, anchor = criterion["rule"], criterion["source"], anchors[entry["claim"]]
    findings = [finding for row in rows for finding in row["findings"]]
    values = [sample for finding in findings for sample in finding["samples"]]
    several = len(rows) > 1
    return {
        "id": entry["claim"],
        "anchor": anchor,
        "order": (_rank(criterion["claim_file"]), criterion["claim_file"]),
        "sentence": criterion["sentence"],
        "primary": entry["primary"],
        "chip": chip(entry["verdict"], entry["answer"]),
        "work": source["work"],
        "place": source["place"],
        "reference": source["reference"],
        "tag": source["tag"],
        "tag_words": tags.get(source["tag"], ""),
        "kind": rule["kind"],
        "margin": rule.get("margin", rule.get("gap")),
        "unit": _margin_unit(findings),
        "reason": rule["reason"],
        "looks": " then ".join(str(look) for look in criterion["looks"]),
        "claim_file": criterion["claim_file"],
        "points": _points(rows),
        "point_count": len(rows),
        "measured": _measured(rule["kind"], findings),
        "matrix": (matrix := _matrix(rows)),
        "rows": [] if matrix else [_row(row, several) for row in rows],
        "exact": all(finding["estimate"] is None and not finding["samples"] for finding in findings),
        "whys": _whys(rows),
        # The table has every number of the reason, except those of a trend; a page less is a page read.
        "told_by_table": rule["kind"] != "T" and all(row["findings"] for row in rows),
        "cautions": _cautions(entry, rows),
        "p": {name: entry[name] for name in ("p_for", "p_against", "p_against_holm")},
        "figures": _figures(entry["claim"], anchor, rule["kind"], rows),
        "controls": _controls(rows, anchors),
        "deviations": counted([text for row in rows for text in row["deviations"]]),
        "notes": sorted({row["note"] for row in rows} - {""}),
        "missing": [(row["check"], row["missing"]) for row in rows if row["missing"]],
        "values": values,
        "values_in_pdf": sum(len(sample["values"]) for sample in values) <= MOST_VALUES,
        "runs": list({run["key"]: run for row in rows for run in row["runs"]}.values()),
        "hashes": [(row["check"], row["criterion_sha256"]) for row in rows],
    }


def _row(row: Json, several: bool) -> Json:
    return {
        "check": row["check"],
        "point": point(row) if several or row["params"] else "",
        "chip": chip(row["verdict"], row["answer"]),
        "seeds": row["seeds"],
        "next_look": row["next_look"],
        "missing": len(row["missing"]),
        "sha": row["criterion_sha256"],
        "findings": [
            {
                **finding,
                **{name: short(finding[name]) for name in ("label", "expected", "measured")},
                "shape": SHAPES.get(finding["outcome"], "undecided"),
                "level": f" at {100 * finding['interval_level']:.4g} %"
                if finding["interval_level"] is not None
                else "",
            }
            for finding in row["findings"]
        ],
    }


def _matrix(rows: Sequence[Json]) -> Json | None:
    """Exact findings as a table of cells, when every point has the same several."""
    columns = [[finding["label"] for finding in row["findings"]] for row in rows]
    exact = all(not finding["samples"] for row in rows for finding in row["findings"])
    if len(rows) < 2 or len(columns[0]) < 2 or not exact or any(own != columns[0] for own in columns):
        return None
    return {
        "columns": columns[0],
        "rows": [
            {
                "point": point(row),
                "chip": chip(row["verdict"], row["answer"]),
                "cells": [
                    {
                        "expected": short(finding["expected"]),
                        "measured": short(finding["measured"]),
                        "shape": SHAPES.get(finding["outcome"], "undecided"),
                    }
                    for finding in row["findings"]
                ],
            }
            for row in rows
        ],
    }


def _figures(name: str, anchor: str, kind: str, rows: Sequence[Json]) -> list[Json]:
    several = sum(len(row["findings"]) for row in rows) > len(rows)
    drawn = [(_beside(row, finding, len(rows) > 1, several), finding) for row in rows for finding in row["findings"]]
    words = f"{name}: " + "; ".join(f"{label}: {f['measured']}, {f['outcome']}" for label, f in drawn[:12]) + "."
    made = []
    draw = {"P": figures.means, "F": figures.means, "M": figures.means, "O": figures.differences,
            "N": figures.differences, "T": figures.trends}.get(kind)  # fmt: skip
    if draw and drawn:
        made.append({"svg": draw(drawn, name=f"f-{anchor}", title=short(words)), "kind": kind})
    sweeps = [(f"{point(row)}: {sweep['label']}" if len(rows) > 1 else sweep["label"], sweep)
              for row in rows for sweep in row["sweeps"]]  # fmt: skip
    if sweeps:
        title = f"{name}, drawn beside the verdict: " + "; ".join(
            f"{label}, {sweep['y_label']} against {sweep['x_label']}" for label, sweep in sweeps[:6]
        )
        made.append({"svg": figures.sweeps(sweeps, name=f"s-{anchor}", title=f"{title}."), "kind": "sweep"})
    return [{**one, "svg": one["svg"] and Markup(one["svg"])} for one in made]


def _beside(row: Json, finding: Json, grid: bool, several: bool) -> str:
    parts = [point(row) if grid else "", short(finding["label"]) if several or not grid else ""]
    return " · ".join(part for part in parts if part)


def _whys(rows: Sequence[Json]) -> Json:
    """Every point's reason; of a long grid only of those that do not hold."""
    told = rows if len(rows) <= MOST_REASONS else [row for row in rows if row["answer"] != "holds"]
    shown = [{"point": point(row) if len(rows) > 1 else "", "why": short(row["why"])} for row in told[:MOST_REASONS]]
    return {"shown": shown, "more": len(rows) - len(shown)}


def _cautions(entry: Json, rows: Sequence[Json]) -> list[str]:
    """Why a claim is not said to fail although a point of it is ruled out."""
    if entry["answer"] == "does not hold" or not any(row["answer"] == "does not hold" for row in rows):
        return []
    alpha, points, holm = min(row["alpha"] for row in rows), len(rows), entry["p_against_holm"]
    if entry["p_against"] is not None and entry["p_against"] >= alpha:
        corrected = f"for {points} points p against is {probability(entry['p_against'])}"
    elif holm is not None and holm >= alpha:
        corrected = f"over the primary claims (Holm) p against is {probability(holm)}"
    else:
        return []
    return [f"A point is ruled out on its own, but corrected {corrected}, not below {alpha:g}: the claim is undecided."]


def _controls(rows: Sequence[Json], anchors: Mapping[str, str]) -> list[Json]:
    states = {name: state for row in rows for name, state in row["controls"].items()}
    return [
        {"name": name, "state": state, "shape": SHAPES.get(state, SHAPES.get(state.upper(), "undecided")),
         "anchor": anchors.get(name)}
        for name, state in sorted(states.items())
    ]  # fmt: skip


def _points(rows: Sequence[Json]) -> str:
    counts = Counter(row["answer"] if row["answer"] != "none" else row["verdict"].lower() for row in rows)
    if len(rows) == 1:
        return "1 point"
    words = [f"{count} {POINT_WORDS.get(state, state)}" for state, count in counts.items() if state != "holds"]
    held = counts["holds"]
    head = [f"{held} of {len(rows)} hold"] if held or set(counts) & set(POINT_WORDS) else []
    return "; ".join(head + words)


def _measured(kind: str, findings: Sequence[Json]) -> str:
    """A claim's findings in a few words."""
    if len(findings) == 1:
        text = short(findings[0]["measured"])
        steps = text.split(" → ")
        return text if len(steps) <= 3 else f"{steps[0]} → … → {steps[-1]}"
    estimates = [finding for finding in findings if finding["estimate"] is not None]
    if estimates and len(estimates) == len(findings):
        ends = [pick(estimates, key=lambda finding: finding["estimate"])["measured"] for pick in (min, max)]
        return f"{ends[0]} to {ends[1]}"
    agree = sum(finding["outcome"] == "established" for finding in findings)
    return f"{agree} of {len(findings)} {'agree' if kind == 'X' else 'established'}" if findings else "–"


def _margin_unit(findings: Sequence[Json]) -> str:
    units = {finding["unit"] for finding in findings} & {"%", "points"}
    return " points" if units else ""


def _rank(claim_file: str) -> int:
    stem = claim_file.rpartition("/")[2]
    return next((i for i, start in enumerate(FILES) if start and stem.startswith(start)), FILES.index(""))
