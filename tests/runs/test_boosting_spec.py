"""BoostingSpec: what it refuses, and what it says of itself."""

import dataclasses

import pytest

from repro.errors import SpecError
from repro.planning.cost import Known, estimator
from repro.planning.device import ASSUMED
from repro.recipes import SCALES, boosting
from repro.runs.spec_json import read_spec

FAMILIES = ("tree", "adaboost-m1", "real-adaboost", "gradient-boosting")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", SCALES)
def test_a_spec_is_read_back_as_it_was_written(family, scale):
    spec = boosting(scale, 3, family, leaves=5)
    assert read_spec(spec.to_json(), "here") == spec


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rounds": 15}, "the one must divide the other"),
        ({"family": "tree"}, "a 'tree' has one round"),
        ({"shrinkage": 0.5}, "1.0 for any other"),
        ({"family": "gradient-boosting", "shrinkage": 0.0}, r"in \(0, 1\]"),
        ({"leaves": 1}, "at least 2"),
        ({"dataset": "mnist1d"}, "allowed: hastie-10-2"),
    ],
)
def test_what_no_run_can_be_is_refused(changes, words):
    with pytest.raises(SpecError, match=words):
        dataclasses.replace(boosting("paper", 0, "adaboost-m1"), **changes)


def test_a_run_is_counted_in_rounds_and_examples():
    spec = boosting("paper", 1, "adaboost-m1")
    assert (spec.rows, spec.row_steps, spec.examples) == (40, 10, 800_000)
    assert spec.name == "adaboost-m1-2 400 rounds seed 1 (hastie-10-2)"
    assert boosting("paper", 1, "tree", leaves=244).name == "tree-244 seed 1 (hastie-10-2)"
    assert spec.with_rows(3).rounds == 30


def test_larger_trees_cost_more_and_a_measured_run_counts():
    of_stumps, of_trees = (boosting("paper", 0, "gradient-boosting", leaves=leaves) for leaves in (2, 10))
    guess = estimator([], ASSUMED["cpu"])
    assert guess(of_trees).seconds > guess(of_stumps).seconds > 0
    known = estimator([Known(spec=of_stumps, seconds=7.0, device_type="cpu")], ASSUMED["cpu"])
    assert (known(of_stumps).seconds, known(of_stumps).basis) == (7.0, "measured")
