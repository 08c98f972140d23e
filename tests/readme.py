"""What the README says of verdicts, written from report/verdicts.json: python -m tests.readme."""

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


PARTS: dict[str, Callable[[Json], str]] = {"statement": statement, "coverage": coverage}


def main() -> None:
    """Replaces what stands between the markers of each part."""
    readme = ROOT / "README.md"
    text, made = readme.read_text("utf-8"), verdicts_json.load(ROOT / "report" / "verdicts.json")
    for name, write in PARTS.items():
        start, end = f"<!-- {name}: make readme -->\n", f"<!-- /{name} -->"
        fresh = f"{start}{write(made)}{end}"
        text = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _, fresh=fresh: fresh, text, flags=re.S)
    readme.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
