"""`repro logs` for runs of this machine: crashes with their traceback, parts, and the background trainer's log."""

import json

from repro.cli.main import main
from repro.executing.background_state import TrainerFiles
from repro.recipes import cifar
from repro.runs.store import Store


def told(capsys, *words):
    assert main(["logs", *words]) == 0
    return capsys.readouterr().out


def test_a_failed_run_is_named_and_its_traceback_is_one_command_away(workplace, fill, capsys):
    (run, *_) = fill(workplace / "results", 8, 80.0)
    (run.folder / "run.json").unlink()
    Store(workplace / "results").fail(run.spec, "RuntimeError: out of luck", "Traceback:\n  here")
    key = run.spec.key[:12]
    assert told(capsys).splitlines() == [
        f"{key}  {run.spec.name}: RuntimeError: out of luck",
        f"Next: repro logs {key}, for the whole of its traceback",
    ]
    first, *rest = told(capsys, key).splitlines()
    assert first.startswith(f"{key}  {run.spec.name}: failed")
    assert rest == ["  RuntimeError: out of luck", "  | Traceback:", "  |   here"]


def test_a_run_whose_spec_or_record_was_edited_is_named_with_what_to_do(workplace, fill, capsys):
    one, other, _ = fill(workplace / "results", 8, 80.0)
    (one.folder / "spec.json").write_text("[]")
    (other.folder / "run.json").write_text("[]")
    (other.folder / "failure.json").unlink(missing_ok=True)
    shown = told(capsys).splitlines()
    assert {line.split("/")[1] for line in shown} == {one.spec.key, other.spec.key}
    assert all("was edited" in line and line.count(line.split()[0]) == 1 for line in shown)
    assert all(line.endswith("and train it again.") for line in shown)
    (one.folder / "run.json").unlink()
    assert [line.split("/")[1] for line in told(capsys).splitlines()] == [one.spec.key, other.spec.key]


def test_a_complete_run_shows_where_each_part_was_trained(workplace, fill, capsys):
    fill(workplace / "results", 8, 80.0)
    found = json.loads(told(capsys, "resnet-8", "--json"))
    assert [run["condition"] for run in found] == ["complete"] * 3
    assert all(run["parts"] and run["parts"][0]["device"] for run in found)
    assert found[0]["parts"][0]["device"] in told(capsys, found[0]["key"])


def test_a_paused_run_shows_how_far_it_came(workplace, paused, capsys):
    paused(Store(workplace / "results"), cifar("smoke", 0, depth=8), epoch=3)
    assert "paused with 25% done" in told(capsys, "resnet-8")


def test_the_last_lines_of_the_background_trainer_are_shown(workplace, capsys):
    log = TrainerFiles(Store(workplace / "results")).log
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    shown = told(capsys).splitlines()
    assert shown[0] == f"the background trainer's last lines, of {log.relative_to(workplace)}:"
    assert shown[1:] == [f"  | line {number}" for number in range(80, 100)]
