"""Claims over all their points: the word for a claim, and its corrected p-values."""

import dataclasses
from functools import partial
from pathlib import Path

import pytest

from repro.errors import ClaimError
from repro.judging.claims import claims_table
from repro.judging.evidence import Evidence
from repro.judging.judge import judge, judge_check
from repro.judging.verdict import Verdict
from repro.recipes import cifar
from tests.judging.cases import BARELY, EDGE, FAR, ON, near_82, one_depth, train, value, verdict_of

DEPTHS = (14, 32, 56)


def near(published, evidence):
    evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(published))


@pytest.fixture
def by_depth(store, make):
    """Judges a claim at three depths, given the accuracies at each; None leaves the runs of a depth out."""

    def table_of(*accuracies):
        claim = make(runs=one_depth, grid=tuple({"depth": depth} for depth in DEPTHS))
        checks = [dataclasses.replace(claim, params={"depth": depth}) for depth in DEPTHS]
        for check, values in zip(checks, accuracies, strict=True):
            if values is not None:
                train(store, check, values)
        rows = judge(checks, store)
        (entry,) = claims_table(rows, checks)
        return rows, entry

    return table_of


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ((ON, ON, ON), Verdict.REPRODUCED),
        ((ON, FAR, ON), Verdict.NOT_REPRODUCED),
        ((ON, FAR, EDGE), Verdict.NOT_REPRODUCED),
        ((ON, EDGE, ON), Verdict.INCONCLUSIVE),
        ((ON, None, ON), Verdict.PENDING),
        ((ON, None, FAR), Verdict.PENDING),
    ],
)
def test_claim_over_a_grid_is_judged_as_a_whole_when_its_points_are_there(by_depth, accuracies, verdict):
    assert by_depth(*accuracies)[1].verdict is verdict


@pytest.mark.parametrize("accuracies", [(ON, FAR, EDGE), (FAR, EDGE, ON), (EDGE, ON, FAR), (ON, None, FAR)])
def test_claims_table_does_not_depend_on_the_order_of_points(store, make, by_depth, accuracies):
    rows, entry = by_depth(*accuracies)
    claim = make(runs=one_depth, grid=tuple({"depth": depth} for depth in DEPTHS))
    checks = [dataclasses.replace(claim, params={"depth": depth}) for depth in DEPTHS]
    (backwards,) = claims_table(rows[::-1], checks)
    assert dataclasses.replace(backwards, points={}) == dataclasses.replace(entry, points={})
    assert backwards.points == entry.points


def test_claim_says_without_which_point_it_would_be_another(by_depth):
    assert by_depth(ON, FAR, ON)[1].would_change == "It would be REPRODUCED without the point [depth=32]."


def test_claim_that_no_point_decides_says_so(by_depth):
    assert by_depth(ON, ON, ON)[1].would_change == "No single one of the 3 points decides it."


@pytest.mark.parametrize("accuracies", [(ON, None, FAR), (FAR, ON, None)])
def test_claim_with_a_point_whose_runs_are_missing_names_no_point_that_decides_it(by_depth, accuracies):
    assert by_depth(*accuracies)[1].would_change == ""


def test_claim_has_the_points_and_each_network_that_it_has_at_the_papers_scale(store, make):
    def runs(scale, seed, depth):
        depths = (depth, 110) if scale == "paper" else (8,)
        return {str(one): cifar(scale, seed, depth=one) for one in depths}

    check = make(runs=runs, grid=({"depth": 14}, {"depth": 32}), scale="smoke")
    (entry,) = claims_table(judge([check], store), [check])
    assert entry.paper_points == ({"depth": 14}, {"depth": 32})
    assert entry.paper_networks == ("resnet-14", "resnet-110", "resnet-32")


@pytest.mark.parametrize("accuracies", [ON, FAR, EDGE], ids=["on", "far", "edge"])
def test_a_claim_waits_for_points_that_were_not_selected(store, make, accuracies):
    claim = make(runs=one_depth, grid=tuple({"depth": depth} for depth in DEPTHS))
    check = dataclasses.replace(claim, params={"depth": 14})
    train(store, check, accuracies)
    rows = judge([check], store)
    (entry,) = claims_table(rows, [check])
    assert rows[0].verdict is not Verdict.PENDING
    assert (entry.verdict, entry.unselected, entry.would_change) == (Verdict.PENDING, 2, "")


def test_points_of_a_claim_are_judged_as_their_runs_arrive(by_depth):
    rows, _ = by_depth(ON, None, FAR)
    assert [row.verdict for row in rows] == [Verdict.REPRODUCED, Verdict.PENDING, Verdict.NOT_REPRODUCED]


def test_points_of_a_claim_are_counted(by_depth):
    _, entry = by_depth(ON, None, FAR)
    assert entry.points == {"REPRODUCED": 1, "PENDING": 1, "NOT_REPRODUCED": 1}


def test_p_value_for_a_claim_is_the_largest_of_its_points(by_depth):
    rows, entry = by_depth(ON, EDGE, ON)
    assert entry.p_for == max(row.p_for for row in rows)


def test_p_value_against_a_claim_is_corrected_for_its_points_and_looks(by_depth):
    rows, entry = by_depth(ON, FAR, EDGE)
    assert entry.p_against == pytest.approx(3 * 3 * min(row.p_against for row in rows))


def test_claim_that_is_not_primary_has_no_holm_correction(by_depth):
    assert by_depth(FAR, FAR, FAR)[1].p_against_holm is None


def test_point_stops_against_its_claim_only_at_the_level_at_which_the_claim_falls(store, by_depth, make):
    alone = make(runs=one_depth, params={"depth": 32}, grid=({"depth": 32},))
    train(store, alone, BARELY)
    assert judge_check(alone, store, {}).verdict is Verdict.NOT_REPRODUCED
    rows, entry = by_depth(ON, None, ON)  # the same runs as one of three points
    assert (rows[1].verdict, rows[1].next_look) == (Verdict.INCONCLUSIVE, 5)
    assert entry.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("mean", [82.9 + step / 20 for step in range(30)])
@pytest.mark.parametrize(("primary", "primaries"), [(False, 7), (True, 7)])
def test_row_claim_and_corrected_p_never_contradict_each_other(store, make, mean, primary, primaries):
    grid = ({"depth": 14}, {"depth": 32})
    claim = make(runs=one_depth, grid=grid, primary=primary, primaries=primaries)
    checks = [dataclasses.replace(claim, params=point) for point in grid]
    train(store, checks[0], (mean - 0.1, mean, mean + 0.1))
    train(store, checks[1], ON)
    rows = judge(checks, store)
    (entry,) = claims_table(rows, checks)
    corrected = entry.p_against_holm if primary else entry.p_against
    assert (rows[0].verdict is Verdict.NOT_REPRODUCED) == (rows[0].p_against_corrected < 0.05)
    assert (entry.verdict is Verdict.NOT_REPRODUCED) == (rows[0].verdict is Verdict.NOT_REPRODUCED)
    assert entry.verdict is not Verdict.NOT_REPRODUCED or corrected < 0.05


def test_check_with_two_findings_holds_each_to_half_the_level(store, make):
    def twice(evidence):
        near_82(evidence)
        near_82(evidence)

    assert verdict_of(store, make(), BARELY).verdict is Verdict.NOT_REPRODUCED
    row = judge_check(make(twice), store, {})
    assert (row.verdict, row.p_against_corrected < 0.05) == (Verdict.INCONCLUSIVE, False)


@pytest.fixture
def four_claims(store, make):
    """Makes the table of two primary claims that are ruled out and one that is not primary, or of some of them."""
    means = {"strong": 70.0, "weak": 83.5, "side": 60.0}
    checks = {}
    for depth, (name, mean) in zip(DEPTHS, means.items(), strict=True):

        def runs(scale, seed, depth=depth):
            return one_depth(scale, seed, depth)

        checks[name] = make(runs=runs, name=name, primary=name != "side", primaries=5)
        train(store, checks[name], (mean - 0.1, mean, mean + 0.1))

    def table(*names):
        chosen = [checks[name] for name in names]
        return {entry.claim: entry for entry in claims_table(judge(chosen, store), chosen)}

    return table


def test_holm_corrects_over_the_catalogue_with_those_not_judged_as_one(four_claims):
    table = four_claims("strong", "weak", "side")
    strong, weak = table["strong"], table["weak"]
    assert strong.p_against < weak.p_against < 0.5
    assert strong.p_against_holm == pytest.approx(5 * strong.p_against)
    assert weak.p_against_holm == pytest.approx(max(4 * weak.p_against, 5 * strong.p_against))
    assert table["side"].p_against_holm is None


def test_no_verdict_depends_on_what_else_was_selected(four_claims):
    table = four_claims("strong", "weak", "side")
    for name, entry in table.items():
        assert four_claims(name)[name].verdict is entry.verdict


@pytest.mark.parametrize("primaries", [(1, 3), (3, 1), (1, 1)], ids=str)
def test_holm_corrects_over_no_fewer_than_were_judged_or_are_counted(store, make, primaries):
    checks = []
    for depth, name, mean, count in zip(DEPTHS, ("one", "two"), (70.0, 83.5), primaries, strict=False):
        checks.append(make(runs=partial(one_depth, depth=depth), name=name, primary=True, primaries=count))
        train(store, checks[-1], (mean - 0.1, mean, mean + 0.1))
    first, _ = claims_table(judge(checks, store), checks)
    assert first.p_against_holm == pytest.approx(max(2, *primaries) * first.p_against)


def test_holm_corrects_over_each_catalogue_by_itself(store, make):
    checks = []
    for depth, (name, mean, primaries) in zip(DEPTHS, (("one", 70.0, 2), ("two", 83.5, 3)), strict=False):
        made = make(runs=partial(one_depth, depth=depth), name=name, primary=True, primaries=primaries)
        checks.append(dataclasses.replace(made, catalogue=Path(name) / "catalogue.toml"))
        train(store, checks[-1], (mean - 0.1, mean, mean + 0.1))
    for entry, count in zip(claims_table(judge(checks, store), checks), (2, 3), strict=True):
        assert entry.p_against_holm == pytest.approx(count * entry.p_against)


def test_claim_that_repeats_another_is_counted_once(store, make):
    checks = [
        make(name="first", primary=True, primaries=1),
        make(name="again", primary=True, primaries=1, same_as="first"),
    ]
    train(store, checks[0], FAR)
    first, again = claims_table(judge(checks, store), checks)
    assert first.p_against_holm == again.p_against_holm == pytest.approx(first.p_against)
    assert again.same_as == "first"


def test_one_blocked_point_blocks_the_whole_claim(store, make):
    claim = make(runs=one_depth, grid=tuple({"depth": depth} for depth in DEPTHS))
    checks = [dataclasses.replace(claim, params={"depth": depth}) for depth in DEPTHS]
    train(store, checks[0], FAR)
    spec = checks[1].arms(1)["batchnorm"][0]
    store.begin(spec)
    store.fail(spec, "OSError: disk full", "Traceback …")
    (entry,) = claims_table(judge(checks, store), checks)
    assert entry.verdict is Verdict.BLOCKED


@pytest.mark.parametrize("second", [82.0, 83.0])
def test_a_claim_counted_once_with_another_is_held_against_the_same_published_value(store, make, second):
    checks = [make(), make(partial(near, second), name="again", same_as="a-claim")]
    train(store, checks[0], ON)
    rows = judge(checks, store)
    if second == 82.0:
        assert [entry.verdict for entry in claims_table(rows, checks)] == [Verdict.REPRODUCED] * 2
    else:
        with pytest.raises(ClaimError, match=r"again is declared the same as a-claim, but is held against \[83.0\]"):
            claims_table(rows, checks)


@pytest.mark.parametrize(
    ("ask", "unit"), [(Evidence.accuracy, "%"), (partial(Evidence.small_gamma, threshold=0.01), "share")]
)
def test_the_unit_of_what_a_claim_compares_is_known_before_its_first_run(store, make, ask, unit):
    check = make(lambda evidence: evidence.find(sample=ask(evidence, "batchnorm"), reference=value(48.3)))
    (entry,) = claims_table(judge([check], store), [check])
    assert (entry.verdict, entry.unit) == (Verdict.PENDING, unit)
