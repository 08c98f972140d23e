"""What the README says of verdicts, from report/ (smoke) and claims/evidence/: python -m tests.readme."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repro.judging import verdicts_json
from repro.reporting.text import hours
from repro.reporting.view import view

ROOT = Path(__file__).parents[1]
Json = dict[str, Any]


def statement(made: Json) -> str:
    """What was and what was not tested: the runs of the paper's protocol, then each claim in one group."""
    needs = {entry["scale"]: entry for entry in made["scales"]}
    paper = needs["paper"]
    lines = [
        f"**The paper's trained results are neither confirmed nor refuted here: {paper['complete']} of {paper['runs']} "
        "runs of its protocol exist.**",
        "",
        f"At {made['scale']} scale ({made['cost']['trained']} trained runs, {made['cost']['device_seconds'] / 60:.0f} "
        "minutes of one core):",
        "",
    ]
    for group in view(made)["answers"]:
        lines.append(f"- {group['words']}: {', '.join(one['id'] for one in group['claims'])}.")
    following = next((entry for entry in made["scales"] if entry["complete"] < entry["runs"]), None)
    if following:
        missing = following["runs"] - following["complete"]
        lines += ["", f"Next step: {missing} runs at {following['scale']} scale, {hours(following['core_hours'])}."]
    return "\n".join(lines) + "\n"


def coverage(made: Json) -> str:
    """A Markdown row for each row of the catalogue."""
    rows = ["| row | work | standing | why |", "|---|---|---|---|"]
    for row in made["coverage"]:
        word = (
            f"{row['standing']}: {row['word']}" if row["word"] and row["word"] != row["standing"] else row["standing"]
        )
        rows.append(f"| {row['id']} | {row['work']} | {word} | {row['reason']} |")
    return "\n".join(rows) + "\n"


def evidence(made: Json) -> str:
    """A Markdown row for each claim that runs on the paper's images decided or measured, and how many wait."""
    rows = ["| claim | says | verdict | what was found |", "|---|---|---|---|"]
    waiting = 0
    for entry in made["claims"]:
        own = [row for row in made["judgements"] if row["claim"] == entry["claim"]]
        judged = [row for row in own if row["findings"]]
        if not judged:
            waiting += entry["verdict"] == "PENDING"
        if not judged or not any(row["seeds"] and row["runs"] and _trained(made, row) for row in judged):
            continue
        word = entry["verdict"] if entry["answer"] == "none" else entry["answer"]
        marks = f" ({', '.join(entry['marks'])})" if entry["marks"] else ""
        sentence = judged[0]["criterion"]["sentence"]
        found = " ".join(finding["why"] for row in judged for finding in row["findings"][:1])
        rows.append(f"| {entry['claim']} | {sentence} | {word}{marks} | {found} |")
    table = "\n".join(rows) + "\n\n" if len(rows) > 2 else ""
    return f"{table}{waiting} claims wait for runs.\n"


def _trained(made: Json, row: Json) -> bool:
    outcomes = {run["key"]: run["outcome"] for run in made["runs"]}
    return any(outcomes[run["key"]] != "built" for run in row["runs"])


SMOKE, PILOT = ROOT / "report" / "verdicts.json", ROOT / "claims" / "evidence" / "pilot" / "verdicts.json"
PARTS: dict[str, tuple[Path, Callable[[Json], str]]] = {
    "statement": (SMOKE, statement),
    "coverage": (SMOKE, coverage),
    "evidence": (PILOT, evidence),
}


def fill(text: str, name: str, part: str) -> str:
    """A text with what stands between the markers of a part replaced."""
    start, end = f"<!-- {name}: make readme -->\n", f"<!-- /{name} -->"
    return re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _: f"{start}{part}{end}", text, flags=re.S)


def main() -> None:
    """Replaces what stands between the markers of each part whose document is there."""
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for name, (path, write) in PARTS.items():
        if path.exists():
            text = fill(text, name, write(verdicts_json.load(path)))
    readme.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
