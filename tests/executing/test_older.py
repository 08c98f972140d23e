"""The judge of another commit, run for real on this suite's own history."""

import pytest

from repro.cli.main import main
from repro.errors import StoreError
from repro.executing.older import judged_by
from repro.judging import compared
from repro.provenance import PACKAGE

pytestmark = pytest.mark.skipif(not (PACKAGE.parent / ".git").exists(), reason="needs the suite's git history")


def test_the_last_commit_judges_the_runs_and_is_compared(workplace, tiny_claim, fill, capsys, monkeypatch):
    monkeypatch.setattr(compared, "claims", lambda: workplace)
    file = workplace / "tiny.py"
    file.write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["judge", str(file), "--by", "HEAD"]) == 0
    assert "finds the same in 1 of 1 judged check" in capsys.readouterr().out
    assert (workplace / "compared.json").exists()
    assert not (workplace / "report").exists()


@pytest.mark.parametrize("commit", ["no-such-commit", "--help", "", "HEAD:README.md"])
def test_an_unknown_commit_is_named(commit, tmp_path):
    with pytest.raises(StoreError, match="git knows no commit"):
        judged_by(commit, [], tmp_path)


def test_what_an_older_judge_refuses_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"the judge of .* ended with exit code 2 and said: .*no-such-claim"):
        judged_by("HEAD", ["no-such-claim", "--scale", "smoke"], tmp_path)
