"""What repro bench tells and keeps; what it measures is tested with the training."""

import json

import pytest

from repro.cli.main import main
from repro.planning.device import ASSUMED, load
from repro.recipes import cifar
from repro.runs.store import Store


@pytest.fixture(autouse=True)
def device(workplace, monkeypatch):
    monkeypatch.setattr("repro.executing.bench.measure", lambda where, told: ASSUMED["cpu"])


def test_the_measurement_lies_beside_the_store(workplace, capsys):
    assert main(["bench"]) == 0
    (file,) = (workplace / "results" / ".bench").iterdir()
    assert load(file) == ASSUMED["cpu"]
    assert "77 GFLOP/s (float32); copy 23.0 GB/s; 6.3 µs a launch" in capsys.readouterr().out


def test_estimates_are_compared_with_the_stores_runs_by_processor_time(workplace, finished, capsys):
    store = Store(workplace / "results")
    for seed, took in enumerate((1.0, 2.0, 4.0)):
        finished(store, cifar("smoke", seed, depth=8), seconds=900.0, part={"processor_seconds": took})
    by_the_clock = {"processor_seconds": None}  # of a machine that others may have kept busy
    finished(store, cifar("smoke", 3, depth=8), seconds=900.0, part=by_the_clock)
    assert main(["bench", "--json"]) == 0
    low, middle, high = json.loads(capsys.readouterr().out)["estimate_by_record"]
    assert (high, low) == (pytest.approx(2 * middle), pytest.approx(middle / 2))


def test_nothing_is_measured_that_cannot_be_kept(workplace, monkeypatch, capsys):
    monkeypatch.setattr("repro.executing.bench.measure", lambda *_: pytest.fail("measured"))
    (workplace / "results").write_text("a file")
    assert main(["bench"]) == 2
    assert "results" in capsys.readouterr().err


def test_a_damaged_measurement_is_replaced(workplace):
    (workplace / "results" / ".bench").mkdir(parents=True)
    (workplace / "results" / ".bench" / "an-AMD-EPYC.json").write_text("{")
    assert main(["bench"]) == 0
    assert main(["plan", "-k", "bn-share"]) == 0
