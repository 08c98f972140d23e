"""With --json, stdout holds one JSON value and nothing else; the exit code is one that the help explains."""

import json

import pytest

from repro.cli.main import main
from repro.cli.subcommands import EXIT_CODES, GROUPS
from repro.planning.device import ASSUMED
from repro.runs.store import Store

LISTED = {one.name: one for group in GROUPS.values() for one in group}
ELSEWHERE = {"cluster", "submit", "retry", "cancel"}  # tests/cluster/test_json.py
TOLD = {
    "verify tiny.py --workers 1": 0,
    "doctor": 0,
    "data check digits": 0,
    "data fetch cifar10 --data-dir fetched": 0,
    "bench": 0,
    "plan tiny.py": 0,
    "plan tiny.py --within 1h": 0,
    "plan tiny.py --all": 0,
    "run tiny.py --workers 1": 0,
    "run tiny.py --background": 0,
    "run --status": 3,
    "run --stop": 3,
    "status tiny.py": 0,
    "logs": 0,
    "logs resnet-8": 0,
    "new doe2024": 0,
    "list tiny.py": 0,
    "judge tiny.py": 0,
    "judge tiny.py --verify": 0,
    "report": 0,
    "report --csv --crate": 0,
    "report --against report": 0,
    "preregister tiny.py --to rules.json": 0,
    "explain tiny.py": 0,
    "export tiny.py --to runs.tar.xz": 0,
    "export tiny.py --to .": 0,
    "import kept.tar.xz --results there": 0,
}


@pytest.fixture
def place(judged, capsys, monkeypatch):
    """A folder with a judged claim and an export; what takes seconds or a network is left out."""
    monkeypatch.setattr("repro.reporting.report.pdf", lambda page: b"")
    monkeypatch.setattr("repro.executing.fetch.fetch", lambda *_: True)
    monkeypatch.setattr("repro.executing.bench.measure", lambda where, told: ASSUMED["cpu"])
    assert main(["export", "tiny.py", "--to", "kept.tar.xz"]) == 0
    capsys.readouterr()
    return judged


def codes(command):
    """The exit codes that a subcommand's help explains."""
    return {0, 2, *LISTED[command.split()[0]].codes}


def test_stdout_is_one_json_value_and_the_exit_code_one_that_the_help_explains(place, capsys):
    for command, code in TOLD.items():
        assert (command, main([*command.split(), "--json"])) == (command, code)
        assert code in codes(command)
        json.loads(capsys.readouterr().out)


def test_every_command_that_tells_something_is_tried():
    assert {command.split()[0] for command in TOLD} | ELSEWHERE | {"completion"} == LISTED.keys()


@pytest.mark.parametrize("name", LISTED)
def test_the_help_explains_every_exit_code(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    _, _, told = capsys.readouterr().out.partition("exit codes:\n")
    assert {int(line.split()[0]) for line in told.splitlines() if line[2:3].isdigit()} == codes(name) <= {*EXIT_CODES}


OTHERWISE = {
    "data check": 3,
    "judge tiny.py --results empty": 3,
    "judge tiny.py --results low": 1,
    "judge tiny.py --results failed": 2,
    "verify tiny.py --results low --workers 1": 1,
    "verify tiny.py --results empty --workers 1 --budget 1s": 3,
    "run tiny.py --results empty --workers 1 --budget 1s": 3,
    "report --report 1 --results empty": 3,
    "status tiny.py --results empty": 3,
    "status tiny.py --results failed": 2,
    "logs --results failed": 0,
}


def test_every_other_exit_code_is_as_the_help_says(place, fill, capsys):
    (place / "empty").mkdir()
    for depth in (8, 14):
        fill(place / "low", depth, 20.0)
        (run, *_) = fill(place / "failed", depth, 80.0)
        (run.folder / "run.json").unlink()
        Store(place / "failed").fail(
            run.spec, "RuntimeError: out of luck", "Traceback: here\nRuntimeError: out of luck"
        )
    tried = {}
    for command, code in OTHERWISE.items():
        where = ["--report", str(code)] if command.startswith(("judge", "verify")) else []
        assert (command, main([*command.split(), *where, "--json"])) == (command, code)
        assert json.loads(capsys.readouterr().out)
        tried.setdefault(command.split()[0], {0}).add(code)
    assert {name: LISTED[name].codes.keys() for name in LISTED if LISTED[name].codes} == {
        name: tried[name] - {2} for name in ("data", "verify", "run", "status", "judge", "report")
    }


def test_a_refused_command_prints_no_json(place, capsys):
    assert main(["plan", "nowhere.py", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_notes_go_to_stderr(place, capsys):
    (place / "report" / "report.html").write_text("mine")
    assert main(["judge", "tiny.py", "--verify", "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["differences"]
    assert printed.err.startswith("repro: ")
