"""plan, run and status from outside."""

import json
import sys
from dataclasses import replace

import pytest

from repro.cli.main import main
from repro.executing.execute import Tally
from repro.planning import device
from repro.planning.device import ASSUMED
from repro.provenance import device_name
from repro.recipes import cifar
from tests.cli.told import refused
from tests.made import replaced


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
    heads, first, *_, last = capsys.readouterr().out.splitlines()
    assert heads.split() == ["claim", "missing", "alone", "on", "top", "holds"]
    assert first.split()[:4] == ["tiny", "3", "of", "6"]
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


def test_plan_says_on_which_device_and_how_its_costs_are_known(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    assert main(["plan", "tiny.py"]) == 0
    *_, total, costs, _ = capsys.readouterr().out.splitlines()
    assert total.endswith("on one core of an AMD EPYC.")
    assert costs.startswith("Costs of 6 assumed (") and costs.endswith("measure this device: repro bench")


@pytest.mark.parametrize("name", [name for name in ASSUMED if name != "cpu"])
def test_plan_tells_the_costs_of_a_named_device(workplace, tiny_claim, name, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    assert main(["plan", "tiny.py", "--on", name]) == 0
    assert f"on one {name}." in capsys.readouterr().out


def test_what_was_measured_here_is_planned_with(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    device.save(workplace / "results", replace(ASSUMED["cpu"], name="Mine", measured=True))
    assert main(["plan", "tiny.py"]) == 0
    printed = capsys.readouterr().out
    assert "on one core of Mine." in printed
    assert "Costs of 6 estimated from what repro bench measured here\n" in printed


def test_a_damaged_measurement_is_refused_in_one_line(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    here = replace(ASSUMED["cpu"], name=device_name("cpu"))
    device.save(workplace / "results", here).write_text("{")
    assert "measure again: repro bench" in refused(capsys, "plan", "tiny.py")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('accuracy("BatchNorm")', 'accuracy("BatchNrom")', "reads arm 'BatchNrom', which its runs() does not declare"),
        ("evidence.accuracy", "evidence.accurcy", "reads evidence.accurcy; allowed: accuracy,"),
        ("find(higher=", "find(hgiher=", "find(hgiher=…, lower=…); its rule, Ordering, takes higher=…, lower=…"),
    ],
)
@pytest.mark.parametrize("command", [["plan", "tiny.py"], ["run", "tiny.py"], ["preregister", "tiny.py"]])
def test_a_misspelt_check_is_refused_before_anything_is_trained_or_registered(
    workplace, tiny_claim, capsys, old, new, said, command
):
    (workplace / "tiny.py").write_text(replaced(tiny_claim, old, new))
    assert said in refused(capsys, *command)
    assert {path.name for path in workplace.iterdir()} <= {"tiny.py", "__pycache__"}


@pytest.fixture
def two(workplace, tiny_claim):
    """A folder with a cheap claim and a dear one, which trains the cheap one's runs too."""
    (workplace / "claims").mkdir()
    shallow = tiny_claim.replace('({"depth": 8}, {"depth": 14})', '({"depth": 8},)')
    (workplace / "claims" / "cheap.py").write_text(shallow.replace("tiny", "cheap"))
    (workplace / "claims" / "dear.py").write_text(tiny_claim.replace("tiny", "dear").replace("14", "56"))
    return workplace


def test_hours_buy_the_cheapest_verdicts(two, capsys):
    assert main(["plan", "claims", "--within", "30s"]) == 0
    first, *_, last = (printed := capsys.readouterr().out).splitlines()
    assert first.split()[0] == "cheap" and "buy 1 verdict for" in printed and "the next, dear, takes" in printed
    assert last == "Next: repro run claims --within 30s"
    assert main(["plan", "claims", "--within", "10d", "--json"]) == 0
    assert [one["claim"] for one in json.loads(capsys.readouterr().out)["bought"]] == ["cheap", "dear"]


def test_run_trains_what_the_hours_buy_and_no_more(two, capsys, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "repro.executing.execute.run_all", lambda checks, *_, **more: asked.update(more, checks=checks) or Tally()
    )
    assert main(["run", "claims", "--within", "30s", "--device", "cpu"]) == 0
    assert [check.id for check in asked["checks"]] == ["cheap[depth=8]"]
    monkeypatch.setattr("repro.cli.shared.requested_seeds", lambda *_: {"cheap[depth=8]": 8})
    assert asked["requested_seeds"]() == {}


@pytest.mark.parametrize("more", [[], ["--background"]])
def test_hours_that_buy_no_verdict_train_nothing_and_say_so(two, more, capsys):
    assert (
        refused(capsys, "run", "claims", "--within", "1s", *more)
        == "repro: 1s buys no verdict; see repro plan --within."
    )
    assert main(["plan", "claims", "--within", "1s"]) == 0


@pytest.fixture
def large(workplace, tiny_claim):
    """A folder with the claim tiny, and the claim large of a network that takes eight devices and ImageNet."""
    (workplace / "claims").mkdir()
    (workplace / "claims" / "tiny.py").write_text(tiny_claim)
    text = tiny_claim.replace("import SCALES, cifar", "import SCALES, imagenet").replace(
        "cifar(scale, ", "imagenet('paper', "
    )
    (workplace / "claims" / "large.py").write_text(
        text.replace("tiny", "large").replace('8}, {"depth": 14', '18}, {"depth": 34')
    )
    return workplace


def test_plan_and_status_say_what_this_machine_cannot_train(large, capsys):
    (large / "results").mkdir()
    for command, code in (("plan", 0), ("status", 3)):
        assert main([command, "claims"]) == code
        *_, line, _ = capsys.readouterr().out.splitlines()
        assert line.startswith("left out: 6 runs for large: ")
        assert main([command, "claims", "--json"]) == code
        assert [one["claims"] for one in json.loads(capsys.readouterr().out)["left_out"]] == [["large"]]


def test_run_of_what_this_machine_can_train_ends_as_unfinished_with_the_rest_left_out(large, capsys, fill):
    fill(large / "results", 8, 80.0)
    fill(large / "results", 14, 80.0)
    assert main(["run", "claims"]) == 3
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith("left out: 6 runs for large: ")
    assert last == "nothing to train: all other runs are complete, 6 left out. Next: repro judge claims"


@pytest.mark.parametrize(
    "words", [["claims", "large"], ["claims", "--strict"], ["claims/large.py"], ["claims", "-k", "large"]]
)
def test_what_may_not_be_left_out_is_refused_in_one_line_and_nothing_is_written(large, words, capsys):
    assert "cannot be trained here: " in refused(capsys, "run", *words)
    assert "cannot be trained here: " in refused(capsys, "run", *words, "--background")
    assert [path.name for path in large.iterdir()] == ["claims"]
