"""Boosted trees: against scikit-learn's own, and through the door that every run takes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.datasets import make_hastie_10_2
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from repro.judging.integrity import broken_controls, refuse_contradictions
from repro.judging.shapes import expected
from repro.recipes import boosting
from repro.runs.drawn import draw, named_fingerprints
from repro.runs.store import TENSORS, Store
from repro.runs.streams import Purpose, seed_sequence
from repro.training import remeasure, run
from repro.training.boosting import BoostedTrees
from repro.training.trees import flat, is_whole, predict

SEED = 99  # none that a claim reads


def short(family="adaboost-m1", rounds=6, each=2, **changes):
    return dataclasses.replace(
        boosting("paper", SEED, family, **changes), rounds=rounds, rounds_per_evaluation=min(rounds, each)
    )


def grown(spec):
    trees = BoostedTrees(spec)
    return trees, list(trees.train(lambda: False))


def go(spec, store, pause=lambda: False):
    return run(spec, store, data_dir=Path(), device="cpu", criteria={}, pause=pause, checkpoint_every=0.0)


@pytest.fixture
def stored(tmp_path):
    assert go(short(), Store(tmp_path)) == "complete"
    return Store(tmp_path).run(short())


def test_the_examples_are_those_of_scikit_learn():
    legacy = np.random.RandomState(np.random.MT19937(seed_sequence(SEED, Purpose.EXAMPLES)))
    features, signs = make_hastie_10_2(12_000, random_state=legacy)
    train, test = draw("hastie-10-2", SEED)
    assert np.array_equal(np.concatenate([train[0], test[0]]), features.astype(np.float32))
    assert np.array_equal(np.concatenate([train[1], test[1]]), signs == 1)


def test_each_seed_has_examples_and_fingerprints_of_its_own():
    prints = [named_fingerprints("hastie-10-2", seed) for seed in (0, 1)]
    assert len({one[split] for one in prints for split in ("train", "test")}) == 4
    assert prints[0]["train"] == "624cf20b4779035b19b93505d1b52f4f8c570d7fb6507223008641f7a2837225"


def test_adaboost_m1_is_that_of_scikit_learn():
    trees, _ = grown(short(rounds=30, each=30))
    theirs = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=30, random_state=0)
    theirs.fit(trees.x, trees.y)
    assert [features[0] for features, _ in trees.trees] == [one.tree_.feature[0] for one in theirs.estimators_]
    ours = [2 * abs(numbers[1]) for _, numbers in trees.trees]  # the algorithm's α is twice what the loss asks for
    assert np.allclose(ours, theirs.estimator_weights_, rtol=1e-5)


@pytest.mark.parametrize(("leaves", "shrinkage"), [(2, 1.0), (10, 0.1)])
def test_gradient_boosting_is_that_of_scikit_learn(leaves, shrinkage):
    trees, _ = grown(short("gradient-boosting", leaves=leaves, shrinkage=shrinkage))
    theirs = GradientBoostingClassifier(
        n_estimators=6, learning_rate=shrinkage, max_leaf_nodes=leaves, max_depth=None, random_state=0
    )
    theirs.fit(trees.x, trees.y)
    assert np.abs(theirs.decision_function(trees.test_x) - trees.test_f).max() < 1e-5  # leaves are kept in float32


def test_real_adaboost_adds_half_the_log_odds_of_its_weighted_leaves():
    trees, _ = grown(short("real-adaboost", rounds=2))
    (features, numbers), _ = trees.trees
    weights = np.exp(-trees.y * predict((features, numbers), trees.x))
    stump = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(trees.x, trees.y, sample_weight=weights)
    share = stump.predict_proba(trees.x)[:, 1]
    assert np.allclose(predict(trees.trees[1], trees.x), np.log(share / (1 - share)) / 2, atol=1e-5)


def test_a_tree_is_a_tree_of_scikit_learn():
    trees, rows = grown(short("tree", rounds=1, leaves=30))
    theirs = DecisionTreeClassifier(max_leaf_nodes=30, random_state=0).fit(trees.x, trees.y)
    assert np.array_equal(np.sign(trees.test_f), theirs.predict(trees.test_x))
    assert rows[-1]["test_top1"] == pytest.approx(100 * theirs.score(trees.test_x, trees.test_y))
    assert trees.measure("trees") == {"rounds": 1, "leaves": 30, "largest": 30}


def test_a_flat_tree_sends_every_example_where_the_tree_does():
    """A threshold half-way between two neighbours of float32 must not round to the upper one."""
    x = np.array([[16_777_218, 5], [16_777_220, 5], [16_777_220, 6]], np.float32)
    tree = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0).fit(x, [0.0, 4.0, 5.0])
    assert np.float32(tree.tree_.threshold[0]) == x[1, 0]
    assert np.array_equal(predict(flat(tree.tree_, tree.tree_.value[:, 0, 0], 4), x), [0.0, 4.0, 5.0])


def test_shuffled_labels_are_as_many_of_each_and_tell_nothing_of_the_examples():
    plain, shuffled = BoostedTrees(short()), BoostedTrees(short(labels="shuffled"))
    assert plain.y.sum() == shuffled.y.sum()
    assert abs(np.corrcoef(plain.y, shuffled.y)[0, 1]) < 0.1
    assert np.array_equal(plain.test_y, shuffled.test_y) and plain.fingerprints == shuffled.fingerprints


@pytest.mark.parametrize("family", ["adaboost-m1", "gradient-boosting"])
@pytest.mark.parametrize("stop", [1, 4])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(family, stop, tmp_path):
    spec, left = short(family, leaves=4), iter(range(stop))
    store, whole = Store(tmp_path / "a"), Store(tmp_path / "b")
    assert go(spec, store, pause=lambda: next(left, None) is None) == "paused"
    assert store.progress(spec) == pytest.approx(stop / 6)
    assert go(spec, store) == go(spec, whole) == "complete"
    assert store.run(spec).digest == whole.run(spec).digest
    assert [row["round"] for row in store.run(spec).history] == [2, 4, 6]


@pytest.mark.parametrize("spec", [short(), short("tree", rounds=1, leaves=7)], ids=lambda spec: spec.network)
def test_a_run_keeps_the_tensors_that_are_expected_of_it(spec):
    trees, _ = grown(spec)
    assert {name: one.shape for name, one in load(trees.tensors()).items()} == expected(spec)


def test_a_finished_run_measured_again_says_the_same(stored):
    refuse_contradictions({"boosted": (stored,)}, thorough=True)
    assert broken_controls([stored]) == []
    assert remeasure(stored, data_dir=Path(), device="cpu") == []
    assert stored.record["parts"][0]["device_type"] == "cpu"


def forged(stored, tensors):
    (stored.folder / TENSORS).write_bytes(save(tensors))
    Store(stored.folder.parent).finish(stored.spec, stored.record)
    return remeasure(Store(stored.folder.parent).run(stored.spec), data_dir=Path(), device="cpu")


def test_other_trees_than_a_run_grew_are_found_when_it_is_measured_again(stored):
    kept = load((stored.folder / TENSORS).read_bytes())
    told = forged(stored, kept | {"numbers": -kept["numbers"]})
    assert any("top1" in line for line in told) and any("train_loss" in line for line in told)


def test_what_is_no_tree_is_refused(stored):
    kept = load((stored.folder / TENSORS).read_bytes())
    (told,) = forged(stored, kept | {"features": np.zeros_like(kept["features"])})
    assert "holds what is no tree" in told


@pytest.mark.parametrize(
    ("features", "whole"),
    [([-1, -2, -2], True), ([0, -1, -1], True), ([0, -1, -2], False), ([-1, -1, -2], False), ([0, -2, -1], False)],
)
def test_a_tree_is_whole_when_every_branch_ends_and_nothing_follows(features, whole):
    assert is_whole(np.array(features, np.float32)) is whole


def test_examples_of_another_seed_make_what_reads_the_run_invalid(stored):
    record = {**stored.record, "data": named_fingerprints("hastie-10-2", SEED + 1)}
    changed = dataclasses.replace(stored, record=record)
    (first, _) = broken_controls([changed])
    assert "read train examples of fingerprint" in first


def test_trees_grow_on_a_processor_whatever_the_machine_has(tmp_path):
    spec = short("tree", rounds=1)
    run(spec, Store(tmp_path), data_dir=Path(), device="cuda", criteria={}, pause=lambda: False)
    assert Store(tmp_path).run(spec).record["parts"][0]["device_type"] == "cpu"
