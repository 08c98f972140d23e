"""The README's table of what runs on the paper's images found, and its list of what is decided in full."""

from collections import Counter
from typing import Any

from repro.judging.verdict import CODE_ALIKE, in_a_word
from repro.planning.quantities import counted
from repro.reporting.front import caveats, judged_in_full
from repro.reporting.percent import in_percent
from repro.reporting.text import number, point, short
from repro.reporting.works import remarks

Json = dict[str, Any]
BAR = "\\|"  # in a cell, such as that of |γ|


def evidence(made: Json) -> str:
    """What runs on the paper's images found: a Markdown row for each claim that is decided in part, then the rest."""
    controls = {row["claim"] for row in made["judgements"] if row["criterion"]["source"]["work"] == "control"}
    by_claim = {
        entry["claim"]: [
            in_percent(row) for row in made["judgements"] if row["claim"] == entry["claim"] and row["findings"]
        ]
        for entry in made["claims"]
    }
    shown = [
        entry
        for entry in made["claims"]
        if entry["same_as"] is None
        and any(row["seeds"] and row["runs"] and _trained(made, row) for row in by_claim[entry["claim"]])
    ]
    common = [mark for mark in shown[0]["marks"] if all(mark in entry["marks"] for entry in shown)] if shown else []
    rows, measured, held = [], [], []
    for entry in shown:
        judged, marks = by_claim[entry["claim"]], [mark for mark in entry["marks"] if mark not in common]
        found = "; ".join(_point(row) + _amount(row["findings"][0]) for row in judged)
        word = whole(entry) + (f" ({', '.join(marks)})" if marks else "")
        name = entry["claim"] + REMARKED * bool(remarks(made, entry["claim"]))
        if entry["claim"] in controls:
            held.append(f"{name} {HELD.get(word, word)}{_by(judged)}")
        elif all(row["verdict"] == "MEASURED" for row in judged):
            measured.append(name)
        else:
            asked = "; ".join(dict.fromkeys(short(row["findings"][0]["expected"]) for row in judged))
            cells = (name, judged[0]["criterion"]["sentence"], word, asked, found, _hinges(judged))
            rows.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
    waiting = sum(entry["verdict"] == "PENDING" and not by_claim[entry["claim"]] for entry in made["claims"])
    head = "| claim | says | verdict | criterion | found | seeds whose removal changes the verdict |"
    lines = [head, "|---|---|---|---|---|---|", *rows, ""] if rows else []
    told = ((MEASURED, ", ".join(measured)), ("Controls", "; ".join(held)))
    said = [f"{word}: {some}." for word, some in told if some]
    said += [ALIKE if mark == CODE_ALIKE else f"All of these: {mark}." for mark in common]
    said.append(f"{counted(waiting, 'claim')} pending." if waiting else "None of these claims is pending.")
    lines.append(" ".join([BRACKETS.format(seeds=_seeds(shown, by_claim)), *said]))
    return "\n".join(lines) + "\n"


def so_far(made: Json) -> str:
    """A Markdown list of the points that rest on training and have a verdict under the paper's protocol; "" of none."""
    once = {entry["claim"] for entry in made["claims"] if entry["same_as"] is None}
    points = [
        f"- {row['claim']}, {point(row)}, {counted(row['seeds'], 'seed')}: {row['verdict']}{caveats(row['marks'])}, "
        f"{_amount(row['findings'][0])}; criterion: {short(row['findings'][0]['expected'])}\n"
        for row in map(in_percent, judged_in_full(made))
        if row["claim"] in once
    ]
    return f"{INTERVALS}\n\n{''.join(points)}" if points else ""


INTERVALS = (
    "Points with a verdict so far, with 90 % intervals (one that is held against a published value is centred on our "
    "mean and includes that value's error; all others reflect only the spread over our seeds):"
)
REMARKED = " †"
HELD = {"seen": "holds", "REPRODUCED": "holds", "not seen": "failed", "NOT_REPRODUCED": "failed"}  # of a control
MEASURED = "Measured, with values in [the report](claims/evidence/pilot/report.pdf)"
BRACKETS = (
    "In brackets: 90 % intervals over our seeds ({seeds}), over all looks where a claim is judged. †: with a remark in "
    "the report, which has every seed and reason."
)
ALIKE = "The judging code has changed since these runs; the code of that time gives the same results for them."


def _seeds(shown: list[Json], by_claim: dict[str, list[Json]]) -> str:
    """How many seeds the checks of some claims have: the usual number, and claims with another one."""
    found = [
        (row["seeds"], entry["claim"])
        for entry in shown
        for row in by_claim[entry["claim"]]
        if row["criterion"]["rule"]["kind"] != "X"
    ]
    usual = Counter(seeds for seeds, _ in found).most_common(1)[0][0]
    others = dict.fromkeys(f"{claim}: {seeds}" for seeds, claim in found if seeds != usual)
    return "; ".join([f"n = {usual}", *others])


def _by(judged: list[Json]) -> str:
    """The number by which a control holds, and the seeds on which that hinges; "" where it is exact."""
    (first, *_) = judged
    if first["criterion"]["rule"]["kind"] == "X":
        return ""
    hinges = _hinges(judged)
    more = "" if hinges == "none" else f"; without seed {hinges}"
    return f" ({first['findings'][0]['label']}: {_amount(first['findings'][0])}{more})"


def _amount(finding: Json) -> str:
    """What was measured, and its bounds in brackets."""
    ends = ", ".join(number(end, finding["unit"]) for end in finding["interval"] or ())
    return short(finding["measured"]) + (f" [{ends}]" if ends else "")


def _hinges(judged: list[Json]) -> str:
    """The seeds without which a check of a claim would end otherwise, and how, by point if there are several."""
    told = []
    for row in judged:
        assert row["without_seed"], f"{row['check']}: nobody tried it without a seed"
        seeds: dict[str, list[str]] = {}
        for seed, word in enumerate(row["without_seed"]):
            seeds.setdefault(word, []).append(str(seed))
        seeds.pop(in_a_word(row["verdict"], row["answer"]), None)
        every = len(row["without_seed"])
        told += [
            f"{_point(row) if len(judged) > 1 else ''}{'any' if len(some) == every else ' or '.join(some)} → {word}"
            for word, some in seeds.items()
        ]
    return "; ".join(told) or "none"


def whole(entry: Json) -> str:
    """A claim's verdict in words, with its points where some wait."""
    if entry["verdict"] != "PENDING":
        return str(entry["verdict"] if entry["answer"] == "none" else entry["answer"])
    total = sum(entry["points"].values())
    known = sorted(entry["points"].items(), key=lambda item: item[0] == "PENDING")
    return ", ".join(f"{count} of {total} points {state.lower()}" for state, count in known)


def _point(row: Json) -> str:
    """The point of a check before what was found there: "depth 8, width 1: "; nothing where there is no grid."""
    return f"{point(row)}: " if row["params"] and point(row) != "all" else ""


def _trained(made: Json, row: Json) -> bool:
    outcomes = {run["key"]: run["outcome"] for run in made["runs"]}
    return any(outcomes[run["key"]] != "built" for run in row["runs"])
