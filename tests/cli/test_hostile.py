"""The command line in hostile surroundings: one line on stderr and a documented exit code, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
