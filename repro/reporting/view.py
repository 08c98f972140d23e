"""The page: the contents of the templates, from a document."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from repro.claim import CONTROL
from repro.judging.coverage import Standing
from repro.judging.multiverse import flips
from repro.judging.verdict import PROVISIONAL
from repro.planning.quantities import counted
from repro.reporting import chips, claim, front, redrawn
from repro.reporting.accuracies import accuracies
from repro.reporting.checklist import checklist, since_registered
from repro.reporting.disagreements import disagreements
from repro.reporting.forest import forest
from repro.reporting.protocols import protocols
from repro.reporting.shown import shown
from repro.reporting.text import duration, gathered, plain, tallied, words
from repro.statistics import MOST_SEEDS

Json = dict[str, Any]


# In this order, each claim in the first group that it belongs to.
ANSWERS: tuple[tuple[str, Callable[[Json], bool]], ...] = (
    ("Checked exactly, and the source agrees", lambda one: one["exact_claim"] and one["chip"]["word"] == "REPRODUCED"),
    ("Checked exactly, and the source contains an error", lambda one: one["chip"]["word"] == "PAPER_ERROR"),
    ("Reproduced", lambda one: one["chip"]["word"] == "REPRODUCED"),
    ("The direction holds, the size is ruled out", lambda one: one["chip"]["word"] == "PARTIAL"),
    ("Not reproduced", lambda one: one["chip"]["word"] == "NOT_REPRODUCED"),
    ("Seen at this scale", lambda one: one["chip"]["answer"] == "seen"),
    ("Not seen at this scale", lambda one: one["chip"]["answer"] == "not seen"),
    ("Open: the runs cannot decide", lambda one: one["chip"]["answer"] == "open"),
    (f"Inconclusive, and not even {MOST_SEEDS} seeds would decide",
     lambda one: one["chip"]["word"] == "INCONCLUSIVE" and one["undecidable"]),
    ("Inconclusive: the runs cannot decide", lambda one: one["chip"]["word"] == "INCONCLUSIVE"),
    ("Measured only (each claim gives the reason)",
     lambda one: one["chip"]["word"] == "MEASURED" and not one["tested"]),
    ("Measured: the source gives no value to compare with", lambda one: one["chip"]["word"] == "MEASURED"),
    ("Withheld: their precision is not validated against float32 yet", lambda one: one["withheld"]),
    ("Blocked: the suite failed", lambda one: one["chip"]["word"] == "BLOCKED"),
    ("Invalid: a control failed", lambda one: one["chip"]["word"] == "INVALID"),
    ("Seen so far, and points are missing", lambda one: one["chip"]["answer"] == "so far seen"),
    ("Not seen so far, and points are missing", lambda one: one["chip"]["answer"] == "so far not seen"),
    ("Judged so far, and points are missing", lambda one: one["judged_so_far"]),
    ("Measured so far, and points are missing", lambda one: one["measured_so_far"]),
    ("Pending: runs are missing", lambda one: one["chip"]["word"] == "PENDING"),
)  # fmt: skip
DEVIATIONS = (  # a heading, and how the texts below it begin; the last one has all others
    ("Readings of what a source leaves open", ("definition:",)),
    ("Notes on rules, judging code and controls", ("rule:", "judging code:", "control ")),
    ("Differences of the runs", ("",)),
)
UNCHECKED = {
    Standing.NO_CHECK: "Not checked at this scale",
    Standing.NOT_SELECTED: "Not selected for this report",
    Standing.NOT_ATTEMPTED: "Not attempted at any scale",
}
MOST_ACCURACIES = 30  # rows of their table that the PDF has; the page has them all
ARXIV = "https://arxiv.org/abs/"


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
            remarks(made, entry["claim"]),
            made["scale"],
        )
        for entry in made["claims"]
        if entry["claim"] in rows
    ]
    known = [work["key"] for work in made["works"]]
    keys = sorted({one["work"] for one in claims}, key=lambda key: (key == CONTROL, key not in known, _at(known, key)))
    groups = [
        {"work": key, "claims": sorted((c for c in claims if c["work"] == key), key=_in_order(made["works"], key))}
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
        "unchecked": [
            {"words": words, "ids": ids}
            for state, words in UNCHECKED.items()
            if (ids := [row["id"] for row in made["coverage"] if row["standing"] == state])
        ],
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
        "tags": _letters(made["tags"], made["works"]),
        "trained": _trained(made),
        **_title(made["works"], made["scale"], _trained(made)),
        "groups": groups,
        "controls": controls,
        "controls_holding": sum(one["chip"]["shape"] == "holds" for one in controls),
        "count": len(others),
        "words": chips.words([*made["claims"], *made["judgements"]]),
        "flags": chips.flags(made["judgements"]),
        "checks": len(made["judgements"]),
        "without_tensors": sum(not run["tensors"] for run in (*made["runs"], *made["waiting"])),
        "deviations": (apart := _deviations(made["judgements"])),
        "deviations_line": _deviations_line(apart, (told := protocols(made["works"]))),
        "repeats": [one for one in others if one["same_as"] is not None],
        "no_more_looks": _no_more_looks(made["judgements"]),
        "most_seeds": MOST_SEEDS,
        "answers": _answers(others),
        "coverage": _coverage(made["coverage"], anchors),
        "next_step": front.next_step(made),
        "provisional": " and ".join(
            counted(count, noun)
            for noun, count in Counter(
                "measurement" if one["chip"]["word"] == "MEASURED" or one["measured_so_far"] else "verdict"
                for one in others
                if PROVISIONAL in one["chip"]["marks"] and one["same_as"] is None
            ).items()
        ),
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


def _in_order(works: Sequence[Json], key: str) -> Callable[[Json], tuple[int, str]]:
    """A key that sorts claims of a work by their files, in the work's own order."""
    order: list[str] = next((work["order"] for work in works if work["key"] == key), [])

    def rank(one: Json) -> tuple[int, str]:
        name = one["file"].rpartition("/")[2]
        rest = order.index("") if "" in order else len(order)
        return next((i for i, start in enumerate(order) if start and name.startswith(start)), rest), one["file"]

    return rank


def remarks(made: Json, name: str) -> list[str]:
    """What was remarked on a claim at the scale of a document."""
    known = [remark for work in made["works"] for remark in work["remarks"]]
    said = (one["text"] for one in known if name in one["claims"] and one["scale"] in ("", made["scale"]))
    return list(dict.fromkeys(said))


def _letters(usual: Mapping[str, str], works: Sequence[Json]) -> dict[str, str]:
    """What the letters after values mean; where works mean different things by one, which means what."""
    found = {}
    for letter in dict.fromkeys([*usual, *(letter for work in works for letter in work["tags"])]):
        meant: dict[str, list[str]] = {}
        for work in works:
            if words := work["tags"].get(letter, usual.get(letter, "")):
                meant.setdefault(words, []).append(work["short"])
        said = [f"{words} ({', '.join(whose)})" if len(meant) > 1 else words for words, whose in meant.items()]
        found[letter] = ", ".join(said) or usual.get(letter, "")
    return found


def _trained(made: Json) -> bool:
    """Whether anything was trained at this scale."""
    return bool(made["cost"]["trained"])


def _title(works: Sequence[Json], scale: str, trained: bool) -> Json:
    """What the page is about: the first work, and whether others report on it; ``trained``: whether any run was."""
    own = [work for work in works if not work["companion_to"]] or list(works)
    said = [(work["short"], work["scales"][scale]) for work in own if scale in work["scales"] and trained]
    return {
        "title": (title := " · ".join(work["short"] for work in own) or "Published claims"),
        "head": title if len(own) < 2 else f"{own[0]['short']} and {len(own) - 1} more",
        "about": [_cited(work) for work in own],
        "scale_words": [words if len(own) == 1 else f"{short}: {words}" for short, words in said],
    }


def _cited(work: Json) -> Json:
    names = list(work["authors"])
    authors = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
    url = work["url"] if work["url"].startswith(("https://", "http://")) else ""  # nothing that a browser would run
    doi = f"10.48550/arXiv.{url.removeprefix(ARXIV)}" if url.startswith(ARXIV) else ""  # as arXiv registers them
    return {**work, "authors": authors, "url": url, "doi": doi}


def _deviations(rows: Sequence[Json]) -> list[Json]:
    """What sets the runs apart, by kind: each text with the number of checks that it stands with."""
    found: dict[str, list[str]] = {heading: [] for heading, _ in DEVIATIONS}
    for text in (text for row in rows for text in row["deviations"]):
        heading = next(heading for heading, begins in DEVIATIONS if text.startswith(begins))
        found[heading].append(text.removeprefix("control "))
    return [{"heading": heading, "texts": gathered(texts)} for heading, texts in found.items() if texts]


def _deviations_line(apart: Sequence[Json], protocols: Sequence[Json]) -> str:
    """The deviations in one line: settings, and what else differs."""
    settings = [row["standing"] for work in protocols for row in work["settings"]]
    parts = [
        f"{settings.count('deviation')} of {len(settings)} settings" if settings else "",
        *(f"{one['heading'][0].lower()}{one['heading'][1:]}: {len(one['texts'])}" for one in apart),
    ]
    return "; ".join(filter(None, parts))


def _no_more_looks(rows: Sequence[Json]) -> int:
    """How many inconclusive points have no further look, if no point has one and no run is missing."""
    if any(row["next_look"] or row["missing"] for row in rows):
        return 0
    return sum(row["verdict"] == "INCONCLUSIVE" for row in rows)


def _at(known: Sequence[str], key: str) -> tuple[int, str]:
    return (known.index(key) if key in known else 0), key


def _answers(claims: Sequence[Json]) -> list[Json]:
    """Claims that were checked exactly, seen, not seen, left open and not tested, each named once."""
    counted_once = [one for one in claims if one["same_as"] is None]
    rest, found = list(counted_once), []
    for heading, belongs in ANSWERS:
        own = [one for one in rest if belongs(one)]
        rest = [one for one in rest if not belongs(one)]
        if own:
            found.append({"words": heading, "claims": own, "shape": own[0]["chip"]["shape"]})
    return found


def _coverage(rows: Sequence[Json], anchors: Mapping[str, str]) -> list[Json]:
    """The whole catalogue by work: a row for each standing, with its claims; by reason where none was attempted."""
    works: dict[str, dict[str, list[Json]]] = {}
    for row in rows:
        works.setdefault(row["work"], {}).setdefault(row["standing"], []).append(row)
    return [
        {"work": work, "rows": [_standing(name, standings[name], anchors) for name in Standing if name in standings]}
        for work, standings in works.items()
    ]


def _standing(name: str, rows: Sequence[Json], anchors: Mapping[str, str]) -> Json:
    reasons: dict[str, list[Json]] = {}
    for row in rows:
        hours = (row["seconds"] or 0) / 3600
        price = f"{hours:,.{0 if hours >= 10 else 1}f}\u00a0h" if hours else ""
        claim = {"id": row["id"], "anchor": anchors.get(row["id"]), "primary": row["primary"], "price": price}
        reasons.setdefault(row["reason"] if name in UNCHECKED else "", []).append(claim)
    priced = any(row["seconds"] for row in rows)
    return {"standing": name, "count": len(rows), "reasons": list(reasons.items()), "priced": priced}


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
