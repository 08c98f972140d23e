"""The multiverse of a finding: every path, the frozen one first, and the share that agrees with it."""

import pytest

from repro.compare import FractionBound, NoChange, Ordering, Outcome, Point, Trend, multiverse
from repro.errors import ClaimError
from tests.compare.made import ONE_LOOK, REASON, around, digitised, known, rising_by, sample


def choices(found):
    return [tuple(path.choices.values()) for path in found.paths]


def test_point_is_judged_at_three_margins_with_and_without_the_references_error():
    rule = Point(margin=2.0, reason=REASON)
    found = multiverse(rule, {"final": {"sample": around(82.0), "reference": digitised(82.0)}}, ONE_LOOK)
    assert choices(found)[0] == ("final", "margin as frozen", "reference with its error")
    assert len(set(choices(found))) == 6
    assert found.share == 1.0


def test_frozen_path_is_the_rule_itself():
    rule = Point(margin=1.0, reason=REASON)
    quantities = {"sample": around(83.0), "reference": digitised(82.0)}
    found = multiverse(rule, {"final": quantities}, ONE_LOOK)
    assert found.paths[0].outcome is rule.compare(levels=ONE_LOOK, **quantities).outcome


def test_share_counts_the_paths_that_agree_with_the_frozen_one():
    rule = Point(margin=1.0, reason=REASON)
    found = multiverse(rule, {"final": {"sample": around(83.5), "reference": known(82.0)}}, ONE_LOOK)
    outcomes = [path.outcome for path in found.paths]
    assert outcomes == [Outcome.RULED_OUT, Outcome.RULED_OUT, Outcome.ESTABLISHED]  # ± 1, ± 0.5, ± 2
    assert found.share == pytest.approx(2 / 3)


@pytest.mark.parametrize("shared", [True, False])
def test_ordering_is_judged_paired_and_by_welch_the_frozen_test_first(shared):
    one = sample((70.4, 75.5, 80.6), runs=("a", "b", "c"))
    two = sample((70.0, 75.0, 80.0), runs=("a", "b", "c") if shared else ("d", "e", "f"))
    found = multiverse(Ordering(gap=0.1, reason=REASON), {"final": {"higher": one, "lower": two}}, ONE_LOOK)
    assert found.paths[0].choices["test"] == ("paired" if shared else "Welch")
    by_test = {path.choices["test"]: path.outcome for path in found.paths[:2]}
    assert by_test == {"paired": Outcome.ESTABLISHED, "Welch": Outcome.UNDECIDED}


def test_gap_of_nothing_cannot_be_halved():
    found = multiverse(Ordering(gap=0.0, reason=REASON), {"final": {"higher": around(41), "lower": 10.0}}, ONE_LOOK)
    assert choices(found) == [("final", "gap as frozen", "as frozen")]


def test_limit_stays_a_share():
    shares = sample((0.90, 0.91, 0.92), unit="share")
    found = multiverse(FractionBound(limit=0.6, side="at most", reason=REASON), {"x": {"sample": shares}}, ONE_LOOK)
    assert [size for _, size, _ in choices(found)] == ["limit as frozen", "limit × ½"]


def test_ways_to_measure_are_crossed_with_the_rest():
    ways = {way: {"before": around(70), "after": around(mean)} for way, mean in (("final", 70.1), ("best", 73.0))}
    found = multiverse(NoChange(margin=1.0, reason=REASON), ways, ONE_LOOK)
    assert [path.choices["measured"] for path in found.paths] == ["final"] * 3 + ["best"] * 3
    assert found.share == pytest.approx(0.5)


def test_trend_is_judged_at_three_margins():
    found = multiverse(Trend(margin=1.0, reason=REASON), {"final": {"samples": rising_by(50, 60, 70)}}, ONE_LOOK)
    assert len(found.paths) == 3


def test_multiverse_of_nothing_is_refused():
    with pytest.raises(ClaimError, match="at least one way"):
        multiverse(Point(margin=1.0, reason=REASON), {}, ONE_LOOK)
