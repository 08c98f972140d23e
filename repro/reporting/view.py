"""The page: all that the templates place, from a document."""

import re
from collections.abc import Sequence
from typing import Any

from repro.reporting import chips, claim
from repro.reporting.text import counted, plain, words

Json = dict[str, Any]

CONTROL = "control"  # the source.work of controls
DISAGREEMENTS = (
    ("How far BatchNorm alone gets", ("bn-only-cifar", "bn-only-cifar-v1", "thebatch-bn-only")),
    ("How many γ are near zero",
     ("gamma-third-cifar", "gamma-third-imagenet", "gamma-third-wording", "gamma-nearly-half")),
)  # fmt: skip


def view(made: Json) -> Json:
    """All that the templates place, from a document."""
    made = plain(made)
    rows: dict[str, list[Json]] = {}
    for row in made["judgements"]:
        rows.setdefault(row["claim"], []).append(row)
    anchors = {name: name if re.fullmatch(r"[a-z0-9-]+", name) else f"claim-{i}" for i, name in enumerate(rows)}
    claims = [
        claim.section(entry, rows[entry["claim"]], anchors, made["tags"])
        for entry in made["claims"]
        if entry["claim"] in rows
    ]
    works = sorted({one["work"] for one in claims}, key=lambda work: (work == CONTROL, work != "frankle2021", work))
    groups = [
        {"work": work, "claims": sorted((c for c in claims if c["work"] == work), key=lambda one: one["order"])}
        for work in works
    ]
    controls = [one for one in claims if one["work"] == CONTROL]
    others = [one for one in claims if one["work"] != CONTROL]
    return {
        **{name: made[name] for name in ("scale", "suite", "tags", "environment", "data", "cluster")},
        "groups": groups,
        "controls": controls,
        "controls_holding": sum(one["chip"]["shape"] == "holds" for one in controls),
        "count": len(others),
        "counts": chips.counts(others),
        "checks": len(made["judgements"]),
        "deviations": counted([text for row in made["judgements"] for text in row["deviations"]]),
        "cautions": [one for one in claims if one["cautions"]],
        "disagreements": _disagreements(others),
        "protocol": [(name.replace("_", " "), words(value)) for name, value in sorted(made["protocol"].items())],
        "cost": _cost(made["cost"]),
        "runs": [{**run, "top1": (run["top1_by_epoch"] or [None])[-1]} for run in made["runs"]],
    }


def _disagreements(claims: Sequence[Json]) -> list[Json]:
    by_name = {one["id"]: one for one in claims}
    found = [
        {"about": about, "claims": [by_name[name] for name in names if name in by_name]}
        for about, names in DISAGREEMENTS
    ]
    return [entry for entry in found if len(entry["claims"]) > 1]


def _cost(cost: Json) -> Json:
    seconds, peak = cost["device_seconds"] or 0, cost["peak_memory_bytes"]
    time = f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.1f} minutes"
    return {**cost, "time": time, "memory": f"{peak / 1e9:.2f} GB" if peak else "not recorded"}
