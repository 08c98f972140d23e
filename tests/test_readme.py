"""The pages are tested: their commands run, their links lead somewhere, their example is a claim."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from repro.cli.main import main
from repro.cli.subcommands import parser
from repro.cluster.profile import KEYS, load
from repro.collecting.catalogue import catalogue
from repro.judging import verdicts_json
from repro.reporting.front import judged_in_full
from repro.reporting.text import point
from tests import readme
from tests.test_architecture import ROOMS

ROOT = Path(__file__).parents[1]
PAGES = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in readme.PAGES}
README, SLURM, CONTRIBUTING = PAGES["README.md"], PAGES["slurm/README.md"], PAGES["CONTRIBUTING.md"]


def commands(*texts):
    """The command lines of console blocks; where one begins with $, so do all commands of its block."""
    for block in [block for text in texts for block in re.findall(r"```console\n(.*?)```", text, flags=re.S)]:
        lines = block.splitlines()
        if lines[0].startswith("$ "):
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield from (line.partition(" #")[0].strip() for line in lines if line.strip())


@pytest.mark.parametrize(
    "command",
    sorted(
        {
            re.sub(r".*(\.venv/bin/|python -m )repro(\.cli)? ", "repro ", one)
            for one in commands(*PAGES.values())
            if re.search(r"\brepro(\.cli)? ", one)
        }
    ),
)
def test_every_command_line_is_understood(command):
    parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("target", ["verify", "evidence", "compared"])
def test_every_command_of_the_makefile_is_understood(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.findall(r"\.venv/bin/(repro [^|&;}\n]+)", done.stdout)
    assert found
    for command in found:
        parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "<!-- printed, empty" in text])
def test_what_a_page_shows_of_a_command_is_what_it_prints(page, workplace):
    assert readme.print_again(PAGES[page], "empty", workplace) == PAGES[page], "mend it with: make readme"


def test_the_make_targets_exist_and_those_of_the_readme_are_what_ci_runs():
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    targets = {word for one in commands(*PAGES.values()) if one.startswith("make ") for word in one.split()[1:]}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    for command in [one for one in commands(README) if one.startswith("make ")]:
        assert command in ci


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_to_one(page):
    found = re.findall(r"\]\(([^)#\s]+)", PAGES[page]) + re.findall(r'(?:href|src)="([^"]+)"', PAGES[page])
    for link in [link for link in found if "://" not in link]:
        assert (ROOT / page).parent.joinpath(link).exists(), link


def test_every_page_can_be_reached_from_the_readme():
    seen, left = set(), ["README.md"]
    while left:
        page = left.pop()
        seen.add(page)
        for link in re.findall(r"\]\(([^)#\s]+\.md)", PAGES[page]):
            path = (ROOT / page).parent.joinpath(link).resolve().relative_to(ROOT.resolve()).as_posix()
            left += [path] if path not in seen else []
    assert seen == PAGES.keys()


def test_figure_2_is_drawn_from_the_pilot():
    text = readme.FIGURE.read_text("utf-8")
    assert text == readme.figure(verdicts_json.load(readme.PARTS["evidence"][0])), "mend it with: make readme"
    drawings = ElementTree.fromstring(text).findall("{http://www.w3.org/2000/svg}svg")
    assert len(drawings) == 2
    assert "BatchNorm alone from" in drawings[0][0].text


def test_the_readme_tells_what_came_out_at_every_point_that_training_decided_under_the_papers_own_protocol():
    made = verdicts_json.load(readme.PARTS["paper"][0])
    told = readme.so_far(made)
    assert not told or told in README, "mend it with: make readme"
    for row in judged_in_full(made):
        again = next(entry["same_as"] for entry in made["claims"] if entry["claim"] == row["claim"])
        assert again or re.search(rf"{row['claim']}, {point(row)}, \d+ seeds: {row['verdict']}", told)


def test_the_readme_is_short():
    assert len(README.splitlines()) < 120


def test_every_key_of_a_profile_is_explained():
    table = SLURM[SLURM.index("| key | default") : SLURM.index("An unknown or misspelt key")]
    assert set(re.findall(r"`\[?([a-z_]+)\]?`", table.replace("`[sbatch]`", "`sbatch`"))) >= KEYS


def test_the_profile_of_five_lines_is_one(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", SLURM, flags=re.S)
    assert len(text.splitlines()) == 5
    (tmp_path / "mine.toml").write_text(text)
    assert load("mine", tmp_path).partition == "gpu"


def test_every_room_of_the_map_exists_and_every_room_is_on_it():
    table, order = CONTRIBUTING[CONTRIBUTING.index("| step | where |") :].split(
        "Each room imports only from rooms before it:"
    )
    paths = re.findall(r"`((?:repro|claims|report_templates)/[^`]*)`", table)
    for path in paths:
        assert list(ROOT.glob(path.rstrip("/"))), path
    folders = {f"repro/{path.parent.name}/" for path in (ROOT / "repro").glob("*/__init__.py")}
    assert folders <= set(paths)
    assert re.match(r"\s*((?:[a-z]+\s+)+)`", order)[1].split() == ROOMS


def test_the_example_claim_is_a_claim(workplace, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", CONTRIBUTING, flags=re.S)
    shutil.copytree(ROOT / "claims" / "controls", workplace / "claims" / "controls")
    (workplace / "claims" / "mine").mkdir()
    (workplace / "claims" / "mine" / "example.py").write_text(example)
    assert main(["plan", "claims/mine/example.py", "--scale", "paper"]) == 0
    assert "6 runs" in capsys.readouterr().out


def test_coverage_names_every_row_of_the_catalogue():
    named = re.findall(r"^\| ([a-z0-9-]+) \|", PAGES["claims/COVERAGE.md"], flags=re.M)
    assert named[1:] == [row.id for row in catalogue()]


def test_coverage_prices_every_claim_that_has_runs_at_paper_scale_and_no_other_row():
    claims = ("bn-only-imagenet", "normalization-vs-affine", "gamma-or-beta-alone", "no-code")
    rows = [{"id": id, "work": "w", "standing": "not attempted", "word": "", "reason": "r"} for id in claims]
    imagenet, norms, open_question, none = readme.coverage({"coverage": rows}).splitlines()[2:6]
    assert re.search(r" \| 3 runs: \d+ years on a core, \d+ days on an H100 \|$", imagenet)
    assert "| 288 runs: " in norms and "| 12 runs: " in open_question
    assert none == "| no-code | w | not attempted | r |  |  |  |"


def test_the_citation_file_names_every_work_that_has_claims_with_its_authors_doi_and_address():
    entries = (ROOT / "CITATION.cff").read_text("utf-8").partition("references:")[2].split("  - type: ")[1:]
    works = [tomllib.loads(file.read_text("utf-8")) for file in (ROOT / "claims").glob("*/source.toml")]
    for work in [work for work in works if not work.get("companion_to")]:
        (entry,) = [one for one in entries if f'title: "{work["title"]}"' in one]
        names = zip(*(re.findall(rf"{part}-names: (.*)", entry) for part in ("given", "family")), strict=True)
        assert [" ".join(name) for name in names] == work["authors"]
        if "arxiv.org" in (address := work.get("url", "")):
            assert f"doi: 10.48550/arXiv.{address.rpartition('/')[2]}\n" in entry
            assert f'url: "{address}"' in entry
