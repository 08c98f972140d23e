"""What the pages say of verdicts, from report/ and results/ (smoke) and claims/evidence/: python -m tests.readme.

With --picture, the picture of a report instead.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest import mock

from PIL import Image

from repro.cli.main import main
from repro.cli.planned import LONG
from repro.collecting.collect import collect
from repro.judging import verdicts_json
from repro.judging.coverage import Standing
from repro.judging.verdict import CODE_ALIKE, PROVISIONAL
from repro.planning.device import ASSUMED
from repro.planning.plan import plan
from repro.planning.price import prices
from repro.planning.quantities import counted, duration
from repro.reporting.front import existing, standing
from repro.reporting.view import view
from repro.reporting.works import remarks
from repro.runs.datasets import DATASETS
from repro.runs.store import Store
from tests.verdict_table import REMARKED, evidence, so_far, whole

ROOT = Path(__file__).parents[1]
Json = dict[str, Any]


def paper(made: Json) -> str:
    """How many runs of a paper's own protocol exist, what they decide so far, and the next step."""
    needs = {entry["scale"]: entry for entry in made["scales"]}
    done, pilot = needs["paper"], needs["pilot"]
    missing = pilot["runs"] - pilot["complete"]
    step = f"Next step: {missing} runs at pilot scale." if missing else "All runs of the pilot scale are complete."
    exist = "this repository holds " + existing(done, "the paper's protocol")
    said = f"**The paper's trained results are {standing(made)}: {exist}.**"
    copies = sorted(
        {
            text
            for run in made["runs"]
            if (text := DATASETS[run["spec"]["dataset"]].deviation_text) and run["spec"]["epochs"]
        }
    )
    read = [f"Data: {text.removeprefix('data: ')}; every verdict lists that as a deviation." for text in copies]
    return " ".join([said, step, *read, *copy_costs(made), so_far(made)]).rstrip() + "\n"


def copy_costs(made: Json) -> list[str]:
    """How far networks with everything trained end from the published ones on a copy of the data, in a sentence."""
    figure = next(one for one in made["figures"] if one["id"] == "accuracy")
    published = figure["panels"][0]["published"]["all parameters"]
    found: dict[int, list[float]] = {}
    for run in (*made["runs"], *made["waiting"]):
        spec = run["spec"]
        usual = {"trained": "all", "width": 1, "norm_init": "uniform", "labels": "true"}
        if usual.items() <= spec.items() and run["top1_by_epoch"]:
            found.setdefault(spec["depth"], []).append(run["top1_by_epoch"][-1])
    told = [
        f"ResNet-{depth} {fmean(ends):.1f} % (n = {len(ends)}), where {published[str(depth)]:.1f} % is published"
        for depth, ends in sorted(found.items())
        if str(depth) in published
    ]
    return [f"What that copy costs, the runs with everything trained show: {'; '.join(told)}."] if told else []


def second(made: Json) -> str:
    """The verdicts of a work under its own protocol, by word, and the runs behind them."""
    controls = {row["claim"] for row in made["judgements"] if row["criterion"]["source"]["work"] == "control"}
    by_word: dict[str, list[str]] = {}
    for entry in made["claims"]:
        if entry["claim"] not in controls:
            mark = " (provisional)" if PROVISIONAL in entry["marks"] else ""
            others = [mark for mark in entry["marks"] if mark not in (PROVISIONAL, CODE_ALIKE)]
            name = entry["claim"] + REMARKED * bool(remarks(made, entry["claim"]))
            by_word.setdefault(entry["verdict"] + mark, []).append(name + f" ({', '.join(others)})" * bool(others))
    lines = [f"- {word}: {', '.join(claims)}." for word, claims in by_word.items()]
    needs = next(entry for entry in made["scales"] if entry["scale"] == "paper")
    complete, runs = needs["complete"], needs["runs"]
    there = f" All {runs} runs" if complete == runs else f" {complete} of the {runs} runs"
    there += " requested so far for these claims are in the repository."
    return "\n".join(lines) + there + "\n"


def standings(made: Json) -> str:
    """A Markdown row for each standing in the catalogue: in full where the evidence has it, else at pilot or smoke."""
    full = came_out("paper")
    pilot = verdicts_json.load(EVIDENCE / "pilot" / "verdicts.json")["coverage"]
    lower = {state: {row["id"] for row in pilot if row["standing"] == state} for state in ("judged", "measured")}
    takes = in_full()
    listed: dict[str, list[str]] = {
        "judged or measured at the source's own scale": [],
        "judged at pilot or smoke scale so far": [],
        "measured at pilot or smoke scale so far": [],
        "pending: runs are missing": [],
        "not attempted": [],
    }
    whole, smoke, measured, waits, left = listed.values()
    for row in made["coverage"]:
        one, standing = row["id"], row["standing"]
        if one in full:
            whole.append(one)
        elif standing == "judged" or one in lower["judged"]:
            smoke.append(one)
        elif standing == "measured" or one in lower["measured"]:
            measured.append(one)
        else:
            (waits if one in takes else left).append(one)
    work = {row["id"]: row["work"] for row in made["coverage"]}
    works = list(dict.fromkeys(work.values()))
    rows = [f"| standing | all | {' | '.join(works)} |", "|---|---|" + "---|" * len(works)]
    for words, ids in listed.items():
        counts = [sum(work[one] == name for one in ids) or "" for name in works]
        rows.append(f"| {words} | {len(ids)} | {' | '.join(map(str, counts))} |")
    return "\n".join(rows) + "\n"


def coverage(made: Json) -> str:
    """A Markdown row for each row of the catalogue: what came of it at each scale, and what its own protocol takes."""
    rows = ["| row | work | smoke | why no verdict there | pilot | paper | runs at paper scale |", "|---" * 7 + "|"]
    takes, pilot, full = in_full(), came_out("pilot"), in_part("paper") | came_out("paper")
    for row in made["coverage"]:
        one, smoke = row["id"], row["word"] if row["standing"] == "judged" else row["standing"]
        smoke = {Standing.NO_CHECK: "no check", Standing.MEASURED: "MEASURED"}.get(smoke, smoke)
        cells = (one, row["work"], smoke, row["reason"], pilot.get(one, ""), full.get(one, ""), takes.get(one, ""))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def came_out(scale: str) -> dict[str, str]:
    """By row of the catalogue, what the runs in claims/evidence say of it at a scale, where they say anything."""
    return {
        row["id"]: row["word"]
        for path in sorted(EVIDENCE.glob(f"**/{scale}/verdicts.json"))
        for row in verdicts_json.load(path)["coverage"]
        if row["standing"] in ("judged", "measured")
    }


def in_part(scale: str) -> dict[str, str]:
    """By claim that waits for runs, how the points came out that have theirs, from claims/evidence."""
    return {
        entry["claim"]: whole(entry).partition(f", {entry['points']['PENDING']} of")[0]
        for path in sorted(EVIDENCE.glob(f"**/{scale}/verdicts.json"))
        for entry in verdicts_json.load(path)["claims"]
        if entry["verdict"] == "PENDING" and len(entry["points"]) > 1
    }


def in_full() -> dict[str, str]:
    """By claim, the runs of its first look at paper scale, and what they take of a core and, if long, of a GPU."""
    checks, store = collect(scale="paper").selected, Store(ROOT / "no results")
    core, gpu = (
        prices(plan(checks, store, device_type=device.kind, device=device))
        for device in (ASSUMED["cpu"], ASSUMED["H100"])
    )
    found = {}
    for claim, price in core.items():
        if price.runs:
            long = price.alone >= 3600 * LONG
            more = f", {duration(gpu[claim].alone)} on an H100" if long else ""
            found[claim] = f"{counted(price.runs, 'run')}: {duration(price.alone)} on a core{more}"
    return found


def figure(made: Json) -> str:
    """Figure 2 drawn again with the runs of a document: its drawings side by side, on white, as one SVG."""
    (found,) = [one for one in view(made)["redrawn"] if one["anchor"] == "figure-frankle2021-accuracy"]
    drawings, left, tallest = [], 0, 0
    for drawing in map(str, found["drawings"]):
        width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', drawing)[0])
        drawings.append(drawing.replace("<svg ", f'<svg x="{left}" width="{width}" height="{height}" ', 1))
        left, tallest = left + width + 30, max(tallest, height)
    frame = f'viewBox="-15 -10 {left} {tallest + 20}"'
    ground = f'<rect x="-15" y="-10" width="{left}" height="{tallest + 20}" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{ground}{"".join(drawings)}</svg>\n'


SMOKE, EVIDENCE = ROOT / "report" / "verdicts.json", ROOT / "claims" / "evidence"
PARTS: dict[str, tuple[Path, Callable[[Json], str]]] = {
    "paper": (EVIDENCE / "paper" / "verdicts.json", paper),
    "second": (EVIDENCE / "greydanus2024" / "paper" / "verdicts.json", second),
    "third": (EVIDENCE / "hastie2009" / "paper" / "verdicts.json", second),
    "standings": (SMOKE, standings),
    "coverage": (SMOKE, coverage),
    "evidence": (EVIDENCE / "pilot" / "verdicts.json", evidence),
}
FIGURE = ROOT / "claims" / "figure-2.svg"
PAGES = [
    path
    for pattern in ("*.md", "claims/*.md", "claims/*/*.md", "repro/*/*.md", "slurm/*.md", "slurm/testbed/*.md")
    for path in sorted(ROOT.glob(pattern))
]
# Which store a block is printed from: results/ after `make verify`, or none at all.
PRINTED = re.compile(r"<!-- printed, (?P<store>smoke|empty): make readme -->\n```console\n\$ (?P<command>[^\n]*)\n")
COLUMNS = 100


def fill(text: str, name: str, part: str) -> str:
    """A text with what stands between the markers of a part replaced."""
    start, end = f"<!-- {name}: make readme -->\n", f"<!-- /{name} -->"
    return re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _: f"{start}{part}{end}", text, flags=re.S)


def print_again(text: str, store: str, folder: Path) -> str:
    """A page with the output of each command of a store as it is printed in a folder."""

    def again(block: re.Match[str]) -> str:
        return block[0] if block["store"] != store else f"{block[1]}{printed(block['command'], folder)}```\n"

    return re.sub(f"({PRINTED.pattern}).*?```\n", again, text, flags=re.S)


def printed(command: str, folder: Path) -> str:
    """What a command prints in a folder, on a terminal without colours."""
    terminal = _Terminal()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(terminal),
        mock.patch.dict(os.environ, {"COLUMNS": str(COLUMNS), "NO_COLOR": "1"}),
    ):
        main(shlex.split(command)[1:])
    return terminal.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def write() -> None:
    """Replaces what stands between the markers of each part whose document or store is there, and the figure."""
    FIGURE.write_text(figure(verdicts_json.load(PARTS["evidence"][0])), "utf-8")
    for page in PAGES:
        text = before = page.read_text("utf-8")
        for name, (path, make) in PARTS.items():
            if path.exists():
                text = fill(text, name, make(verdicts_json.load(path)))
        with tempfile.TemporaryDirectory() as empty:
            text = print_again(text, "empty", Path(empty))
        if (ROOT / "results").exists() and SMOKE.exists():  # it may hold the evidence alone
            text = print_again(text, "smoke", ROOT)
        if text != before:
            page.write_text(text, "utf-8")


def picture() -> None:
    """Draws the first page of the pilot's report as the picture of a report; needs poppler."""
    with tempfile.TemporaryDirectory() as folder:
        page = EVIDENCE / "pilot" / "report.pdf"
        command = ["pdftoppm", "-png", "-singlefile", "-r", "110", str(page), f"{folder}/page"]
        subprocess.run(command, check=True, timeout=120)
        with Image.open(Path(folder) / "page.png") as image:
            image.convert("RGB").quantize(128).save(ROOT / "claims" / "report.png", optimize=True)


if __name__ == "__main__":
    picture() if "--picture" in sys.argv else write()
