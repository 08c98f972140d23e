"""plan, run and status from outside."""

import json
import sys

from repro.cli.main import main
from repro.recipes import cifar


def test_plan_names_each_run_once_with_its_reason_and_its_checks(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["plan", "tiny.py", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["runs"]) == 6
    assert found["missing"] == 3
    assert {run["condition"] for run in found["runs"]} == {"complete", "missing"}
    assert all(run["why"] and run["checks"] and run["seconds"] > 0 for run in found["runs"])
    assert {run["basis"] for run in found["runs"]} == {"measured", "scaled"}


def test_a_spec_file_edited_by_hand_is_named_by_the_plan(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    (run, *_) = fill(workplace / "results", 8, 80.0)
    (run.folder / "spec.json").write_text(cifar("smoke", 0, depth=20).to_json())
    assert main(["plan", "tiny.py"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert run.spec.name in printed
    assert "spec.json" in printed
    assert "edited" in printed


def test_plan_sums_up_by_claim_and_says_what_comes_next(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["plan", "tiny.py"]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.split()[:7] == ["tiny", "3", "of", "6", "runs", "missing,", first.split()[6]]
    assert last == "Next: repro run tiny.py"
    assert main(["plan", "tiny.py", "--all"]) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if "resnet-" in line]) == 6


def test_a_plan_on_a_terminal_fits_it(workplace, tiny_claim, capsys, monkeypatch):
    (workplace / "tiny.py").write_text(tiny_claim)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["plan", "tiny.py", "--all"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines()[:-2])) <= 60


def test_what_comes_next_selects_the_same_checks_and_store(judged, capsys):
    capsys.readouterr()
    assert main(["status", "tiny.py", "--scale", "paper", "-k", "tiny or x"]) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "Next: repro run tiny.py -k 'tiny or x' --scale paper"


def test_status_counts_runs_by_condition(judged, capsys):
    capsys.readouterr()
    assert main(["status", "tiny.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == {"complete": 6}
