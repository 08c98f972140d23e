"""The multiverse: each other analysis of the same runs, and how many agree with the frozen one."""

import pytest

from repro.compare import Fraction, Ordering, Point, Published
from repro.judging.judge import judge
from repro.judging.multiverse import AS_FROZEN, flips, multiverse, multiverses, sentence
from repro.judging.verdict import to_json
from repro.recipes import SCALES, cifar
from repro.runs.store import Store
from tests import made


def published(value):
    return Published(value=value, sd=0.0, replicates=1, reading_error=0.0)


def arms_of(scale, seed):
    return {"a": cifar(scale, seed, depth=8), "b": cifar(scale, seed, depth=14)}


def check_of(rule, find, *, primary=True, testable=True, runs=arms_of):
    tested = {"testable" if testable else "untestable": dict.fromkeys(SCALES, "as it is")}
    looks = dict.fromkeys(SCALES, (3,))
    return made.check_of(runs, find, id="chosen", rule=rule, looks=looks, primary=primary, **tested)


def ordering(evidence):
    evidence.find(higher=evidence.accuracy("b"), lower=evidence.accuracy("a"))


def one_arm(scale, seed):
    return {"a": cifar(scale, seed, depth=8)}


@pytest.fixture
def runs(tmp_path, finished):
    """Three runs of each arm: a at 50, 60, 70 %, b exactly two points above each."""
    store = Store(tmp_path)
    return {
        arm: tuple(
            finished(store, arms_of("smoke", seed)[arm], top1=50.0 + 10 * seed + (2 + seed / 100) * (arm == "b"))
            for seed in range(3)
        )
        for arm in ("a", "b")
    }


def test_pairing_decides_where_seeds_scatter_and_differences_do_not(runs):
    found = multiverse(check_of(Ordering(gap=0.0, reason="half is half"), ordering), runs)
    by_test = {path.choices["test"]: path.word for path in found.paths if path.choices["epoch"] == "as frozen"}
    assert by_test == {AS_FROZEN: "open", "paired": "seen"}
    assert found.share == pytest.approx(1 / 2)


def test_a_gap_of_nothing_is_no_choice(runs):
    found = multiverse(check_of(Ordering(gap=0.0, reason="half is half"), ordering), runs)
    assert {tuple(path.choices) for path in found.paths} == {("epoch", "test")}


def test_a_margin_is_halved_and_doubled(runs):
    def find(evidence):
        evidence.find(sample=evidence.accuracy("a"), reference=published(75.0))

    check = check_of(Point(margin=20.0, reason="wide"), find, runs=one_arm)
    words = {
        path.choices["margin"]: path.word
        for path in multiverse(check, {"a": runs["a"]}).paths
        if path.choices["epoch"] == "as frozen"
    }
    assert words == {1.0: "open", 0.5: "open", 2.0: "seen"}


def test_a_judged_threshold_is_chosen_otherwise_and_a_drawn_one_is_not(tmp_path, finished):
    measured = {"affine": {"count": 200, "thresholds": [0.003, 0.01, 0.03], "share_below": [0.1, 0.3, 0.6]}}
    runs = tuple(finished(Store(tmp_path), cifar("smoke", s, depth=8), measurements=measured) for s in range(3))
    drawn = []

    def find(evidence):
        drawn.append(evidence.small_gamma("a", 0.01).values[0])
        evidence.find(sample=evidence.small_gamma("a", 0.01, "judged"), reference=published(0.3))

    found = multiverse(check_of(Fraction(margin=0.05, reason="about"), find, runs=one_arm), {"a": runs})
    words = {path.choices["threshold"]: path.word for path in found.paths if path.choices["margin"] == 1.0}
    assert words == {AS_FROZEN: "seen", 0.003: "not seen", 0.03: "not seen"}
    assert set(drawn) == {0.3}


def test_table_has_the_primary_checks_that_can_be_judged(tmp_path, runs):
    rule = Ordering(gap=0.0, reason="half is half")
    checks = [
        check_of(rule, ordering),
        check_of(rule, ordering, primary=False),
        check_of(rule, ordering, testable=False),
    ]
    store = Store(tmp_path)
    assert len(multiverses(checks, judge(checks, store), store)) == 1
    empty = Store(tmp_path / "empty")
    assert multiverses(checks, judge(checks, empty), empty) == ()


def test_the_choice_that_alone_gives_another_word_is_named(runs):
    found = multiverse(check_of(Ordering(gap=0.0, reason="half is half"), ordering), runs)
    assert flips(to_json(found)["paths"], found.frozen) == [("paired test", "seen")]
    assert sentence(found) == (
        "2 of 4 analyses of these runs, including the frozen one, give open. "
        "One choice alone gives another word: paired test: seen."
    )
