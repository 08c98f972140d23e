"""The first page: what ran beside what the source ran, the answer in a sentence, and the coverage in a line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from repro.claim import CONTROL
from repro.judging.coverage import Standing
from repro.judging.verdict import CODE_ALIKE, HOLDS, PROVISIONAL, in_a_word
from repro.planning.quantities import counted
from repro.reporting.text import duration, gathered, hours
from repro.reporting.trained import networks
from repro.runs.datasets import DATASETS

Json = dict[str, Any]

MOST_LENGTHS = 3  # of training that the first page names, the commonest first
NONE = "none yet"
WITHHELD, UNSELECTED = "withheld", "unselected"  # pending, though its runs are there
STANDINGS = {  # every word of a verdict at the paper's own protocol, so that the counts add up
    "REPRODUCED": "reproduced", "PARTIAL": "partly reproduced", "NOT_REPRODUCED": "not reproduced",
    "INCONCLUSIVE": "inconclusive", "PAPER_ERROR": "in which the source contradicts its own arithmetic",
    "MEASURED": "measured only",
    "PENDING": "waiting for runs", WITHHELD: "withheld for their precision",
    UNSELECTED: "with points that were not selected",
    "BLOCKED": "blocked by a failure here", "INVALID": "invalid, as a control failed",
}  # fmt: skip


TESTED = ("REPRODUCED", "PARTIAL", "NOT_REPRODUCED", "INCONCLUSIVE")  # of them, what a test has said


def answer(made: Json, claims: Sequence[Json]) -> str:
    """The answer in one sentence."""
    paper = next((entry for entry in made["scales"] if entry["scale"] == "paper"), None)
    waits = ("PENDING", "BLOCKED")
    decided = any((not one["exact_claim"] and one["chip"]["word"] not in waits) or one["withheld"] for one in claims)
    if made["scale"] != "paper" or (paper and not decided):
        exist = f": its store holds {existing(paper, 'the source’s own protocol')}" if paper else ""
        points = _by_point(judged_in_full(made))
        return f"The published results of training are {standing(made)} by this report{exist}{points}."
    own = [one for one in claims if one["same_as"] is None]
    found: dict[str, list[Json]] = {}
    for one in own:
        word = WITHHELD if one["withheld"] else UNSELECTED if one["unselected"] else one["chip"]["word"]
        found.setdefault(word, []).append(one)
    parts = [f"{len(found[word])} {text}{_how(word, found[word])}" for word, text in STANDINGS.items() if word in found]
    return (
        f"Of {counted(len(own), 'claim')}, at the source’s own scale: {', '.join(parts) or 'none judged'}.{_mains(own)}"
    )


def _mains(claims: Sequence[Json]) -> str:
    """How many of the main claims are decided at all their points; "" where all are."""
    mains = [one for one in claims if one["primary"]]
    whole = sum(one["chip"]["word"] in (*TESTED, "MEASURED") for one in mains)
    if whole == len(mains):
        return ""
    verb = "is" if whole < 2 else "are"
    return f" Of the {counted(len(mains), 'main claim')}, {whole or 'none'} {verb} decided at all points."


def _how(word: str, claims: Sequence[Json]) -> str:
    """How many of the claims of a verdict have it by exact counts, and how many with a mark that lessens it."""
    if word not in TESTED:
        return ""
    exact = sum(one["exact_claim"] for one in claims) if word == "REPRODUCED" else 0
    marks = Counter(mark for one in claims for mark in one["chip"]["marks"] if mark != CODE_ALIKE)
    if exact == len(claims):
        return " by exact counts"
    every = "" if len(claims) == 1 else "all "
    some = [f"{exact} of them by exact counts"] * bool(exact)
    some += [f"{f'{count} ' if count < len(claims) else every}{mark}" for mark, count in marks.items()]
    return f" ({', '.join(some)})" if some else ""


def tested(made: Json) -> Counter[str]:
    """How many points that rest on training came out how under a source's own protocol."""
    return Counter(row["verdict"] for row in judged_in_full(made))


def judged_in_full(made: Json) -> list[Json]:
    """The points that rest on training and came out some way under a source's own protocol."""
    return [
        row
        for row in made["judgements"]
        if row["verdict"] in TESTED
        and row["criterion"]["rule"]["kind"] != "X"
        and row["criterion"]["source"]["work"] != CONTROL
    ]


def standing(made: Json) -> str:
    """How the published results of training stand as long as no claim is decided whole."""
    return "tested only in part" if tested(made) else "neither confirmed nor refuted"


def caveats(marks: Sequence[str]) -> str:
    """The marks that lessen a verdict, in brackets."""
    some = [mark for mark in marks if mark != CODE_ALIKE]
    return f" ({', '.join(some)})" if some else ""


def _by_point(rows: Sequence[Json]) -> str:
    found = Counter((row["verdict"], caveats(row["marks"])) for row in rows)
    some = [
        f"{count} {STANDINGS[word]}{marks}" for word in TESTED for (one, marks), count in found.items() if one == word
    ]
    return f"; of grid points so far, {', '.join(some)}" if some else ""


def existing(paper: Json, protocol: str) -> str:
    """How many of the runs that the looks at a protocol ask for so far exist, and how many of them trained nothing."""
    complete, untrained = paper["complete"], paper["untrained"]
    which = "all" if complete == untrained else f"{untrained:,} of those {complete:,}"
    nothing = f"; {which} {'is' if untrained == 1 else 'are'} of untrained networks" if untrained else ""
    return f"{complete:,} of the {paper['runs']:,} runs that {protocol} has called for so far{nothing}"


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


def for_controls(made: Json) -> int:
    """How many runs were trained or evaluated for controls alone, and so stand in no row of ``beside``."""
    works = {entry["claim"]: entry["work"] for entry in made["claims"]}
    return sum(
        run["outcome"] != "built" and {works.get(claim) for claim in run["claims"]} == {CONTROL}
        for run in (*made["runs"], *made["waiting"])
    )


def _own(made: Json) -> list[Json]:
    return [work for work in made["works"] if not work["companion_to"]]


def _own_side(runs: Sequence[Json]) -> dict[str, str]:
    trained = [run for run in runs if run["outcome"] != "built"]
    lengths = Counter(
        (unit, run["spec"][unit])
        for run in trained
        if run["spec"].get("trained") != "none"  # these are evaluated: their one epoch settles running statistics
        for unit in ("epochs", "steps", "rounds")
        if unit in run["spec"]
    )
    by_unit: dict[str, list[str]] = {}
    for (unit, length), _ in lengths.most_common(MOST_LENGTHS):
        by_unit.setdefault(unit, []).append(f"{length:,}")
    others = len(lengths) - MOST_LENGTHS
    training = "; ".join(
        f"{' or '.join(texts)} {unit.removesuffix('s') if texts == ['1'] else unit}" for unit, texts in by_unit.items()
    )
    hours = duration(sum(run["seconds"] or 0.0 for run in trained))
    return {
        "networks": _networks(trained) or NONE,
        "data": "; ".join(map(_data, sorted({run["spec"]["dataset"] for run in trained}))) or NONE,
        "training": training + (f"; {counted(others, 'other length')}" if others > 0 else "") or NONE,
        "seeds": seeds(trained) or NONE,
        "cost": f"{hours} on one device (wall-clock time), {counted(len(trained), 'run')}" if trained else NONE,
    }


def _networks(runs: Sequence[Json]) -> str:
    """The networks that were trained, and those that were only evaluated as they are at the start."""
    untrained = [run["name"] for run in runs if run["spec"].get("trained") == "none"]
    others = [run["name"] for run in runs if run["spec"].get("trained") != "none"]
    alone = {name.partition(" ")[0] for name in untrained} - {name.partition(" ")[0] for name in others}
    return "; ".join(filter(None, [networks(others), f"untrained alone: {networks(alone)}" if alone else ""]))


def _data(name: str) -> str:
    """A data set, or what it is of another one if it is a copy."""
    known = DATASETS.get(name)
    return known.deviation_text.removeprefix("data: ").partition(",")[0] if known and known.deviation_text else name


def fragile(claims: Sequence[Json], rows: Sequence[Json]) -> list[str]:
    """The claims of which a point would come out otherwise if one of its seeds were left out."""
    found = {row["claim"] for row in rows if set(row["without_seed"]) - {in_a_word(row["verdict"], row["answer"])}}
    return [one["id"] for one in claims if one["id"] in found and one["same_as"] is None]


def provisional(rows: Sequence[Json]) -> str:
    """Which controls do not hold yet for the checks that are provisional, and why, in a clause."""
    found = gathered(
        f"{name}: {state}"
        for row in rows
        if PROVISIONAL in row["marks"]
        for name, state in row["controls"].items()
        if state != HOLDS
    )
    said = [text.replace(": no point for ", " was not run on ").replace(": ", " is ") for text, _ in found]
    return "; ".join(said)


def next_step(made: Json) -> str:
    """What its scale still lacks, and the claim whose verdict costs least; "" where nothing is planned."""
    entry = _next_scale(made)
    if entry is None:
        return ""
    missing = entry["runs"] - entry["complete"]
    lacks = f"{counted(missing, 'run')} at {entry['scale']} scale that this store lacks"
    text = f"{lacks}, about {hours(entry['core_hours'])}"
    priced = [row for row in made["coverage"] if row["seconds"] and row["standing"] == Standing.PENDING]
    if entry["scale"] != made["scale"] or not priced:
        return f"{text}."
    cheapest = min(priced, key=lambda row: float(row["seconds"]))
    return f"{text}; the cheapest verdict, {cheapest['id']}, takes about {hours(cheapest['seconds'] / 3600)} alone."


def _next_scale(made: Json) -> Json | None:
    """The scale of the report, or the smallest above it, that still lacks runs."""
    names = [entry["scale"] for entry in made["scales"]]
    start = names.index(made["scale"]) if made["scale"] in names else 0
    return next((entry for entry in made["scales"][start:] if entry["complete"] < entry["runs"]), None)


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
