"""The README is tested: its commands run, its modules exist, its example is a claim."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from repro.cli.main import _parser, main
from repro.cluster.profile import KEYS, load
from repro.collecting.catalogue import catalogue

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SLURM = (ROOT / "slurm" / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README + SLURM, flags=re.S)
COMMANDS = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize(
    "command", [one.removeprefix(".venv/bin/") for one in COMMANDS if re.match(r"(\.venv/bin/)?repro ", one)]
)
def test_every_command_line_is_understood(command):
    _parser().parse_args(shlex.split(command)[1:])


def test_every_key_of_a_profile_is_explained():
    table = SLURM[SLURM.index("| key | default") : SLURM.index("An unknown or misspelt key")]
    assert set(re.findall(r"`\[?([a-z_]+)\]?`", table.replace("`[sbatch]`", "`sbatch`"))) >= KEYS


def test_the_profile_of_five_lines_is_one(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", SLURM, flags=re.S)
    assert len(text.splitlines()) == 5
    (tmp_path / "mine.toml").write_text(text)
    assert load("mine", tmp_path).partition == "gpu"


def test_the_make_targets_exist_and_are_what_ci_runs():
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    for command in [command for command in COMMANDS if command.startswith("make ")]:
        assert re.search(rf"^{command.split()[1]}:", makefile, flags=re.M)
        assert command in ci


def test_every_room_of_the_table_exists_and_every_room_is_in_it():
    table = README[README.index("| step | where |") : README.index("A room imports only from rooms above it")]
    paths = re.findall(r"`((?:repro|claims|report_templates)/[^`]*)`", table)
    for path in paths:
        assert list(ROOT.glob(path.rstrip("/"))), path
    folders = {f"repro/{path.parent.name}/" for path in (ROOT / "repro").glob("*/__init__.py")}
    assert folders <= set(paths)


def test_the_example_claim_is_a_claim(workplace, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    shutil.copytree(ROOT / "claims" / "controls", workplace / "claims" / "controls")
    (workplace / "claims" / "mine").mkdir()
    (workplace / "claims" / "mine" / "example.py").write_text(example)
    assert main(["plan", "claims/mine/example.py", "--scale", "paper"]) == 0
    assert "6 runs" in capsys.readouterr().out


def test_coverage_names_every_row_of_the_catalogue():
    table = README[README.index("<!-- coverage") : README.index("<!-- /coverage")]
    named = re.findall(r"^\| ([a-z0-9-]+) \|", table, flags=re.M)
    assert named[1:] == [row.id for row in catalogue()]
