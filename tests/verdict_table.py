"""The README's table of what runs on the paper's images found."""

from typing import Any

from repro.judging.verdict import in_a_word
from repro.planning.quantities import counted
from repro.reporting.text import number, short

Json = dict[str, Any]
BAR = "\\|"  # in a cell, such as that of |γ|


def evidence(made: Json) -> str:
    """What runs on the paper's images found: a Markdown row for each claim that is decided in part, then the rest."""
    controls = {row["claim"] for row in made["judgements"] if row["criterion"]["source"]["work"] == "control"}
    by_claim = {
        entry["claim"]: [row for row in made["judgements"] if row["claim"] == entry["claim"] and row["findings"]]
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
        found = "; ".join(_point(row) * (len(judged) > 1) + _found(row) for row in judged)
        word = _word(entry) + (f" ({', '.join(marks)})" if marks else "")
        if entry["claim"] in controls:
            held.append(f"{entry['claim']} {word}")
        elif all(row["verdict"] == "MEASURED" for row in judged):
            measured.append(f"{entry['claim']} ({found})")
        else:
            asked = "; ".join(dict.fromkeys(short(row["findings"][0]["expected"]) for row in judged))
            cells = (entry["claim"], judged[0]["criterion"]["sentence"], word, asked, found, _hangs(judged))
            rows.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
    waiting = sum(entry["verdict"] == "PENDING" and not by_claim[entry["claim"]] for entry in made["claims"])
    head = "| claim | says | verdict | asked for | found | hangs on seed |"
    lines = [head, "|---|---|---|---|---|---|", *rows, ""] if rows else []
    told = (("Measured", measured), ("Controls", held), ("All of these", common))
    said = [*(f"{word}: {'; '.join(some)}." for word, some in told if some), f"{counted(waiting, 'claim')} waiting."]
    lines.append(" ".join([BRACKETS, *said]))
    return "\n".join(lines) + "\n"


BRACKETS = (
    "In brackets: bounds of what is judged, 90 % over all looks, and the 90 % interval of what is measured. A verdict "
    "hangs on a seed without which it would be another. Every seed, and the reasons, are in the reports."
)


def _found(row: Json) -> str:
    """What a check found, with its bounds; of several measurements the first and the last."""
    several = row["verdict"] == "MEASURED" and len(row["findings"]) > 1
    ends = [row["findings"][0], row["findings"][-1]] if several else row["findings"][:1]
    return ", ".join(f"{one['label']}: " * several + _amount(one) for one in ends)


def _amount(finding: Json) -> str:
    """What was measured, and its bounds in brackets."""
    ends = ", ".join(number(end, finding["unit"]) for end in finding["interval"] or ())
    return short(finding["measured"]) + (f" [{ends}]" if ends else "")


def _hangs(judged: list[Json]) -> str:
    """The seeds without which a check of a claim would end otherwise, and how, by point if there are several."""
    told = []
    for row in judged:
        assert row["without_seed"], f"{row['check']}: nobody tried it without a seed"
        seeds: dict[str, list[str]] = {}
        for seed, word in enumerate(row["without_seed"]):
            seeds.setdefault(word, []).append(str(seed))
        seeds.pop(in_a_word(row["verdict"], row["answer"]), None)
        told += [f"{_point(row) * (len(judged) > 1)}{', '.join(some)} (else {word})" for word, some in seeds.items()]
    return "; ".join(told) or "none"


def _word(entry: Json) -> str:
    """A claim's verdict in words, with its points where some wait."""
    if entry["verdict"] != "PENDING":
        return str(entry["verdict"] if entry["answer"] == "none" else entry["answer"])
    total = sum(entry["points"].values())
    known = sorted(entry["points"].items(), key=lambda item: item[0] == "PENDING")
    return ", ".join(f"{count} of {total} points {state.lower()}" for state, count in known)


def _point(row: Json) -> str:
    """The point of a check before what was found there: "depth 8, width 1: "."""
    return row["check"].removeprefix(row["claim"])[1:-1].replace("=", " ").replace(",", ", ") + ": "


def _trained(made: Json, row: Json) -> bool:
    outcomes = {run["key"]: run["outcome"] for run in made["runs"]}
    return any(outcomes[run["key"]] != "built" for run in row["runs"])
