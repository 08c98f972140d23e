"""A run trained again from its spec equals what is stored, or the difference is named."""

import json

import pytest

from repro import training
from repro.cli.main import main
from repro.errors import StoreError
from repro.executing.retrain import chosen, retrain
from repro.recipes import cifar
from repro.runs.store import HISTORY, Store


@pytest.fixture
def store(workplace, tiny_claim, finished):
    """Three runs of a claim in the current folder, of which the first is a trained one."""
    (workplace / "tiny.py").write_text(tiny_claim)
    store = Store(workplace / "results")
    first, *others = (cifar("smoke", seed, depth=8) for seed in range(3))
    assert training.run(first, store, data_dir=workplace, device="cpu", criteria={}, pause=lambda: False) == "complete"
    for spec in others:
        finished(store, spec)
    return store


def forge(store, run, change):
    """Changes the history of a run and makes its record fit again, as someone who knows the store would."""
    rows = [dict(row) for row in run.history]
    change(rows)
    text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
    (run.folder / HISTORY).write_text(text)
    store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
    return store.run(run.spec)


def test_a_run_is_equal_when_it_is_trained_again_and_a_forged_history_is_named(store, capsys, workplace):
    run = store.run(cifar("smoke", 0, depth=8))
    assert retrain(run, data_dir=workplace, device="cpu") == []
    forged = forge(store, run, lambda rows: rows[1].update(test_top1=99.0))
    assert main(["judge", "tiny.py", "-k", "tiny[depth=8]"]) == 0
    assert main(["judge", "tiny.py", "-k", "tiny[depth=8]", "--verify"]) == 0  # nothing but training can tell
    (line,) = retrain(forged, data_dir=workplace, device="cpu")
    assert line.startswith(f"{run.folder / HISTORY}: from epoch 2 on: test_top1 99.0, again ")
    capsys.readouterr()
    assert main(["judge", "tiny.py", "-k", "tiny[depth=8]", "--retrain", run.spec.key[:9]]) == 2
    assert f"{run.spec.name}: trained again, not equal" in capsys.readouterr().out


def test_runs_are_named_by_the_start_of_their_key_or_name(workplace, finished):
    store = Store(workplace / "results")
    runs = [finished(store, cifar("smoke", seed, depth=8)) for seed in range(3)]
    assert chosen(runs, runs[0].spec.key[:8]) == runs[:1]
    assert chosen(runs, "resnet-8 batchnorm") == runs
    with pytest.raises(StoreError, match="no complete run's key or name begins with 'wrn'"):
        chosen(runs, "wrn")
