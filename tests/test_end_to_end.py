"""From nothing to a report, through the command line, on the smallest networks that train."""

import json
import shutil
import subprocess
import sys

import pytest

from repro.runs.store import Store

CLAIM = '''\
"""Two arms of two seeds' worth of training, four epochs each."""

import dataclasses

from repro.claim import Source, claim
from repro.compare import Ordering
from repro.recipes import SCALES, cifar


def runs(scale, seed):
    arms = {trained: cifar(scale, seed, depth=8, trained=trained) for trained in ("all", "none")}
    return {arm: dataclasses.replace(spec, epochs=4, learning_rate_drops=(2, 3)) for arm, spec in arms.items()}


@claim(
    id="training-helps",
    sentence="Training everything beats training nothing.",
    source=Source(work="test", place="here", tag="P", reference="higher"),
    rule=Ordering(gap=20.0, reason="a gap that only a broken trainer misses"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=runs,
    depends_on=(),
    testable=dict.fromkeys(SCALES, "the networks and data of its runs"),
)
def test_training_helps(evidence):
    evidence.find(higher=evidence.accuracy("all"), lower=evidence.accuracy("none"))
'''


def repro(folder, *arguments):
    command = [sys.executable, "-m", "repro.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    """A folder with a claim file in which `repro verify` was called, and what it printed."""
    folder = tmp_path_factory.mktemp("verified")
    (folder / "claim.py").write_text(CLAIM)
    return folder, repro(folder, "verify", "claim.py")


@pytest.fixture
def trained(verified, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(verified[0], tmp_path / "copy")


def test_verify_goes_from_nothing_to_a_report_that_can_be_checked(verified):
    folder, done = verified
    assert done.returncode == 0, done.stderr
    for name in ("report.html", "report.pdf", "verdicts.json"):
        assert (folder / "report" / name).stat().st_size > 1000
    (row,) = json.loads((folder / "report" / "verdicts.json").read_text())["judgements"]
    assert (row["verdict"], row["answer"], row["deviations"]) == ("SMOKE", "seen", [])
    assert len(row["runs"]) == 6
    assert repro(folder, "judge", "claim.py", "--verify").returncode == 0


def test_a_measurement_missing_from_finished_runs_is_added_without_training(trained):
    store = Store(trained / "results")
    (run, *_) = store.runs()
    relus = run.folder / "measurements" / "relus.json"
    measured = relus.read_bytes()
    relus.unlink()
    store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
    without = store.run(run.spec)
    done = repro(trained, "run", "claim.py", "--measure")
    assert ": measured relus\n" in done.stdout
    assert relus.read_bytes() == measured
    assert store.run(run.spec).digest == without.digest


def test_a_run_that_cannot_be_measured_keeps_no_other_from_it(trained):
    store = Store(trained / "results")
    runs = sorted(store.runs(), key=lambda run: run.spec.seed)[:2]
    for run in runs:
        (run.folder / "measurements" / "relus.json").unlink()
        store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
    (runs[0].folder / "tensors.safetensors").unlink()  # as an export without them leaves it
    done = repro(trained, "run", "claim.py", "--measure")
    assert (done.returncode, done.stdout.count(": measured relus\n")) == (2, 1), done.stderr
    assert f"{runs[0].spec.name} was not measured: " in done.stderr and "without its trained tensors" in done.stderr


def test_a_rule_changed_after_its_runs_shows_in_the_verdict(trained):
    (trained / "claim.py").write_text(CLAIM.replace("gap=20.0", "gap=10.0"))
    assert repro(trained, "judge", "claim.py").returncode == 0
    (row,) = json.loads((trained / "report" / "verdicts.json").read_text())["judgements"]
    assert row["deviations"] == ["rule: changed after 6 of the 6 runs were trained"]
