"""Completion: the words that may follow, and the scripts in the shells that are here."""

import os
import shutil
import subprocess
import sys

import pytest

from repro.cli.completion import FILES, SCRIPTS, answer
from repro.cli.main import main
from repro.cli.subcommands import GROUPS, parser
from repro.collecting.collect import collect
from repro.collecting.ids import ids
from repro.provenance import folder
from repro.recipes import SCALES


def words(*line):
    return [one.partition("\t")[0] for one in answer(parser(), line).splitlines()]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["ju"], ["judge"]),
        (["help", "expo"], ["export"]),
        (["cluster", ""], ["init", "throughput"]),
        (["plan", "--sc"], ["--scale"]),
        (["plan", "--scale", "p"], ["pilot", "paper"]),
        (["plan", "--scale", "=", "p"], ["pilot", "paper"]),
        (["plan", "--scale", "="], ["smoke", "pilot", "paper"]),
        (["plan", "--scale=p"], ["--scale=pilot", "--scale=paper"]),
        (["plan", "--scale=paper", "--js"], ["--json"]),
        (["plan", "-k", "deeper"], ["deeper-is-better"]),
        (["judge", "--verify", "deeper"], ["deeper-is-better"]),
        (["judge", "deeper-is-better", "wider"], ["wider-is-better"]),
        (["submit", "--if-refused", ""], ["cancel", "keep"]),
        (["completion", "z"], ["zsh"]),
        (["data", "check", "dig"], ["digits"]),
        (["data", "fetch", ""], ["cifar10"]),
        (["plan", "--data", "cifar10-"], ["cifar10-jpeg"]),
        (["run", "--budget", ""], []),
        (["run", "--results", ""], [FILES]),
        (["import", ""], [FILES]),
        (["judge", "claims/"], [FILES]),
        (["plan", "--nonsense", "x", ""], None),
        (["nonsense", ""], None),
        (["completion", "bash", ""], []),
    ],
)
def test_what_may_follow(line, found):
    made = words(*line)
    assert found is None or made == found


def test_everything_that_a_user_may_type_first_is_offered():
    assert words("") == [one.name for group in GROUPS.values() for one in group]


def test_hidden_options_stay_hidden():
    assert "--detached" not in words("run", "--")
    assert "--failed" not in words("retry", "--")


def test_the_runs_of_the_named_store_are_offered(workplace, fill):
    runs = fill(workplace / "elsewhere", 8, 80.0)
    assert words("logs", "--results", "elsewhere", "") == sorted(run.spec.key[:12] for run in runs)
    assert words("logs", "") == []


def test_the_ids_are_those_that_collection_finds():
    found = set()
    for scale in SCALES:
        session = collect(scale=scale)
        found |= {check.claim.id for check in session.checks.values()} | session.pointless.keys()
    assert found == ids(folder("claims")).keys()


def test_ids_come_without_what_takes_long_to_import(workplace):
    code = "import sys\nfrom repro.cli.main import main\nmain(['_complete', 'judge', 'deep'])\n"
    slow = "assert not {'torch', 'pytest', 'numpy', 'msgspec'} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code + slow], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("deeper-is-better\tBatchNorm")


@pytest.fixture
def shell(workplace):
    """Runs a script in a shell whose PATH has `repro`, and gives what it prints."""
    command = workplace / "bin" / "repro"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m repro.cli "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"

    def run(name, script, **more):
        if (found := shutil.which(name)) is None:
            pytest.skip(f"{name} is not here")
        environment = {**os.environ, "PATH": path, "HOME": str(workplace), **more}
        return subprocess.run(
            [found, *(["-f"] if name == "zsh" else []), "-c", script],
            env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("typed", "found"),
    [("repro ju", "judge"), ("repro judge deeper", "deeper-is-better"), ("repro plan --scale pil", "pilot")],
)
def test_bash_completes(shell, typed, found):
    before = typed.split()[:-1]
    done = shell(
        "bash",
        'eval "$(repro completion bash)"; complete -p repro\n'
        f"COMP_WORDS=({typed}); COMP_CWORD={len(before)}; COMP_LINE='{typed}'; COMP_POINT={len(typed)}\n"
        '_repro; printf "%s\\n" "${COMPREPLY[@]}"',
    )
    assert (done.stderr, done.stdout) == ("", f"complete -F _repro repro\n{found}\n")


@pytest.mark.parametrize(
    ("typed", "found"),
    [("repro ju", "judge"), ("repro judge deeper", "deeper-is-better"), ("repro plan --scale=pil", "--scale=pilot")],
)
def test_fish_completes(shell, typed, found):
    done = shell("fish", f"repro completion fish | source; complete -C '{typed}'")
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == [found], done.stderr


def test_zsh_completes(shell):
    done = shell(
        "zsh",
        'compdef() { print compdef $@ }; eval "$(repro completion zsh)"\n'
        "_describe() { print -l $1 ${(P)2} }; _files() { print files }\n"
        "words=(repro judge deeper); CURRENT=3; _repro\n"
        "words=(repro run --results ''); CURRENT=4; _repro",
    )
    assert done.stdout.splitlines()[:2] == ["compdef _repro repro", "repro"], done.stderr
    assert done.stdout.splitlines()[2:] == ["deeper-is-better:BatchNorm-only accuracy rises with depth.", "files"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_says_how_to_install_it(name, capsys):
    assert main(["completion", name]) == 0
    assert f"repro completion {name}" in capsys.readouterr().out.split("\n\n")[0]
