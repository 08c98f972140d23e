"""The command line in hostile surroundings: one line on stderr and a documented exit code, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli.main import main

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def repro(folder, *arguments, python=(), **more):
    command = [sys.executable, *python, "-m", "repro.cli", *arguments]
    return subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, check=False, **more)


@pytest.fixture
def place(tmp_path, tiny_claim, fill):
    (tmp_path / "tiny.py").write_text(tiny_claim.replace("small", "sm\u03b1ll"), encoding="utf-8")
    fill(tmp_path / "results", 8, 80.0)
    fill(tmp_path / "results", 14, 80.0)
    return tmp_path


@pytest.mark.parametrize(
    "arguments", [["plan", "tiny.py"], ["plan", "tiny.py", "--json"], ["--help"], ["run", "--help"]]
)
def test_a_full_disk_behind_stdout_is_reported(place, arguments):
    with Path("/dev/full").open("w") as full:
        done = repro(place, *arguments, stdout=full)
    assert done.returncode == 2
    assert done.stderr == b"repro: the output cannot be used: No space left on device; name another.\n"


def test_a_reader_that_goes_away_is_no_failure(place):
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = repro(place, "plan", "tiny.py", stdout=theirs)
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "code"), [("plan tiny.py", 0), ("plan nowhere.py", 2), ("--help", 0), ("trian", 2)]
)
def test_closed_streams_change_no_exit_code(place, arguments, code):
    script = f'"{sys.executable}" -m repro.cli {arguments} >&- 2>&-'
    assert subprocess.run(["sh", "-c", script], cwd=place, check=False).returncode == code


def test_a_locale_without_our_letters_shows_escapes(place):
    done = repro(place, "explain", "tiny[depth=8]", stdout=subprocess.PIPE, env=os.environ | ASCII)
    assert done.returncode == 2  # not one of the suite's own claims
    (place / "claim.txt").write_text("")
    for arguments in (["judge", "tiny.py"], ["judge", "tiny.py", "--verify"], ["report"]):
        done = repro(place, *arguments, stdout=subprocess.PIPE, env=os.environ | ASCII)
        assert b"Traceback" not in done.stderr
        assert b"codec" not in done.stderr
    assert "sm\u03b1ll" in (place / "report" / "report.html").read_text(encoding="utf-8")


def test_json_in_a_locale_without_our_letters_is_json(place):
    import json

    done = repro(place, "judge", "tiny.py", "--json", stdout=subprocess.PIPE, env=os.environ | ASCII)
    assert "sm\u03b1ll" in json.dumps(json.loads(done.stdout.decode("ascii")), ensure_ascii=False)


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "tiny.py"], ["judge", "tiny.py"]])
def test_optimised_python_says_the_same(place, arguments):
    plain, bare = (repro(place, *arguments, python=python, stdout=subprocess.PIPE) for python in ((), ("-OO",)))
    assert (bare.returncode, bare.stdout, bare.stderr) == (plain.returncode, plain.stdout, b"")


def test_a_folder_that_was_deleted_is_reported(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'rmdir ../gone; "{sys.executable}" -m repro.cli plan'
    done = subprocess.run(["sh", "-c", script], cwd=gone, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "repro: the current folder was deleted; change into another one.\n")


@pytest.mark.parametrize(
    "arguments",
    ["plan --results", "status --results", "judge tiny.py --report", "report --report", "export --to", "import", "plan",
     "data cifar10 --data-dir", "run --background --status --results"],
)  # fmt: skip
def test_a_path_that_is_too_long_is_reported_in_one_line(place, arguments):
    done = repro(place, *arguments.split(), 300 * "x", stdout=subprocess.PIPE)
    assert done.returncode in (2, 3)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


def test_an_interrupt_while_the_first_modules_are_imported_is_quiet(tmp_path):
    code = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'repro.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from repro.cli import entry\n"
        "sys.exit(entry())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "repro: stopped\n")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("--vers", 2, "(did you mean --version?)"),
        ("version", 0, "repro 0."),
        ("RUN", 2, "(did you mean run?)"),
        ("--json plan", 2, "--json is an option of repro plan: write it after that"),
        ("list --json=yes", 2, "it takes no value, and got 'yes'"),
        ("status --failed", 2, "unrecognized arguments: --failed; see"),
        ("list frankle2021 --scale paper", 0, "bn-only-cifar"),
        ("list deeper-is-better -k wider", 2, "name ids, or use -k, not both"),
        ("list --data=", 2, "--data is ''; allowed: cifar10"),
        ("report --against=", 2, "the path is empty; name a file or folder"),
        ("retry --cluster none", 2, "there is no profile slurm/none.toml"),
        ("retry --failed --cluster none", 2, "there is no profile slurm/none.toml"),
        ("explain", 2, "name what to explain: an id"),
        ("plan /", 2, "Python files or more, and each would be imported"),
        ("run --workers 99999999999", 2, "processes would stall this machine; write at most"),
        ("report deeper-is-better", 2, "repro judge deeper-is-better --report selected; then: repro report"),
        ("export --to . --results nowhere", 2, "nowhere is not a store of runs"),
        ("preregister extra-parts-vanish --to rules.json", 0, "rules.json: 2 rules"),
        ("preregister nonsense --to rules.json", 2, "no claim or check is named 'nonsense'"),
        ("cluster throughput", 2, "required: NAME;"),
        ("completion tcsh", 2, "argument SHELL: invalid choice: 'tcsh'; allowed: bash, zsh, fish"),
        ("logs --results .", 0, "no run failed, and none was trained in the background"),
        ("logs nothing --results .", 2, "no run in . has a key that begins with 'nothing'"),
    ],
)
def test_a_clumsy_call_is_answered(workplace, command, code, words, capsys):
    try:
        found = main(command.split())
    except SystemExit as stopped:
        found = stopped.code
    printed = capsys.readouterr()
    assert (found, bool(printed.err)) == (code, code == 2)
    assert words in " ".join((printed.out + printed.err).split())


def test_an_unreadable_verdicts_json_is_named_and_the_claims_are_listed(workplace, capsys):
    (workplace / "report").mkdir()
    (workplace / "report" / "verdicts.json").write_text("{}")
    assert main(["list", "deeper-is-better"]) == 0
    printed = capsys.readouterr()
    assert "deeper-is-better  -: " in printed.out
    assert "is not a verdicts.json" in printed.err


def test_a_message_on_a_terminal_breaks_at_words(workplace, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["judge"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 60
    assert len(lines) > 1 and lines[1].startswith("  ")


@pytest.mark.parametrize("columns", ["80", "60"])
def test_the_list_of_subcommands_fits_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert main([]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= int(columns)
