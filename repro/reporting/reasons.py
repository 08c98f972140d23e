"""A claim in words: its line, the reason behind it, and what would change it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from repro.compare.finding import between
from repro.judging.explain import otherwise
from repro.planning.quantities import counted
from repro.reporting.text import point, short

Json = dict[str, Any]

# In a reason, what the words' section, the folded table and the figure's axis say of every interval.
SAID_ELSEWHERE = re.compile(
    r" \((?:Welch|paired)\)| \([\d.]+ % over all looks(?:, [A-Za-z]+)?\)|, [\d.]+ % over all looks"
    r"(?:, (?:the reference's own error included|over both the arcsine-square-root and the log scale))?,"
)
POINT = re.compile(r"(?<=the point )\[([^\]]*)\]")
PREFIX = re.compile(r"With another [a-z ]+: (.)")
LISTED = 4  # findings of a claim that are named one by one
NO_SINGLE = "No single one"  # begins a sentence that nothing alone changes the verdict


def line(entry: Json, kind: str, rows: Sequence[Json], found: str) -> str:
    """One line: the reason of a single point, and what was found over several."""
    unselected = entry.get("unselected", 0)
    if len(rows) == 1 and not unselected and (entry["tested"] or not rows[0]["findings"]):
        return _why(kind, rows[0])
    waiting = len({run["key"] for row in rows for run in row["missing"]})  # points share runs
    counts = points(rows) if len(rows) > 1 else ""
    held = [why for row in rows if (why := withheld(row))]
    parts = [
        ": ".join(filter(None, (counts, found.strip("–")))),
        f"{counted(waiting, 'run')} missing" if waiting else "",
        f"{len(held)} withheld: {held[0].rstrip('.')}" if held else "",
        f"{counted(unselected, 'more point')} not selected" if unselected else "",
    ]
    return f"{'; '.join(filter(None, parts))}."


def measured(kind: str, findings: Sequence[Json]) -> str:
    """A claim's findings in a few words."""
    if len(findings) == 1:
        text = short(findings[0]["measured"])
        if findings[0]["outcome"] == "measured" and findings[0]["interval"] and len(findings[0]["samples"]) == 1:
            low, high = findings[0]["interval"]
            return f"{text} {between(low, high, findings[0]['unit'])}"
        steps = text.split(" → ")
        return text if len(steps) <= 3 else f"{steps[0]} → … → {steps[-1]}"
    by_label: dict[str, list[Json]] = {}
    for finding in findings:
        by_label.setdefault(finding["label"], []).append(finding)
    # Several things, at several points each, or such as the same share below several thresholds.
    if len(findings) > LISTED and len(by_label) > 1 and (len(by_label) < len(findings) or kind == "M"):
        if kind == "X":
            return _cells(by_label)
        ends = [*by_label.items()][:: len(by_label) - 1]
        joint = "; " if len(by_label) == 2 else "; …; "
        return joint.join(f"{short(label)}: {measured(kind, some)}" for label, some in ends)
    estimates = [finding for finding in findings if finding["estimate"] is not None]
    if estimates and len(estimates) == len(findings):
        few = len(estimates) <= LISTED
        some = estimates if few else [pick(estimates, key=lambda one: one["estimate"]) for pick in (min, max)]
        texts = [finding["measured"] for finding in some]
        unit = re.search(r"( %| points)?$", texts[-1])[0]  # type: ignore[index]  # it matches any text
        shared = unit if all(text.endswith(unit) for text in texts) else ""
        return (", " if few else " to ").join([text.removesuffix(shared) for text in texts]) + shared
    agree = sum(finding["outcome"] == "established" for finding in findings)
    return f"{agree} of {len(findings)} {'agree' if kind == 'X' else 'established'}" if findings else "–"


def _cells(by_label: dict[str, list[Json]]) -> str:
    """How many cells of a table agree, and in which of its columns the others are."""
    apart = {label: sum(one["outcome"] != "established" for one in some) for label, some in by_label.items()}
    total = sum(map(len, by_label.values()))
    others = ", ".join(f"{count} of {label}" for label, count in apart.items() if count)
    return f"{total - sum(apart.values())} of {total} agree{f'; the others: {others}' if others else ''}"


def points(rows: Sequence[Json]) -> str:
    """How many points came out how."""
    words = [row["answer"] if row["answer"] != "none" else row["verdict"].lower() for row in rows]
    counts = Counter(
        "where the source contradicts its own arithmetic" if word == "paper_error" else word for word in words
    )
    if len(rows) == 1:
        return "1 grid point"
    (first, count), *others = [(state.replace("_", " "), count) for state, count in counts.items()]
    if not others:
        return "both grid points" if count == 2 else f"all {count} grid points"
    return ", ".join(
        [f"{count} of {len(rows)} grid points {first}", *(f"{number} {state}" for state, number in others)]
    )


def withheld(row: Json) -> str:
    """Why a point has no verdict though no run is missing: they are in a lower precision; "" for any other."""
    return str(row["why"]) if row["verdict"] == "PENDING" and not row["missing"] else ""


def _why(kind: str, row: Json) -> str:
    """The reason of one point, without what the figure, the table or the legend says."""
    findings = row["findings"]
    if kind == "X" and len(findings) > 1:
        apart = [finding["why"] for finding in findings if finding["outcome"] != "established"]
        agree = f"{len(findings) - len(apart)} of {len(findings)} agree"
        return short(
            f"{agree}: {apart[0]}" if apart else "Both agree." if len(findings) == 2 else f"All {len(findings)} agree."
        )
    return short(brief(findings[0]["why"] if kind == "X" and findings else row["why"]))


def brief(text: str) -> str:
    """A reason without the level of its interval, the name of its test and the values of a trend's steps."""
    text = "Trend p" + text.partition(". Trend p")[2] if ". Trend p" in text else text
    return SAID_ELSEWHERE.sub("", text)


def would_change(entry: Json, rows: Sequence[Json]) -> list[str]:
    """Changes that would change the verdict: of a point, a seed, a margin."""
    named = _names(rows)
    if len(rows) > 1:
        each = [_of_a_point(row, name) for row, name in zip(rows, named, strict=True) if row["would_change"]]
        changes = [entry["would_change"], *each]
    else:
        rule = rows[0]["criterion"]["rule"]
        margins = [otherwise(rule["name"], finding) for finding in rows[0]["findings"] if rule["kind"] != "X"]
        changes = [entry["would_change"], rows[0]["would_change"], *margins]
    rules = rows[0]["criterion"]["rule"]
    by_params = {str(row["check"]).partition("[")[2].rstrip("]"): name for row, name in zip(rows, named, strict=True)}
    plain = [
        POINT.sub(
            lambda found: by_params.get(found[1]) or _spelled(found[1], rules),
            PREFIX.sub(lambda found: found[1].upper(), text),
        )
        for text in changes
    ]
    return [short(text) for text in dict.fromkeys(plain) if text]


def _names(rows: Sequence[Json]) -> list[str]:
    """What a reader calls the points of a claim: by what each compares, where that tells them apart."""
    labels = [row["findings"][0]["label"] if len(row["findings"]) == 1 else "" for row in rows]
    return labels if len(set(labels) - {""}) == len(rows) else [point(row) for row in rows]


def _of_a_point(row: Json, where: str) -> str:
    """What would change a point of that name, which need not change the claim."""
    text = str(row["would_change"]).rstrip(".")
    if text.startswith(NO_SINGLE):
        return f"{text} at {where}."
    return f"{where[:1].upper()}{where[1:]} alone {text.removeprefix('It ')}."


def unmoved(texts: Iterable[str]) -> list[str]:
    """What no single point or seed decides, the points of a grid about which the same is said together."""
    said: dict[str, list[str]] = {}
    for text in texts:
        what, _, where = text.rstrip(".").partition(" decides it at ")
        said.setdefault(what, []).extend([where] if where else [])
    return [f"{what}{' decides it at ' if places else ''}{'; '.join(places)}." for what, places in said.items()]


def _spelled(text: str, rule: Json) -> str:
    """A point of a grid, such as depth=14,gap=2.0, in words, without its rule's own parameters."""
    pairs = [part.partition("=") for part in text.split(",")]
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, _, value in pairs if name not in rule) or text
