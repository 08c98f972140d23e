"""The judge of another commit, run for real on this suite's own history."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.errors import StoreError
from repro.executing import other_commit
from repro.executing.other_commit import judged_by
from repro.judging import compared
from repro.provenance import PACKAGE

pytestmark = pytest.mark.skipif(not (PACKAGE.parent / ".git").exists(), reason="needs the suite's git history")


def test_the_last_commit_judges_the_runs_and_is_compared(workplace, tiny_claim, fill, capsys, monkeypatch):
    monkeypatch.setattr(compared, "claims", lambda: workplace)
    file = workplace / "tiny.py"
    file.write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["judge", str(file), "--by", "HEAD"]) == 0
    assert "gives the same results in 1 of 1 judged check" in capsys.readouterr().out
    assert (workplace / "compared.json").exists()
    assert not (workplace / "report").exists()


@pytest.mark.parametrize("commit", ["no-such-commit", "--help", "", "HEAD:README.md"])
def test_an_unknown_commit_is_named(commit, tmp_path):
    with pytest.raises(StoreError, match="git knows no commit"):
        judged_by(commit, [], tmp_path)


def test_what_an_older_judge_refuses_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"the judge of .* ended with exit code 2 and said: .*no-such-claim"):
        judged_by("HEAD", ["no-such-claim", "--scale", "smoke"], tmp_path)


def test_a_judge_that_is_terminated_leaves_no_copy_and_those_of_killed_ones_go(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = tmp_path / f"{other_commit.COPY}{process.pid}-abc"  # of a process that is no more
    left.mkdir()
    other = tmp_path / f"{other_commit.COPY}{os.getppid()}-abc"  # of one that lives
    other.mkdir()
    with pytest.raises(SystemExit) as ended, other_commit._copy() as place:
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([other.name, Path(place).name])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert ended.value.code == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == [other]
