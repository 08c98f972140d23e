"""The report: verdicts.json as one page for the browser and the same page as a PDF."""

import gc
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from repro.provenance import PACKAGE
from repro.provenance import folder as beside_package
from repro.reporting import figures
from repro.runs.store import write

Json = dict[str, Any]

SCHEMA = PACKAGE / "judging" / "verdicts.schema.json"
PANGO = "libpango-1.0-0 libpangoft2-1.0-0"  # Debian's packages that WeasyPrint loads
CONTROL = "control"  # the source.work of controls

# How a verdict looks, by what it says; report.css gives every shape a sign, a colour and a border of its own.
SHAPES = {
    "REPRODUCED": "holds", "NOT_REPRODUCED": "fails", "PARTIAL": "partial", "INCONCLUSIVE": "undecided",
    "MEASURED": "measured", "PENDING": "pending", "BLOCKED": "blocked", "INVALID": "invalid",
    "PAPER_ERROR": "source-error", "holds": "holds", "failed": "fails", "seen": "holds", "not seen": "fails",
    "open": "undecided",
    "established": "holds", "direction only": "partial", "ruled out": "fails", "source error": "source-error",
    "measured": "measured",
}  # fmt: skip
SCALED = ("SMOKE", "PILOT")
VERDICTS = (
    "REPRODUCED", "NOT_REPRODUCED", "PAPER_ERROR", "PARTIAL", "INCONCLUSIVE", "SMOKE", "PILOT", "MEASURED", "PENDING",
    "BLOCKED", "INVALID",
)  # fmt: skip
ANSWERS = ("seen", "not seen", "open", "none")
FOR = ("seen", "REPRODUCED")

# In the order in which the paper is read: counts, recap, Figures 1 to 7, then what only version 1 or the appendix has.
FILES = ("table1", "bn_algorithm", "fig", "", "v1", "appendix")
DISAGREEMENTS = (
    ("How far BatchNorm alone gets", ("bn-only-cifar", "bn-only-cifar-v1", "thebatch-bn-only")),
    ("How many γ are near zero",
     ("gamma-third-cifar", "gamma-third-imagenet", "gamma-third-wording", "gamma-nearly-half")),
)  # fmt: skip
MOST_VALUES = 60  # per-seed values that the PDF prints for one claim; the page has them all
MOST_REASONS = 8

Shaped = tuple[Json, list[Json]]  # a claim's entry and its judgements


def render(made: Json, folder: Path) -> list[str]:
    """Writes report.html, report.pdf and verdicts.schema.json; says in lines what was written, and what was not.

    Raises:
        StoreError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _no_garbage_collection():
        return _render(made, folder)


def page(made: Json) -> bytes:
    """report.html of a document, for ``judge --verify`` to compare."""
    return _page(shape(made), for_pdf=False).encode()


def _render(made: Json, folder: Path) -> list[str]:
    shaped = shape(made)
    page = _page(shaped, for_pdf=False).encode()
    written = [_put(folder / "report.html", page)]
    try:
        written.append(_put(folder / "report.pdf", pdf(_page(shaped, for_pdf=True))))
    except OSError as error:
        written.append(
            f"no report.pdf: {error}. Install Pango: apt install {PANGO} (Debian), brew install pango (macOS)."
        )
    written.append(_put(folder / "verdicts.schema.json", SCHEMA.read_bytes()))
    return written


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Layout makes millions of objects that live to its end; looking through them for cycles takes a quarter of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def pdf(page: str) -> bytes:
    """A page as PDF with bookmarks, tags and alternative texts; nothing is loaded from anywhere.

    Raises:
        OSError: a library that WeasyPrint needs is not installed.
    """
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    made: bytes = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf(
        pdf_tags=True, pdf_identifier=b"repro"
    )
    return made


def shape(made: Json) -> Json:
    """All that the templates place, from a document."""
    made = _plain(made)
    rows: dict[str, list[Json]] = {}
    for row in made["judgements"]:
        rows.setdefault(row["claim"], []).append(row)
    anchors = {name: name if re.fullmatch(r"[a-z0-9-]+", name) else f"claim-{i}" for i, name in enumerate(rows)}
    claims = [
        _claim(entry, rows[entry["claim"]], anchors, made["tags"]) for entry in made["claims"] if entry["claim"] in rows
    ]
    works = sorted({claim["work"] for claim in claims}, key=lambda work: (work == CONTROL, work != "frankle2021", work))
    groups = [
        {"work": work, "claims": sorted((c for c in claims if c["work"] == work), key=lambda claim: claim["order"])}
        for work in works
    ]
    controls = [claim for claim in claims if claim["work"] == CONTROL]
    others = [claim for claim in claims if claim["work"] != CONTROL]
    return {
        **{name: made[name] for name in ("scale", "suite", "tags", "environment", "data", "cluster")},
        "groups": groups,
        "controls": controls,
        "controls_holding": sum(claim["chip"]["shape"] == "holds" for claim in controls),
        "count": len(others),
        "counts": _counts(others),
        "checks": len(made["judgements"]),
        "deviations": _counted([text for row in made["judgements"] for text in row["deviations"]]),
        "cautions": [claim for claim in claims if claim["cautions"]],
        "disagreements": _disagreements(others),
        "protocol": [(name.replace("_", " "), _value(value)) for name, value in sorted(made["protocol"].items())],
        "cost": _cost(made["cost"]),
        "runs": [{**run, "top1": (run["top1_by_epoch"] or [None])[-1]} for run in made["runs"]],
    }


def number(value: float | None, unit: str = "") -> str:
    """A filter: a measured number, shares to three digits and all else to two; a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if value and not 1e-3 <= abs(value) < 1e7:
        text = f"{value:.2e}" if abs(value) >= 1e7 else f"{value:.{3 if unit == 'share' else 2}f}"
    else:
        text = f"{value:.{3 if unit == 'share' else 2}f}"
    return re.sub(r"^-(0\.?0*)$", r"\1", text).replace("-", "−")


def probability(value: float | None) -> str:
    """A filter: a p-value to two digits, never rounded to 0 or 1."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return "> 0.99" if 0.99 < value < 1 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def _page(shaped: Json, *, for_pdf: bool) -> str:
    root = beside_package("report_templates")
    environment = Environment(
        loader=FileSystemLoader(root), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "p": probability}
    styles = [(root / name).read_text() for name in ("report.css", "print.css")]
    return environment.get_template("report.html.j2").render(
        **shaped, for_pdf=for_pdf, styles=[Markup(style) for style in styles]
    )


def _put(path: Path, content: bytes) -> str:
    write(path, content)
    return f"{path} {len(content) / 1e6:.2f} MB"


def _claim(entry: Json, rows: list[Json], anchors: Mapping[str, str], tags: Mapping[str, str]) -> Json:
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
        "chip": _chip(entry["verdict"], entry["answer"]),
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
        "cautions": _cautions(entry),
        "p": {name: entry[name] for name in ("p_for", "p_against", "p_against_holm")},
        "figures": _figures(entry["claim"], anchor, rule["kind"], rows),
        "controls": _controls(rows, anchors),
        "deviations": _counted([text for row in rows for text in row["deviations"]]),
        "notes": sorted({row["note"] for row in rows} - {""}),
        "missing": [(row["check"], row["missing"]) for row in rows if row["missing"]],
        "values": values,
        "values_in_pdf": sum(len(sample["values"]) for sample in values) <= MOST_VALUES,
        "runs": list({run["key"]: run for row in rows for run in row["runs"]}.values()),
        "hashes": [(row["check"], row["criterion_sha256"]) for row in rows],
    }


def _chip(verdict: str, answer: str) -> Json:
    """A verdict to look at; one away from the paper's scale is never drawn as full."""
    scaled = verdict in SCALED
    so_far = f"so far {answer}" if verdict in ("PENDING", "BLOCKED") and answer != "none" else ""
    return {
        "shape": SHAPES.get(answer if scaled else verdict, "undecided"),
        "word": verdict,
        "answer": answer if scaled else so_far,
        "full": not scaled,
        "rank": (VERDICTS.index(verdict) if verdict in VERDICTS else 99, ANSWERS.index(answer)),
    }


def _row(row: Json, several: bool) -> Json:
    return {
        "check": row["check"],
        "point": _point(row) if several or row["params"] else "",
        "chip": _chip(row["verdict"], row["answer"]),
        "seeds": row["seeds"],
        "next_look": row["next_look"],
        "missing": len(row["missing"]),
        "sha": row["criterion_sha256"],
        "findings": [
            {
                **finding,
                **{name: _short(finding[name]) for name in ("label", "expected", "measured")},
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
                "point": _point(row),
                "chip": _chip(row["verdict"], row["answer"]),
                "cells": [
                    {
                        "expected": _short(finding["expected"]),
                        "measured": _short(finding["measured"]),
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
        made.append({"svg": draw(drawn, name=f"f-{anchor}", title=_short(words)), "kind": kind})
    sweeps = [(f"{_point(row)}: {sweep['label']}" if len(rows) > 1 else sweep["label"], sweep)
              for row in rows for sweep in row["sweeps"]]  # fmt: skip
    if sweeps:
        title = f"{name}, drawn beside the verdict: " + "; ".join(
            f"{label}, {sweep['y_label']} against {sweep['x_label']}" for label, sweep in sweeps[:6]
        )
        made.append({"svg": figures.sweeps(sweeps, name=f"s-{anchor}", title=f"{title}."), "kind": "sweep"})
    return [{**one, "svg": one["svg"] and Markup(one["svg"])} for one in made]


def _beside(row: Json, finding: Json, grid: bool, several: bool) -> str:
    parts = [_point(row) if grid else "", _short(finding["label"]) if several or not grid else ""]
    return " · ".join(part for part in parts if part)


def _whys(rows: Sequence[Json]) -> Json:
    """Every point's reason; of a long grid only of those that do not hold."""
    told = (
        rows if len(rows) <= MOST_REASONS else [row for row in rows if not {row["answer"], row["verdict"]} & set(FOR)]
    )
    shown = [{"point": _point(row) if len(rows) > 1 else "", "why": _short(row["why"])} for row in told[:MOST_REASONS]]
    return {"shown": shown, "more": len(rows) - len(shown)}


def _cautions(entry: Json) -> list[str]:
    """What must be said wherever the verdict is shown."""
    return [f"This verdict is marked: {mark}." for mark in entry["marks"]]


def _controls(rows: Sequence[Json], anchors: Mapping[str, str]) -> list[Json]:
    states = {name: state for row in rows for name, state in row["controls"].items()}
    return [
        {"name": name, "state": state, "shape": SHAPES.get(state, SHAPES.get(state.upper(), "undecided")),
         "anchor": anchors.get(name)}
        for name, state in sorted(states.items())
    ]  # fmt: skip


def _counts(claims: Sequence[Json]) -> list[Json]:
    chips = {claim["chip"]["rank"]: claim["chip"] | {"answer": claim["chip"]["answer"].removeprefix("so far ")}
             for claim in claims}  # fmt: skip
    counts = Counter(claim["chip"]["rank"] for claim in claims)
    return [{"chip": chips[rank], "count": counts[rank]} for rank in sorted(chips)]


def _points(rows: Sequence[Json]) -> str:
    counts = Counter(row["answer"] if row["answer"] != "none" else row["verdict"] for row in rows)
    if len(rows) == 1:
        return "1 point"
    words = [f"{count} {state.lower()}" for state, count in counts.items() if state not in FOR]
    head = [f"{counts[state]} of {len(rows)} {state.lower()}" for state in FOR if counts[state]]
    return "; ".join(head + words)


def _measured(kind: str, findings: Sequence[Json]) -> str:
    """A claim's findings in a few words."""
    if len(findings) == 1:
        text = _short(findings[0]["measured"])
        steps = text.split(" → ")
        return text if len(steps) <= 3 else f"{steps[0]} → … → {steps[-1]}"
    estimates = [finding for finding in findings if finding["estimate"] is not None]
    if estimates and len(estimates) == len(findings):
        ends = [pick(estimates, key=lambda finding: finding["estimate"])["measured"] for pick in (min, max)]
        return f"{ends[0]} to {ends[1]}"
    agree = sum(finding["outcome"] == "established" for finding in findings)
    return f"{agree} of {len(findings)} {'agree' if kind == 'X' else 'established'}" if findings else "–"


def _disagreements(claims: Sequence[Json]) -> list[Json]:
    by_name = {claim["id"]: claim for claim in claims}
    found = [
        {"about": about, "claims": [by_name[name] for name in names if name in by_name]}
        for about, names in DISAGREEMENTS
    ]
    return [entry for entry in found if len(entry["claims"]) > 1]


def _cost(cost: Json) -> Json:
    seconds, peak = cost["device_seconds"] or 0, cost["peak_memory_bytes"]
    time = f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.1f} minutes"
    return {**cost, "time": time, "memory": f"{peak / 1e9:.2f} GB" if peak else "not recorded"}


def _rank(claim_file: str) -> int:
    stem = claim_file.rpartition("/")[2]
    return next((i for i, start in enumerate(FILES) if start and stem.startswith(start)), FILES.index(""))


def _margin_unit(findings: Sequence[Json]) -> str:
    units = {finding["unit"] for finding in findings} & {"%", "points"}
    return " points" if units else ""


def _point(row: Json) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in row["params"].items()) or "all"


def _counted(texts: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(texts).items())


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _short(text: str) -> str:
    """A text with its SHA-256 values cut to their first twelve digits."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)


def _plain(value: Any) -> Any:
    """A JSON value whose texts hold only what HTML, XML and UTF-8 can carry."""
    if isinstance(value, str):
        return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]", "\ufffd", value)
    if isinstance(value, dict):
        return {_plain(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
