"""The first page: what ran beside what the source ran, the answer in a sentence, and the coverage in a line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from repro.reporting.text import duration, words

Json = dict[str, Any]


def answer(made: Json, claims: Sequence[Json]) -> str:
    """The answer in one sentence."""
    paper = next((entry for entry in made["scales"] if entry["scale"] == "paper"), None)
    if made["scale"] != "paper" or (paper and not paper["complete"]):
        exist = f": {paper['complete']:,} of {paper['runs']:,} runs of its protocol exist" if paper else ""
        return f"The paper’s trained results are neither confirmed nor refuted here{exist}."
    found = Counter(one["chip"]["word"] for one in claims if one["same_as"] is None)
    named = [("REPRODUCED", "reproduced"), ("PARTIAL", "partly reproduced"), ("NOT_REPRODUCED", "not reproduced"),
             ("INCONCLUSIVE", "open"), ("PENDING", "waiting for runs")]  # fmt: skip
    parts = [f"{found[word]} {text}" for word, text in named if found[word]]
    return f"Of {sum(found.values())} claims, under the paper’s own protocol: {', '.join(parts) or 'none judged'}."


def beside(made: Json) -> list[tuple[str, str, str]]:
    """Rows of a table: what, as run here, as the first work ran it."""
    source = made["works"][0]["protocol"] if made["works"] else {}
    trained = [run for run in (*made["runs"], *made["waiting"]) if run["spec"]["epochs"]]
    seconds = sum(run["seconds"] or 0.0 for run in trained)
    own = {
        "networks": networks(trained) or "none yet",
        "data": ", ".join(sorted({run["spec"]["dataset"] for run in trained})) or words(made["protocol"]["dataset"]),
        "epochs": words(made["protocol"]["epochs"]),
        "seeds": seeds(trained) or "none yet",
        "hours": f"{duration(seconds)} of one device, {len(trained):,} trained runs",
    }
    return [(name, text, source.get(name, "–")) for name, text in own.items()]


def networks(runs: Sequence[Json]) -> str:
    """The networks of some runs in a few words, such as ResNet-8, 14, 20; WRN-8-2."""
    found = sorted({(run["spec"]["family"], run["spec"]["width"], run["spec"]["depth"]) for run in runs})
    plain = [str(depth) for family, width, depth in found if width == 1]
    wide = [f"WRN-{depth}-{width}" for family, width, depth in found if width != 1]
    return "; ".join(part for part in (f"ResNet-{', '.join(plain)}" if plain else "", ", ".join(wide)) if part)


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
