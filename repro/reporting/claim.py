"""A claim's section: the contents of its template, from the claim's judgements."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from repro.planning.quantities import counted
from repro.reporting import figures, reasons
from repro.reporting.chips import SHAPES, chip
from repro.reporting.front import STANDINGS, TESTED
from repro.reporting.percent import in_percent
from repro.reporting.scope import scope
from repro.reporting.text import difference, gathered, number, point, short
from repro.reporting.trained import on
from repro.reporting.what_if import what_if

Json = dict[str, Any]

BRIEF = 34  # letters of what was found that fit beside the name of a claim on the first page


def section(
    entry: Json,
    rows: list[Json],
    anchors: Mapping[str, str],
    tags: Mapping[str, str],
    trained_on: Mapping[str, str],
    remarks: Sequence[str] = (),
    scale: str = "",
) -> Json:
    """One claim: ``entry`` of the claims table and its judgements at a ``scale``, ``rows``.

    ``trained_on``: data by run.
    """
    criterion = rows[0]["criterion"]
    if not entry["tested"]:
        rows = [_only_measured(row) for row in rows]
    rows = [_named(in_percent(row)) for row in rows]
    findings = [finding for row in rows for finding in row["findings"]]
    return {
        **_claimed(entry, criterion, tags),
        "anchor": anchors[entry["claim"]],
        **_required(entry, criterion, rows),
        **_decided(entry, criterion, rows, findings),
        **_shown(entry, criterion, rows, findings, trained_on),
        **_told_beside(entry, rows, scale),
        "remarks": list(remarks),
        **_behind(rows),
    }


def _claimed(entry: Json, criterion: Json, tags: Mapping[str, str]) -> Json:
    """What the claim says, and where."""
    source = criterion["source"]
    return {
        "id": entry["claim"],
        "claim_file": criterion["claim_file"],
        "sentence": criterion["sentence"],
        "primary": entry["primary"],
        "same_as": entry["same_as"],
        "work": source["work"],
        "place": source["place"],
        "reference": source["reference"],
        "tag": source["tag"],
        "tag_words": tags.get(source["tag"], ""),
    }


def _required(entry: Json, criterion: Json, rows: Sequence[Json]) -> Json:
    """The rule, and whether it can be tested here."""
    rule = criterion["rule"]
    return {
        "tested": entry["tested"],
        "in_sight": entry["tested"] or not entry["rationale"],
        "exact_claim": not entry["rationale"],
        "rationale": entry["rationale"],
        "kind": rule["kind"],
        "margins": _margins(rule, rows, entry["unit"]),
        "rule_name": rule["name"],
        "side": rule.get("side", ""),
        "unit": " points" if entry["unit"] in ("%", "points", "share") else "",
        "reason": rule["reason"],
        "looks": " then ".join(str(look) for look in criterion["looks"]),
        "asked": _asked(rule["kind"], rows) if entry["tested"] else "",
    }


def _decided(entry: Json, criterion: Json, rows: Sequence[Json], findings: Sequence[Json]) -> Json:
    """The verdict, what it waits for, and what would change it."""
    kind, changes = criterion["rule"]["kind"], reasons.would_change(entry, rows)
    moving = [words for words in changes if not words.startswith(reasons.NO_SINGLE)]
    with_p = [row for row in rows if row["p_for"] is not None]
    return {
        "chip": chip(entry["verdict"], entry["answer"], entry["marks"]),
        "what_if": what_if(kind, findings) if entry["tested"] else None,
        "withheld": any(reasons.withheld(row) for row in rows) and not any(row["missing"] for row in rows),
        "unselected": entry.get("unselected", 0),
        "measured_so_far": entry["verdict"] == "PENDING" and "MEASURED" in entry["points"],
        "undecidable": _undecidable(findings),
        "would_change": next(iter(moving), ""),
        "changes": moving[1:],
        "unmoved": reasons.unmoved([words for words in changes if words.startswith(reasons.NO_SINGLE)]),
        "points": reasons.points(rows),
        "point_count": len(rows),
        "agrees": kind == "X" and bool(findings) and all(one["outcome"] == "established" for one in findings),
        "p": {name: entry[name] for name in ("p_for", "p_against", "p_against_holm")},
        "p_over": f"over {len(with_p)} of {len(rows)} points" if len(with_p) < len(rows) else "",
        "p_times": _times(len(criterion["looks"]), len(criterion["grid"])),
    }


def _shown(
    entry: Json, criterion: Json, rows: Sequence[Json], findings: Sequence[Json], trained_on: Mapping[str, str]
) -> Json:
    """The numbers, in words, tables and figures."""
    kind, what = criterion["rule"]["kind"], _what(findings)
    measured, judged = reasons.measured(kind, findings), _judged_so_far(entry, kind, rows)
    in_brief = findings and entry["tested"] and kind != "X"
    ran_on, matrix = on({run["key"]: run["name"] for row in rows for run in row["runs"]}, trained_on), _matrix(rows)
    return {
        "line": reasons.line(entry, kind, rows, measured),
        "on": ran_on,
        "judged_so_far": judged,
        "measured": measured,
        "brief": judged or (measured if in_brief and len(measured) <= BRIEF else ""),
        "seeds": _seeds([row["seeds"] for row in rows if row["findings"]] or [row["seeds"] for row in rows]),
        "what": "" if ran_on.startswith(f"{what} on ") else what,
        "matrix": matrix,
        "rows": [] if matrix else [_row(row, rows) for row in rows],
        "exact": all(one["estimate"] is None and not one["samples"] for one in findings),
        "published": any(one["consistent"] is not None or one["assumption"] for one in findings),
        "found": bool(findings),
        "one_finding": len(findings) == 1,
        **figures.of_claim(entry["claim"], kind, rows),
    }


def _told_beside(entry: Json, rows: Sequence[Json], scale: str) -> Json:
    """Controls, deviations and scope: what a reader must know beside the verdict."""
    controls, covered = _controls(rows), scope(entry, rows, scale)
    deviations = gathered(text for row in rows for text in row["deviations"])
    return {
        "controls": controls,
        "controls_line": _controls_line(controls),
        "deviations": deviations,
        "deviations_line": "; ".join(text for text, _ in deviations if not text.startswith("judging code:")),
        "scope": covered[0],
        "scope_brief": covered[1],
        "notes": sorted({row["note"] for row in rows} - {""}),
    }


def _behind(rows: Sequence[Json]) -> Json:
    """The runs and their values, and what is missing."""
    return {
        "missing": [(row["check"], row["missing"]) for row in rows if row["missing"]],
        "values": [
            {**sample, "label": f"{point(row)}: {sample['label']}"} if len(rows) > 1 else sample
            for row in rows
            for finding in row["findings"]
            for sample in finding["samples"]
        ],
        "runs": _by_arm({(run["arm"], run["key"]): run for row in rows for run in row["runs"]}.values()),
        "hashes": [(row["check"], row["criterion_sha256"]) for row in rows],
    }


def _judged_so_far(entry: Json, kind: str, rows: Sequence[Json]) -> str:
    """The points that have a verdict while others wait, and how they came out; "" where none has or none waits."""
    judged = [row for row in rows if row["verdict"] in TESTED]
    if entry["verdict"] != "PENDING" or not judged or kind == "X":
        return ""
    if len(judged) > 1:
        return reasons.points(rows)
    (row,) = judged
    return f"{point(row)}: {STANDINGS[row['verdict']]}, {reasons.measured(kind, row['findings'])}"


def _asked(kind: str, rows: Sequence[Json]) -> str:
    """The criterion, where all points have the same one; of numbers, points that wait for runs have their own."""
    if kind == "X" or (kind in "PF" and not all(row["findings"] for row in rows)):
        return ""
    asked = {short(finding["expected"]) for row in rows for finding in row["findings"]}
    return asked.pop() if len(asked) == 1 else ""


def _what(findings: Sequence[Json]) -> str:
    """What the numbers of a claim are: the label of its only finding, or the quantity that all of them have."""
    if len(findings) == 1 and " → " not in findings[0]["label"]:
        return str(findings[0]["label"])
    quantities = {str(sample["quantity"]) for finding in findings for sample in finding["samples"]}
    return quantities.pop() if len(quantities) == 1 else ""


def _undecidable(findings: Sequence[Json]) -> bool:
    """Whether no number of seeds would decide any of the findings that are open, at the spread found."""
    undecided = [finding for finding in findings if finding["outcome"] == "undecided"]
    return all(finding["interval"] and not finding["more_seeds"] for finding in undecided)


def _by_arm(runs: Iterable[Json]) -> list[tuple[str, str, str, list[Json]]]:
    """Arm, name without a seed and how they ended of runs that differ in their seeds alone, and those runs."""
    found: dict[tuple[str, str, str], list[Json]] = {}
    for run in runs:
        name = run["name"].replace(f" seed {run['seed']}", "")
        arm = "untrained" if run["arm"] == "nothing" else run["arm"]
        found.setdefault((arm, name, run["outcome"]), []).append(run)
    return [(*shared, own) for shared, own in found.items()]


def _row(row: Json, rows: Sequence[Json]) -> Json:
    return {
        "check": row["check"],
        "point": point(row) if len(rows) > 1 or row["params"] else "",
        # What all points share stands with the claim.
        "marks": [mark for mark in row["marks"] if not all(mark in one["marks"] for one in rows)],
        "chip": chip(row["verdict"], row["answer"], row["marks"]),
        "seeds": row["seeds"],
        "next_look": row["next_look"],
        "missing": len(row["missing"]),
        "withheld": bool(reasons.withheld(row)),
        "accept": f"{row['accept']:.3g}",
        # Each of several findings is held to its share of the level against.
        "against": f"{row['against'] / max(1, sum(one['p_against'] is not None for one in row['findings'])):.3g}",
        "last_look": row["seeds"] >= row["criterion"]["looks"][-1],
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


def _times(looks: int, points: int) -> str:
    """By what a whole claim's p against it is multiplied, in words; "" if by nothing."""
    times = [f"{looks} looks" * (looks > 1), f"{points} points" * (points > 1)]
    return f"Bonferroni: times {' and '.join(filter(None, times))}" if looks * points > 1 else ""


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
                "chip": chip(row["verdict"], row["answer"], row["marks"]),
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


def _named(row: Json) -> Json:
    """A row in a reader's names: of the arm "nothing", of which nothing is trained, and of differences."""
    labels = [str(finding["label"]) for finding in row["findings"]]

    def named(text: str) -> str:
        for label in labels:
            text = text.replace(label, difference(label))
        return text.replace(" − nothing", " − untrained")

    findings = [
        {
            **finding,
            **{name: named(finding[name]) for name in ("label", "why")},
            "samples": [
                {**sample, "label": "untrained"} if sample["label"] == "nothing" else sample
                for sample in finding["samples"]
            ],
        }
        for finding in row["findings"]
    ]
    return {**row, "why": named(row["why"]), "findings": findings}


def _only_measured(row: Json) -> Json:
    """A row at a scale that cannot test the sentence, without anything for or against it."""
    plain = {
        "outcome": "measured",
        "criterion": None,
        "reference": None,
        "prediction": None,
        "consistent": None,
        "would_change": "",
        "flips": None,
    }
    return {**row, "findings": [{**finding, **plain} for finding in row["findings"]], "would_change": ""}


def _controls(rows: Sequence[Json]) -> list[Json]:
    """The controls of a claim, each with the shape of its worst point and a text for each way of not holding."""
    made = []
    for name in sorted({name for row in rows for name in row["controls"]}):
        states = [row["controls"][name].partition(" for ")[0] for row in rows if name in row["controls"]]
        kinds = Counter(state for state in states if _shape(state) != "holds")
        shapes = {_shape(state) for state in states}
        shape = "fails" if "fails" in shapes else "undecided" if kinds else "holds"
        told = [
            f"{count} of {len(rows)} points: {kind}" if count < len(rows) else kind for kind, count in kinds.items()
        ]
        made.append({"name": name, "shape": shape, "told": told})
    return made


def _shape(state: str) -> str:
    return SHAPES.get(state, SHAPES.get(state.upper(), "undecided"))


def _controls_line(controls: Sequence[Json]) -> str:
    """The controls in one line: all hold, or which of them do not, and at how many points of several."""
    if not controls:
        return ""
    others = [one for one in controls if one["shape"] != "holds"]
    if not others:
        return f"All {len(controls)} controls hold."
    by_text: dict[str, list[str]] = {}
    for one in others:
        by_text.setdefault("; ".join(one["told"]), []).append(one["name"])
    said = [
        f"{', '.join(names)} ({text.replace('no point', 'not run on its networks')})" for text, names in by_text.items()
    ]
    return f"{len(controls) - len(others)} of {len(controls)} controls hold. Not holding: {', '.join(said)}."


def _seeds(numbers: Sequence[int]) -> str:
    """How many seeds the points of a claim have, such as 3 to 5 seeds."""
    low, high = min(numbers), max(numbers)
    return counted(high, "seed") if low == high else f"{low} to {counted(high, 'seed')}"


def _margin(rule: Json, unit: str) -> float | None:
    """The margin, gap or limit of a rule; of shares, in percent or points."""
    value = rule.get("margin", rule.get("gap", rule.get("limit")))
    return 100 * value if value is not None and (unit == "share" or rule["kind"] == "F") else value


def _margins(rule: Json, rows: Sequence[Json], unit: str) -> str:
    """The margin, gap or limit in words: of points that have gaps of their own, the smallest and the largest."""
    own = [row["params"].get("gap", rule["gap"]) for row in rows] if "gap" in rule else []
    ends = [_margin({**rule, "gap": pick(own)}, unit) for pick in (min, max)] if own else [_margin(rule, unit)]
    return " to ".join(number(end) for end in dict.fromkeys(ends))
