"""The README's verdict table, written from report/verdicts.json: python -m tests.readme_table."""

import re
from pathlib import Path

from repro.judging import document

ROOT = Path(__file__).parents[1]
START, END = "<!-- verdicts: make readme -->\n", "<!-- /verdicts -->"


def table(made: document.Document) -> str:
    """A Markdown row a claim: id, what the source says, verdict and answer."""
    sources = {row["claim"]: row["criterion"]["source"] for row in made["judgements"]}
    rows = ["| claim | source says | verdict | points |", "|---|---|---|---|"]
    for entry in made["claims"]:
        source = sources[entry["claim"]]
        answer = "" if entry["answer"] == "none" else f" {entry['answer']}"
        points = ", ".join(f"{count} {word}" for word, count in entry["points"].items())
        reference = f"{source['reference'] or 'not readable'} ({source['tag']})"
        rows.append(f"| {entry['claim']} | {reference} | {entry['verdict']}{answer} | {points} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Replaces what stands between the two markers."""
    readme = ROOT / "README.md"
    fresh = START + table(document.load(ROOT / "report" / "verdicts.json")) + END
    readme.write_text(re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: fresh, readme.read_text(), flags=re.S))


if __name__ == "__main__":
    main()
