"""Distances: what a scale cannot test is kept beside the published value, outside the verdict's row."""

import pytest

from repro.compare import Point, Published
from repro.judging.distances import distances
from repro.judging.judge import judge
from repro.recipes import SCALES, cifar
from repro.runs.store import Store
from tests import made

RULE = Point(margin=2.0, reason="wide")


def runs(scale, seed):
    return {"a": cifar(scale, seed, depth=8)}


def find(evidence):
    reference = Published(value=82.0, replicates=5, reading_error=0.5)
    evidence.find(sample=evidence.accuracy("a", "ResNet-8"), reference=reference)


def found(store, **fields):
    check = made.check_of(runs, find, id="a-number", rule=RULE, looks=dict.fromkeys(SCALES, (3,)), **fields)
    rows = judge([check], store)
    return rows[0], distances([check], rows, store)


UNTESTABLE = {"untestable": dict.fromkeys(SCALES, "a number belongs to its network")}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def filled(store):
    for seed in range(3):
        made.finished(store, runs("smoke", seed)["a"], top1=70.0 + seed)
    return store


def test_the_distance_has_the_value_and_margin_that_the_row_leaves_out(filled):
    row, (one,) = found(filled, **UNTESTABLE)
    assert (row.findings[0].reference, row.findings[0].criterion) == (None, None)
    assert (one.check, one.label, one.unit) == (row.check, "ResNet-8", "%")
    assert (one.published, one.margin, one.estimate) == (82.0, 2.0, 71.0)
    assert one.interval == row.findings[0].interval  # without the published value's error, which `prediction` has
    assert one.interval == pytest.approx((71.0 - 1.6859, 71.0 + 1.6859), abs=1e-3)
    assert one.prediction[0] < 82.0 < one.prediction[1]


def test_a_claim_that_the_scale_tests_has_none(filled):
    assert found(filled)[1] == ()


def test_a_claim_whose_runs_are_missing_has_none(store):
    assert found(store, **UNTESTABLE)[1] == ()
