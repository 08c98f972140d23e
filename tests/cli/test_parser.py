"""The words of the command line: help, version, and what is refused before anything is read."""

import subprocess
import sys

import pytest

from repro import __version__
from repro.cli.main import main
from repro.cli.subcommands import GROUPS

COMMANDS = [one.name for group in GROUPS.values() for one in group]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "usage: repro" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--scale", "paper"], ["judge"], ["status"]])
def test_planning_and_judging_import_no_torch(arguments, tmp_path):
    code = (
        "import sys\nfrom repro.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_planning_and_training_import_neither_msgspec_nor_torchvision(tmp_path):
    code = (
        "import sys\nimport repro.training\nfrom repro.cli.main import main\n"
        "for arguments in (['--help'], ['plan', '--scale', 'paper']):\n"
        "    try:\n        main(arguments)\n    except SystemExit:\n        pass\n"
        "    assert not {'msgspec', 'torchvision'} & sys.modules.keys(), arguments\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("run --budget soon", "'soon' is not a duration; write 90s"),
        ("run --workers 0", "'0' is not a number of worker processes; write 1 or more"),
        ("run --device tpu", "'tpu' is not a device; write auto"),
        ("run --scale", "--scale: expected one argument; see: repro run --help"),
        ("run --quickly", "unrecognized arguments: --quickly; see: repro run --help"),
        ("trian", "invalid choice: 'trian'"),
        ("plan --reslts x", "--reslts (did you mean --results?); see: repro plan --help"),
        ("judg", "'judg' (did you mean judge?); see: repro --help"),
        ("cluster int", "'int' (did you mean init?)"),
        ("cluster throughput box --mos 2", "--mos 2 (did you mean --most?)"),
        ("run --results=", "the path is empty; name a file or folder"),
        ("export --to nowhere/", "there is no folder nowhere/; make it, or name a file"),
        ("run --pause-above 0", "'0' is not a percentage; write a number above 0"),
        ("submit --cluster x --if-refused maybe", "'maybe'; allowed: cancel, keep; see"),
        ("submit --cluster x --max-gpu-hours nan", "'nan' is not a number of hours; write 0 or more"),
        ("submit --cluster ../x", "'../x' is not the name of a profile; write letters"),
        ("cluster init ../x", "'../x' is not the name of a profile; write letters"),
        ("cluster wht", "'wht'; allowed: init, throughput"),
        ("list --results results", "unrecognized arguments: --results"),
        ("data check --results results", "unrecognized arguments: --results"),
        *(
            (f"{command} --data-dir data", "unrecognized arguments: --data-dir")
            for command in ("list", "explain", "cancel", "export --to x", "import x", "bench", "logs")
        ),
        ("judge --device cuda", "--device changes nothing without --remeasure or --retrain; add that, or leave"),
        ("judge --by HEAD --report other", "--by, --remeasure and --retrain read and write no report; leave --report"),
        ("run --pause-above 50", "--pause-above changes nothing without --background; add that, or leave"),
        ("doctor --wait 1m", "--wait changes nothing without --cluster; add that, or leave"),
        ("run --device cuda:0,cpu", "or several such as cuda:0,cuda:1"),
    ],
)
def test_a_malformed_command_is_refused_in_one_line_with_code_two(workplace, command, found, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("repro: ")
    assert found in line


@pytest.mark.parametrize("command", ["plan", "judge"])
def test_a_blank_selection_is_refused_instead_of_selecting_everything(workplace, command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "-k", " "])
    assert stopped.value.code == 2
    assert "-k is blank" in capsys.readouterr().err


def test_without_a_command_and_on_request_the_subcommands_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert "3   something is still missing or pending" in listed
    with pytest.raises(SystemExit) as stopped:
        main(["help"])
    assert (stopped.value.code, capsys.readouterr().out) == (0, listed)


def test_help_of_a_subcommand_is_available_by_name(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["help", "run"])
    assert stopped.value.code == 0
    assert "usage: repro run" in capsys.readouterr().out


def test_the_version_has_the_commit(capsys, monkeypatch):
    monkeypatch.setattr("repro.provenance.commit", lambda: "c0ffee")
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"repro {__version__} (commit c0ffee)\n"


def test_help_on_help_is_the_list(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["help", "help"])
    assert "verify" in capsys.readouterr().out
