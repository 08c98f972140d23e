"""The page: the contents of the templates, from a document."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from repro.claim import CONTROL
from repro.judging.multiverse import flips
from repro.judging.verdict import PROVISIONAL
from repro.planning.quantities import counted
from repro.reporting import chips, claim, deviations, front, redrawn, standings, works
from repro.reporting.accuracies import accuracies
from repro.reporting.answers import answers
from repro.reporting.checklist import checklist, since_registered
from repro.reporting.disagreements import disagreements
from repro.reporting.forest import forest
from repro.reporting.protocols import protocols
from repro.reporting.shown import shown
from repro.reporting.text import duration, plain, tallied, words
from repro.statistics import MOST_SEEDS

Json = dict[str, Any]


MOST_ACCURACIES = 30  # rows of their table that the PDF has; the page has them all


def view(made: Json, changed: Json | None = None) -> Json:
    """The contents of the templates, from a document; ``changed``: what has, since another one."""
    made = plain(made)
    rows: dict[str, list[Json]] = {}
    for row in made["judgements"]:
        rows.setdefault(row["claim"], []).append(row)
    tags: dict[str, Mapping[str, str]] = {work["key"]: made["tags"] | work["tags"] for work in made["works"]}
    anchors = {name: name if re.fullmatch(r"[a-z0-9-]+", name) else f"claim-{i}" for i, name in enumerate(rows)}
    trained_on = {run["key"]: run["spec"]["dataset"] for run in made["runs"] if run["outcome"] != "built"}
    claims = [
        claim.section(
            entry,
            rows[entry["claim"]],
            anchors,
            tags.get(entry["work"], dict(made["tags"])),
            trained_on,
            works.remarks(made, entry["claim"]),
            made["scale"],
        )
        for entry in made["claims"]
        if entry["claim"] in rows
    ]
    known = [work["key"] for work in made["works"]]
    keys = sorted({one["work"] for one in claims}, key=lambda key: (key == CONTROL, key not in known, _at(known, key)))
    groups = [
        {"work": key, "claims": sorted((c for c in claims if c["work"] == key), key=works.in_order(made["works"], key))}
        for key in keys
    ]
    controls = [one for one in claims if one["work"] == CONTROL]
    others = [one for one in claims if one["work"] != CONTROL]
    cost = _cost(made["cost"])
    figures = [shown(figure, [*made["runs"], *made["waiting"]], made["scale"]) for figure in made["figures"]]
    drawn = [figure for figure in figures if figure["drawings"]]
    several = sum(not work["companion_to"] for work in made["works"]) > 1
    return {
        **{name: made[name] for name in ("scale", "suite", "environment", "data", "cluster")},
        "suite_name": f"batchnorm-repro {made['suite']['version']}",
        "answer": front.answer(made, others),
        "beside": front.beside(made),
        "for_controls": front.for_controls(made),
        "coverage_line": front.coverage_line(made["coverage"]),
        "remarked": any(one["remarks"] for one in others),
        "unchecked": standings.unchecked(made["coverage"]),
        "machines": _machines(made["environment"]),
        "redrawn": drawn,
        "undrawn": [
            f"{figure['place']} ({figure['work']})" if several else figure["place"]
            for figure in figures
            if not figure["drawings"]
        ],
        "lead": next((figure for figure in drawn if figure["lead"] and figure["runs"]), None),
        "other_data": made["scale"] in redrawn.OTHER_DATA,
        "forest": forest(others, rows, made["distances"], made["scale"]),
        "tags": works.letters(made["tags"], made["works"]),
        "trained": _trained(made),
        **works.title(made["works"], made["scale"], _trained(made)),
        "groups": groups,
        "controls": controls,
        "controls_holding": sum(one["chip"]["shape"] == "holds" for one in controls),
        "count": len(others),
        "words": chips.words([*made["claims"], *made["judgements"]]),
        "flags": chips.flags(made["judgements"]),
        "checks": len(made["judgements"]),
        "without_tensors": sum(not run["tensors"] for run in (*made["runs"], *made["waiting"])),
        "deviations": (apart := deviations.deviations(made["judgements"])),
        "deviations_line": deviations.in_one_line(apart, (told := protocols(made["works"]))),
        "repeats": [one for one in others if one["same_as"] is not None],
        "no_more_looks": _no_more_looks(made["judgements"]),
        "most_seeds": MOST_SEEDS,
        "answers": answers(others),
        "coverage": standings.coverage(made["coverage"], anchors),
        "next_step": front.next_step(made),
        "provisional": " and ".join(
            counted(count, noun)
            for noun, count in Counter(
                "measurement" if one["chip"]["word"] == "MEASURED" or one["measured_so_far"] else "verdict"
                for one in others
                if PROVISIONAL in one["chip"]["marks"] and one["same_as"] is None
            ).items()
        ),
        "fragile": front.fragile([*others, *controls], made["judgements"]),
        "provisional_as": front.provisional(made["judgements"]),
        "multiverses": _multiverses(made["multiverses"], {one["id"]: one for one in claims}),
        "registration": made["registration"],
        "registered_words": since_registered(made["registration"]),
        "checklist": checklist(made),
        "disagreements": disagreements(made["works"], others),
        "protocol": [(name.replace("_", " "), words(value)) for name, value in sorted(made["protocol"].items())],
        "protocols": told,
        "all_told": len(told) >= sum(not work["companion_to"] for work in made["works"]) > 0,
        "cost": cost,
        "accuracies": accuracies([*made["runs"], *made["waiting"]]),
        "accuracies_in_pdf": MOST_ACCURACIES,
        "changed": changed,
        "anchors": anchors,
        "runs": [
            {**run, "top1": (run["top1_by_epoch"] or [None])[-1], "waits": run in made["waiting"]}
            for run in (*made["runs"], *made["waiting"])
        ],
    }


def _trained(made: Json) -> bool:
    """Whether anything was trained at this scale."""
    return bool(made["cost"]["trained"])


def _no_more_looks(rows: Sequence[Json]) -> int:
    """How many inconclusive points have no further look, if no point has one and no run is missing."""
    if any(row["next_look"] or row["missing"] for row in rows):
        return 0
    return sum(row["verdict"] == "INCONCLUSIVE" for row in rows)


def _at(known: Sequence[str], key: str) -> tuple[int, str]:
    return (known.index(key) if key in known else 0), key


def _multiverses(found: Sequence[Json], claims: Mapping[str, Json]) -> list[Json]:
    """By primary claim: how many analyses agree with the frozen one, and which choices alone change the word.

    Of all its points, those that wait for runs among them.
    """
    made = []
    for name in dict.fromkeys(one["claim"] for one in found):
        own = [one for one in found if one["claim"] == name]
        made.append(
            {
                "claim": name,
                "anchor": claims[name]["anchor"] if name in claims else None,
                "frozen": tallied([one["frozen"] for one in own]),
                "points": claims[name]["point_count"] if name in claims else len(own),
                "agreeing": sum(one["words"].get(one["frozen"], 0) for one in own),
                "count": sum(len(one["paths"]) for one in own),
                "flips": tallied([f"{c}: {w}" for one in own for c, w in flips(one["paths"], one["frozen"])]),
            }
        )
    return made


def _machines(environment: Sequence[Json]) -> str:
    """The commits and devices of the runs, in a few words."""
    commits = sorted({one["commit"] for one in environment if one["commit"]})
    devices = sorted({one["device"] for one in environment})
    without = sum(one["parts"] for one in environment if not one["commit"])
    hash_, _, changes = commits[0].partition("+") if len(commits) == 1 else ("", "", "")
    named = [
        f"commit {hash_[:12]}{' and uncommitted changes' * bool(changes)}"
        if hash_
        else f"{len(commits)} commits" * bool(commits),
        f"{counted(without, 'session')} without a commit" if without else "",
        *devices,
    ]
    return ", ".join(filter(None, named))


def _cost(cost: Json) -> Json:
    peak = cost["peak_memory_bytes"]
    return {
        **cost,
        "time": duration(cost["device_seconds"] or 0),
        "worked": duration(worked) if (worked := cost.get("processor_seconds")) else "",  # older documents have none
        "memory": f"{peak / 1e9:.2f} GB" if peak else "not recorded",
    }
