"""The multiverse: each other analysis of the same runs, and how many agree with the frozen one."""

import json

import pytest

from repro.compare import Exact, Fraction, Ordering, Point, Published
from repro.judging.judge import judge
from repro.judging.multiverse import AS_FROZEN, flips, in_words, multiverse, multiverses, sentence
from repro.judging.verdict import to_json
from repro.recipes import SCALES, cifar
from repro.runs.checkpoint import HISTORY
from repro.runs.store import Store
from tests import made


def published(value):
    return Published(value=value, sd=0.0, replicates=1, reading_error=0.0)


def arms_of(scale, seed):
    return {"a": cifar(scale, seed, depth=8), "b": cifar(scale, seed, depth=14)}


def check_of(rule, find, *, primary=True, testable=True, runs=arms_of, looks=(3,), **more):
    tested = {"testable" if testable else "untestable": dict.fromkeys(SCALES, "as it is")}
    looks = dict.fromkeys(SCALES, looks)
    return made.check_of(runs, find, id="chosen", rule=rule, looks=looks, primary=primary, **tested | more)


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


def words_by(name, found):
    """The word under each choice of one thing, all else as frozen."""
    frozen = found.paths[0].choices
    alone = [path for path in found.paths if {**path.choices, name: frozen[name]} == frozen]
    return {path.choices[name]: path.word for path in alone}


@pytest.mark.parametrize(("ask", "own"), [("accuracy", 60.0), ("best_accuracy", 80.0)])
def test_the_last_and_the_best_evaluation_are_exchanged(tmp_path, ask, own):
    store, runs = Store(tmp_path), []
    for seed in range(3):
        run = made.finished(store, cifar("smoke", seed, depth=8), top1=60.0 + seed / 10)
        first, *later = map(json.dumps, ({**run.history[0], "test_top1": 80.0 + seed / 10}, *run.history[1:]))
        (run.folder / HISTORY).write_text("\n".join([first, *later, ""]))
        store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
        runs.append(store.run(run.spec))

    def find(evidence):
        evidence.find(sample=getattr(evidence, ask)("a"), reference=published(own))

    found = multiverse(check_of(Point(margin=5.0, reason="about"), find, runs=one_arm), {"a": tuple(runs)})
    assert words_by("epoch", found) == {AS_FROZEN: "seen", "exchanged": "not seen"}


@pytest.mark.parametrize(("margin", "channel"), [(0.107, "not seen"), (0.118, "open")])
def test_a_relu_is_a_unit_or_a_whole_channel(runs, margin, channel):
    def find(evidence):
        evidence.find(sample=evidence.dead_relus("a"), reference=published(0.125))

    # The upper bound of no dead channel among 40 is 0.012, by rounding alone; with a step of two channels, 0.024.
    found = multiverse(check_of(Fraction(margin=margin, reason="about"), find, runs=one_arm), {"a": runs["a"]})
    assert words_by("relu", found) == {"unit": "seen", "channel": channel}


def test_samples_of_the_same_runs_are_paired_as_frozen_and_otherwise_compared_by_welch(runs):
    def find(evidence):
        evidence.find(higher=evidence.accuracy("a"), lower=evidence.clamped_accuracy("a", 0.01))

    found = multiverse(check_of(Ordering(gap=0.0, reason="any"), find, runs=one_arm), {"a": runs["a"]})
    assert words_by("test", found) == {AS_FROZEN: "seen", "Welch": "open"}


def test_a_check_that_compares_pairs_and_others_is_made_by_each_test(runs):
    def find(evidence):
        evidence.find(higher=evidence.accuracy("a"), lower=evidence.clamped_accuracy("a", 0.01))
        evidence.find(higher=evidence.accuracy("b"), lower=evidence.accuracy("a"))

    found = multiverse(check_of(Ordering(gap=0.0, reason="any"), find), runs)
    assert words_by("test", found) == {AS_FROZEN: "open", "paired": "seen", "Welch": "open"}


def test_a_comparison_with_a_known_number_has_no_other_test(runs):
    def find(evidence):
        evidence.find(higher=evidence.accuracy("a"), lower=10.0)

    found = multiverse(check_of(Ordering(gap=0.0, reason="any"), find, runs=one_arm), {"a": runs["a"]})
    assert {tuple(path.choices) for path in found.paths} == {("epoch",)}


def test_a_gap_that_the_check_gives_is_halved_and_doubled(runs):
    def find(evidence):
        evidence.find(higher=evidence.accuracy("a"), lower=evidence.clamped_accuracy("a", 0.1), gap=15.0)

    found = multiverse(check_of(Ordering(gap=0.0, reason="the source's own"), find, runs=one_arm), {"a": runs["a"]})
    assert words_by("margin", found) == {1.0: "seen", 0.5: "seen", 2.0: "not seen"}


@pytest.mark.parametrize(("times", "word"), [(1, "not seen"), (2, "open")])
def test_findings_share_the_level_against_their_claim_as_in_the_verdict(tmp_path, times, word):
    store = Store(tmp_path)
    runs = tuple(made.finished(store, cifar("smoke", s, depth=8), top1=83.1 + s / 10) for s in range(3))

    def find(evidence):
        for _ in range(times):
            evidence.find(sample=evidence.accuracy("a"), reference=published(82.0))

    check = check_of(Point(margin=1.0, reason="ruled out with p = 0.037"), find, runs=one_arm)
    assert multiverse(check, {"a": runs}).frozen == judge([check], store)[0].answer == word


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("margin", 0.5, "margin or gap × 0.5"),
        ("margin", 2.0, "margin or gap × 2"),
        ("epoch", "exchanged", "last and best evaluation exchanged"),
        ("threshold", 0.03, "threshold 0.03"),
        ("test", "Welch", "Welch test"),
        ("relu", "channel", "a ReLU is a channel"),
    ],
)
def test_a_choice_is_told_in_words(name, value, words):
    assert in_words(name, value) == words


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


def test_table_has_no_check_that_no_statistics_decide(tmp_path, runs):
    def find(evidence):
        evidence.runs("a"), evidence.runs("b")
        evidence.find(label="known", measured=1, reference=1)

    store, check = Store(tmp_path), check_of(Exact(reason="known"), find, exact=True, testable=False, untestable={})
    rows = judge([check], store)
    assert rows[0].runs
    assert multiverses([check], rows, store) == ()


def test_table_rests_on_the_runs_of_the_look_that_decided(tmp_path):
    store, read = Store(tmp_path), []

    def find(evidence):
        read.append(len(evidence.runs("a")))
        evidence.find(higher=evidence.accuracy("a"), lower=50.0)

    for seed, top1 in enumerate((49.0, 51.0, 53.0, 49.0, 51.0)):
        made.finished(store, cifar("paper", seed, depth=8), top1=top1)
    check = check_of(Ordering(gap=0.0, reason="half is half"), find, runs=one_arm, looks=(3, 5, 8), scale="paper")
    rows = judge([check], store)
    read.clear()
    multiverses([check], rows, store)
    assert set(read) == {5}


def test_the_choice_that_alone_gives_another_word_is_named(runs):
    found = multiverse(check_of(Ordering(gap=0.0, reason="half is half"), ordering), runs)
    assert flips(to_json(found)["paths"], found.frozen) == [("paired test", "seen")]
    assert sentence(found) == (
        "2 of 4 analyses of these runs, including the frozen one, give open. "
        "One choice alone gives another word: paired test: seen."
    )
