"""judge, preregister and explain from outside."""

import fcntl
import json
import os
import shlex
import subprocess
import sys

import pytest

from repro.cli.main import main
from repro.cli.verdicts import table
from repro.judging import verdicts_json
from repro.provenance import claims
from repro.recipes import cifar
from repro.runs.store import Store
from tests.cli.told import refused


@pytest.mark.parametrize(
    ("accuracy", "code"), [((80.0, 85.0), 0), ((80.0, 20.0), 1), ((80.0, None), 3)], ids=["holds", "fails", "pending"]
)
def test_exit_code_of_judge_says_how_the_claims_came_out(workplace, tiny_claim, fill, accuracy, code):
    (workplace / "tiny.py").write_text(tiny_claim)
    for depth, top1 in zip((8, 14), accuracy, strict=True):
        if top1 is not None:
            fill(workplace / "results", depth, top1)
    assert main(["judge", "tiny.py"]) == code


def test_a_failed_run_blocks_its_claim_and_exits_with_two(workplace, tiny_claim, fill):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 80.0)
    store, spec = Store(workplace / "results"), cifar("smoke", 0, depth=14)
    (store.folder(spec) / "run.json").unlink()
    store.fail(spec, "RuntimeError: out of luck", "")
    assert main(["judge", "tiny.py"]) == 2
    assert main(["status", "tiny.py"]) == 2


def test_comparisons_are_kept_by_one_process_at_a_time(judged, monkeypatch):
    """Each reads compared.json, adds what it found and writes all of it: of two at once, one would be lost."""
    waited = []

    def keep(*_):
        folder = os.open(claims(), os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(folder)
        waited.append(True)
        return {}

    monkeypatch.setattr("repro.executing.other_commit.judged_by", lambda *_: ("c" * 40, {}))
    monkeypatch.setattr("repro.judging.compared.keep", keep)
    assert main(["judge", "tiny.py", "--by", "HEAD"]) == 3
    assert waited


def test_verify_finds_nothing_when_nothing_was_changed(judged, capsys):
    assert main(["judge", "tiny.py", "--verify"]) == 0
    assert "all 2 verdicts are as computed" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["history.jsonl", "measurements/accuracy.json", "tensors.safetensors", "run.json"])
def test_verify_names_the_row_of_a_changed_run(judged, name, capsys):
    file = Store(judged / "results").folder(cifar("smoke", 1, depth=14)) / name
    content = file.read_bytes()
    file.write_bytes(content.replace(b"2.0", b"2.5", 1) if name == "run.json" else content[:-2] + b"7\n")
    assert main(["judge", "tiny.py", "--verify"]) == 2
    assert "judgements tiny[depth=14]" in capsys.readouterr().err


def test_an_edited_record_blocks_the_check_that_reads_it_by_name(judged, capsys):
    file = Store(judged / "results").folder(cifar("smoke", 1, depth=14)) / "run.json"
    file.write_text(file.read_text().replace('"device":', '"gadget":'))
    capsys.readouterr()
    assert main(["judge", "tiny.py", "--json"]) == 2
    found = {row["check"]: row for row in json.loads(capsys.readouterr().out)["judgements"]}
    assert found["tiny[depth=14]"]["verdict"] == "BLOCKED"
    assert f"{file.parent.name}/run.json is not a run record" in found["tiny[depth=14]"]["why"]
    assert found["tiny[depth=8]"]["verdict"] == "SMOKE"


def test_verify_names_the_row_of_a_changed_verdict(judged, capsys):
    path = judged / "report" / "verdicts.json"
    made = verdicts_json.load(path)
    made["judgements"][0]["findings"][0]["estimate"] += 0.01
    verdicts_json.save(made, path)
    assert main(["judge", "tiny.py", "--verify"]) == 2
    printed = capsys.readouterr().err
    assert "judgements tiny[depth=8]: findings" in printed
    assert "depth=14" not in printed


def test_verify_names_the_rows_of_a_changed_rule(judged, tiny_claim):
    (judged / "tiny.py").write_text(tiny_claim.replace("gap=0.0", "gap=1.0"))
    command = [sys.executable, "-m", "repro.cli", "judge", "tiny.py", "--verify"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tiny[depth=8]: criterion" in done.stderr
    assert "tiny[depth=14]: criterion" in done.stderr


def test_verify_finds_another_order_of_the_same_values(judged, capsys):
    path = judged / "report" / "verdicts.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert main(["judge", "tiny.py", "--verify"]) == 2
    assert "it was edited" in capsys.readouterr().err


def test_judging_twice_writes_the_same_bytes(judged):
    before = (judged / "report" / "verdicts.json").read_bytes()
    assert main(["judge", "tiny.py"]) == 0
    assert (judged / "report" / "verdicts.json").read_bytes() == before


def test_a_mistyped_store_overwrites_no_verdicts(judged, capsys):
    before = (judged / "report" / "verdicts.json").read_bytes()
    assert "not a store" in refused(capsys, "judge", "tiny.py", "--results", "reslts")
    assert (judged / "report" / "verdicts.json").read_bytes() == before


def test_a_selection_does_not_replace_the_verdicts_of_more(judged, capsys):
    before = (judged / "report" / "verdicts.json").read_bytes()
    assert "--report" in refused(capsys, "judge", "tiny.py", "-k", "tiny[depth=8]")
    assert (judged / "report" / "verdicts.json").read_bytes() == before


def test_the_rules_of_every_scale_are_registered_once(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    assert main(["preregister", "tiny.py", "--to", "rules.json"]) == 0
    assert "rules.json: 6 rules, SHA-256 " in capsys.readouterr().out
    assert "is never overwritten" in refused(capsys, "preregister", "tiny.py", "--to", "rules.json")


@pytest.mark.parametrize(("differences", "code"), [([], 0), (["seed 0: accuracy is another"], 2)])
def test_measuring_again_names_each_difference(judged, capsys, monkeypatch, differences, code):
    measured = []
    monkeypatch.setattr("repro.training.remeasure", lambda run, **where: measured.append(run) or differences)
    assert main(["judge", "tiny.py", "--remeasure"]) == code
    assert len(measured) == 6
    printed = capsys.readouterr()
    assert f"6 runs measured again, {6 * len(differences)} differences" in printed.out
    assert all(line in printed.err for line in differences)


def test_runs_without_tensors_are_named_where_they_cannot_be_checked(judged, capsys, monkeypatch):
    monkeypatch.setattr("repro.training.remeasure", lambda run, **where: [])
    (one, *_) = (judged / "results").glob("*/tensors.safetensors")
    one.unlink()
    assert main(["judge", "tiny.py", "--remeasure"]) == 0
    printed = capsys.readouterr().out
    assert "5 runs measured again, 0 differences\nnot measured again, its trained tensors were left out: " in printed
    assert main(["judge", "tiny.py", "--verify"]) == 0
    assert "; not verified: 1 run came without trained tensors" in capsys.readouterr().out


def test_explain_says_what_is_claimed_trained_and_required(workplace, capsys):
    assert main(["explain", "deeper-is-better"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "Claimed: BatchNorm-only accuracy rises",
        "resnet-20 batchnorm",
        "Jonckheere",
        "Rule frozen as",
        "PENDING",
    ):
        assert words in printed


def test_explain_names_the_command_for_one_point_of_the_same_store(workplace, capsys):
    assert main(["explain", "far-above-chance", "--scale", "pilot", "--results", "other"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    words = shlex.split(last.removeprefix("One point in full: "))
    assert words[-4:] == ["--scale", "pilot", "--results", "other"]
    assert main(words[1:]) == 0


@pytest.mark.parametrize(
    ("differing", "said"),
    [
        ({}, "Judged as registered in a.json (2026-01-01, SHA-256 aaaaaaaaaaaa)"),
        ({"judging_code": False}, "Judged by the rules registered in a.json (2026-01-01, SHA-256 aaaaaaaaaaaa); the "
                                  "judging code has changed since, and nothing else in any criterion"),
        ({"changed": ["one"]}, ": 1 criterion has changed since; for example one"),
        ({"changed": ["one", "two"]}, ": 2 criteria have changed since; for example one"),
        ({"unregistered": ["one", "two"]}, ": 2 checks are in no registration; for example one"),
    ],
)  # fmt: skip
def test_the_table_says_what_differs_from_the_registration(differing, said):
    found = {"file": "a.json", "sha256": "a" * 64, "registered": "2026-01-01", "judging_code": True, "changed": []}
    *_, line, _ = table(
        {
            "claims": [],
            "judgements": [],
            "cost": {"runs": 0},
            "registration": {**found, "unregistered": [], **differing},
        },
        lambda text, _: text,
    )
    assert line.endswith(said)
