"""The first page: what ran beside what the source ran, the answer in a sentence, and the coverage in a line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from repro.reporting.text import duration
from repro.reporting.trained import networks

Json = dict[str, Any]

MOST_LENGTHS = 2  # of training that the first page names, the commonest first
WITHHELD = "withheld"  # pending, though its runs are there
STANDINGS = {  # every word of a verdict at the paper's own protocol, so that the counts add up
    "REPRODUCED": "reproduced", "PARTIAL": "partly reproduced", "NOT_REPRODUCED": "not reproduced",
    "INCONCLUSIVE": "open", "PAPER_ERROR": "in which the source slips", "MEASURED": "measured only",
    "PENDING": "waiting for runs", WITHHELD: "withheld for their precision",
    "BLOCKED": "blocked by a failure here", "INVALID": "invalid, as a control failed",
}  # fmt: skip


def answer(made: Json, claims: Sequence[Json]) -> str:
    """The answer in one sentence."""
    paper = next((entry for entry in made["scales"] if entry["scale"] == "paper"), None)
    waits = ("PENDING", "BLOCKED")
    decided = any((not one["exact_claim"] and one["chip"]["word"] not in waits) or one["withheld"] for one in claims)
    if made["scale"] != "paper" or (paper and not decided):
        exist = f": {paper['complete']:,} of {paper['runs']:,} runs under their own protocol exist" if paper else ""
        if paper and paper["complete"] == paper["untrained"] > 0:
            exist += ", all of untrained networks"
        return f"The published results of training are neither confirmed nor refuted here{exist}."
    own = [one for one in claims if one["same_as"] is None]
    found = Counter(WITHHELD if one["withheld"] else one["chip"]["word"] for one in own)
    exact = sum(one["exact_claim"] and one["chip"]["word"] == "REPRODUCED" for one in own)
    parts = [f"{found[word]} {text}" for word, text in STANDINGS.items() if found[word]]
    if exact and found["REPRODUCED"]:
        parts[0] += f" ({exact} of them by exact counts)" if exact < found["REPRODUCED"] else " by exact counts"
    return f"Of {len(own)} claims, under the source’s own protocol: {', '.join(parts) or 'none judged'}."


def beside(made: Json) -> list[Json]:
    """For each work that says what it trained: a row of what ran here and one of what it ran, by name."""
    works = {entry["claim"]: entry["work"] for entry in made["claims"]}
    found = []
    for work in _own(made):
        if work["protocol"]:
            runs = [run for run in (*made["runs"], *made["waiting"]) if work["key"] in map(works.get, run["claims"])]
            own = _own_side(runs)
            theirs = [(name, work["protocol"].get(name, "–")) for name in own]
            rows = [("here", list(own.items())), ("source", theirs)]
            found.append({"work": work["short"], "names": list(own), "rows": rows})
    return found


def _own(made: Json) -> list[Json]:
    return [work for work in made["works"] if not work["companion_to"]]


def _own_side(runs: Sequence[Json]) -> dict[str, str]:
    trained = [run for run in runs if run["outcome"] != "built"]
    lengths = Counter(
        (unit, run["spec"][unit])
        for run in trained
        for unit in ("epochs", "steps")
        if unit in run["spec"] and "retrains" not in run["spec"]
    )
    by_unit: dict[str, list[str]] = {}
    for (unit, length), _ in lengths.most_common(MOST_LENGTHS):
        by_unit.setdefault(unit, []).append(f"{length:,}")
    training = "; ".join(f"{' or '.join(texts)} {unit}" for unit, texts in by_unit.items())
    hours = duration(sum(run["seconds"] or 0.0 for run in trained))
    none = "none yet"
    return {
        "networks": networks(run["name"] for run in trained) or none,
        "data": ", ".join(sorted({run["spec"]["dataset"] for run in trained})) or none,
        "training": training or none,
        "seeds": seeds(trained) or none,
        "cost": f"{hours} of one device by the clock, {len(trained):,} runs" if trained else none,
    }


def seeds(runs: Sequence[Json]) -> str:
    """How many seeds the arms have."""
    arms = Counter(tuple(sorted((k, str(v)) for k, v in run["spec"].items() if k != "seed")) for run in runs)
    if not arms:
        return ""
    low, high = min(arms.values()), max(arms.values())
    return f"{low}" if low == high else f"{low} to {high}"


def coverage_line(rows: Sequence[Mapping[str, Any]]) -> str:
    """The coverage of the catalogue in one line."""
    if not rows:
        return ""
    found = Counter(row["standing"] for row in rows)
    return f"{len(rows)} claims in the catalogue: {', '.join(f'{count} {name}' for name, count in found.items())}."
