"""A run trained again from its spec equals what is stored, or the difference is named."""

import json

import pytest

from repro import training
from repro.cli.main import main
from repro.errors import StoreError
from repro.executing.retrain import _first_difference, chosen, retrain
from repro.recipes import cifar
from repro.runs.store import HISTORY, Store, is_named
from repro.training.ways import BLOCKS


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


def test_it_is_trained_in_the_plainest_way(workplace, finished, monkeypatch):
    class BegunError(Exception):
        """Enough was seen."""

    def run(*_, avoid, **more):
        raise BegunError(*avoid)

    monkeypatch.setattr(training, "run", run)
    with pytest.raises(BegunError) as begun:
        retrain(finished(Store(workplace / "results"), cifar("smoke", 0, depth=8)), data_dir=workplace, device="cpu")
    assert {*begun.value.args} == {*BLOCKS}


def test_a_difference_is_told_in_the_rows_of_the_run():
    rows = [{"evaluation": number, "train_loss": 1 / number, "test_top1": 90.0} for number in (1, 2)]
    other = [rows[0], rows[1] | {"train_loss": 0.25}]
    assert _first_difference(rows, other, "evaluation").startswith("from evaluation 2 on: train_loss 0.5, again 0.25")
    assert _first_difference(rows, rows[:1], "evaluation") == "2 evaluations, but 1 when trained again"


def test_runs_are_named_by_the_start_of_their_key_or_the_first_words_of_their_name(workplace, finished):
    store = Store(workplace / "results")
    runs = [finished(store, cifar("smoke", seed, depth=8)) for seed in range(3)]
    assert chosen(runs, runs[0].spec.key[:8]) == runs[:1]
    assert chosen(runs, "resnet-8") == chosen(runs, "ResNet-8 batchnorm ") == runs
    for words in ("wrn", "resnet"):
        with pytest.raises(StoreError, match=f"no complete run of this plan has a key that begins with {words!r}"):
            chosen(runs, words)


def test_a_network_is_not_named_by_the_start_of_its_depth():
    small, large = (cifar("paper", 0, depth=depth) for depth in (8, 866))
    assert large.name.startswith("resnet-866 ")
    assert [is_named(spec, "resnet-8") for spec in (small, large)] == [True, False]
    assert is_named(large, large.name)
