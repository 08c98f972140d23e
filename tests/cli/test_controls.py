"""A claim that is selected alone is judged, planned and trained with the controls that it depends on."""

import json
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.recipes import cifar
from repro.runs.store import Store

AT = ("--scale", "paper", "--results", "results")


@pytest.fixture
def controlled(workplace, controlled_claim):
    """A folder with the claim ``tiny``, which depends on a control."""
    (workplace / "tiny.py").write_text(controlled_claim)


@pytest.fixture
def finish(finished):
    """Gives a network its runs under the paper's protocol."""

    def write(depth, *top1):
        for seed, accuracy in enumerate(top1):
            finished(Store(Path("results")), cifar("paper", seed, depth=depth), top1=accuracy)

    return write


@pytest.mark.parametrize(("control", "verdict", "code"), [(60.0, "SMOKE", 0), (40.0, "INVALID", 1)])
def test_a_claim_named_alone_is_judged_with_its_control(controlled, fill, capsys, control, verdict, code):
    for depth, top1 in ((8, 80.0), (14, 80.0), (20, control)):
        fill(Path("results"), depth, top1)
    assert main(["judge", "tiny.py", "-k", "tiny and not control", "--json"]) == code
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)["judgements"]}
    assert {name: row["verdict"] for name, row in rows.items()} == dict.fromkeys(
        ("tiny[depth=8]", "tiny[depth=14]"), verdict
    )
    assert main(["judge", "tiny.py", "-k", "tiny and not control", "--verify"]) == 0


@pytest.mark.parametrize(("control", "runs"), [(80.0, 4), (20.0, 0)])
def test_no_seed_is_planned_for_a_claim_whose_control_fails(controlled, finish, capsys, control, runs):
    finish(20, *(control + 0.1 * seed for seed in range(3)))
    for depth in (8, 14):
        finish(depth, 40.0, 55.0, 60.0)  # inconclusive, so that more seeds would decide
    assert main(["plan", "tiny.py", "-k", "tiny and not control", *AT, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert sum(run["condition"] == "missing" for run in made["runs"]) == runs


def test_what_is_trained_records_the_rules_of_all_claims_that_need_it_and_asks_their_controls(
    controlled, finish, monkeypatch, capsys
):
    asked = {}
    finish(20, 20.0, 20.1, 20.2)
    for depth in (8, 14):
        finish(depth, 40.0, 55.0, 60.0)

    def run_all(checks, _store, **options):
        asked.update(options, checks=[check.id for check in checks], seeds=options["requested_seeds"]())
        raise KeyboardInterrupt

    monkeypatch.setattr("repro.executing.execute.run_all", run_all)
    main(["run", "tiny.py", "-k", "tiny and not control", *AT])
    capsys.readouterr()
    assert asked["checks"] == ["tiny[depth=8]", "tiny[depth=14]"]
    assert "control-tiny" in {check.id for check in asked["collected"]}
    assert asked["seeds"] == {}
