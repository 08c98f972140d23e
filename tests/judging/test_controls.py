"""Controls: a claim is only as good as those that it depends on."""

import dataclasses

import pytest

from repro.claim import ONE_LOOK, PRECISION
from repro.judging.judge import judge
from repro.judging.verdict import Answer, Verdict
from repro.recipes import cifar
from tests.judging.cases import (
    BARELY,
    EDGE,
    EXACT,
    FAR,
    ON,
    ORDERING,
    above_output,
    fails_without_runs,
    in_bfloat16,
    is_equal,
    is_not_equal,
    near_82,
    one_depth,
    passes_without_runs,
    train,
    two_arms,
    value,
)


def test_claim_with_a_failed_control_is_invalid(store, make, make_control):
    check = make(depends_on=("control-one",))
    train(store, check, ON)
    (row,) = judge([check], store, controls=[make_control(fails_without_runs)])
    assert (row.verdict, row.answer) == (Verdict.INVALID, Answer.NONE)
    assert "control-one" in row.why


def test_claim_with_a_control_that_fails_at_a_small_scale_is_invalid(store, make):
    control = make(is_not_equal, rule=EXACT, name="control-one", looks=ONE_LOOK, scale="smoke")
    check = make(depends_on=("control-one",), scale="smoke")
    train(store, check, ON)
    (row,) = judge([check], store, controls=[control])
    assert row.verdict is Verdict.INVALID


def test_one_failed_point_of_a_control_is_enough(store, make):
    check = make(depends_on=("control-one",))
    train(store, check, ON)

    def fails_at_2(evidence, point):
        evidence.find(label="known", measured=point, reference=1)

    control = make(
        fails_at_2, rule=EXACT, runs=lambda scale, seed, point: {}, name="control-one", looks=ONE_LOOK, exact=True,
        grid=({"point": 1}, {"point": 2}),
    )  # fmt: skip
    points = [dataclasses.replace(control, params={"point": point}) for point in (1, 2)]
    (row,) = judge([check], store, controls=points)
    assert row.verdict is Verdict.INVALID


def test_failed_control_that_a_claim_does_not_depend_on_has_no_effect(store, make, make_control):
    check = make(depends_on=("control-one",))
    train(store, check, ON)
    controls = [make_control(), make_control(fails_without_runs, name="control-two")]
    assert judge([check], store, controls=controls)[0].verdict is Verdict.REPRODUCED


def test_claim_whose_control_holds_says_so(store, make, make_control):
    check = make(depends_on=("control-one",))
    train(store, check, ON)
    (row,) = judge([check], store, controls=[make_control()])
    assert (row.verdict, row.controls, row.deviations) == (Verdict.REPRODUCED, {"control-one": "holds"}, ())
    assert row.marks == ()


def test_control_that_is_pending_is_a_deviation(store, make):
    control = make(is_equal, rule=EXACT, name="control-one", runs=two_arms, looks=ONE_LOOK)
    check = make(depends_on=("control-one",))
    train(store, check, ON)
    (row,) = judge([check], store, controls=[control])
    assert row.deviations == ("control one: pending",)
    assert row.marks == ("provisional",)


def test_control_that_was_not_collected_is_a_deviation(store, make):
    check = make(depends_on=("control-one",))
    train(store, check, ON)
    assert judge([check], store)[0].deviations == ("control one: not collected",)


def test_verdict_that_says_nothing_yet_is_not_called_provisional(store, make):
    row = judge([make(depends_on=("control-one",))], store)[0]
    assert (row.verdict, row.marks, row.deviations) == (Verdict.PENDING, (), ())


def test_control_that_is_open_leaves_the_verdict_provisional(store, make):
    control = make(name="control-one", scale="smoke")
    check = make(above_output, rule=ORDERING, runs=two_arms, depends_on=("control-one",), scale="smoke")
    train(store, check, (39.9, 40.0, 40.1), arm="output")
    train(store, check, EDGE)  # the control's only arm is the same run
    (row,) = judge([check], store, controls=[control])
    assert (row.answer, row.controls, row.marks[0]) == (Answer.SEEN, {"control-one": "open"}, "provisional")


def test_control_fails_only_at_its_own_corrected_level(store, make):
    """One of twelve points is ruled out at 5 %, as happens to every second grid of twelve that is right."""
    grid = tuple({"depth": 8 + 6 * step} for step in range(12))
    control = make(runs=one_depth, name="control-one", scale="smoke", grid=grid)
    check = make(depends_on=("control-one",), scale="smoke")
    points = [dataclasses.replace(control, params=point) for point in grid]
    for point in points:
        train(store, point, BARELY if point.params["depth"] == 20 else ON)
    train(store, check, ON)
    (row,) = judge([check], store, controls=points)
    assert row.controls == {"control-one": "open"} and row.answer is Answer.SEEN


@pytest.mark.parametrize(
    ("trained", "state"),
    [
        ((14,), "holds"),
        ((32,), "failed"),
        ((14, 32), "failed"),
        ((56,), "no point for resnet-56"),
        ((14, 56), "no point for resnet-56"),
    ],
)
def test_claim_depends_on_the_controls_of_its_own_networks(store, make, trained, state):
    def runs(scale, seed):
        return {str(depth): cifar(scale, seed, depth=depth, trained="output") for depth in trained}

    def reads_all(evidence):
        for depth in trained:
            evidence.find(sample=evidence.accuracy(str(depth)), reference=value(82.0))

    grid = ({"depth": 14}, {"depth": 32})
    control = make(runs=one_depth, name="control-one", scale="smoke", grid=grid, per_network=True)
    points = [dataclasses.replace(control, params=point) for point in grid]
    for point, values in zip(points, (ON, FAR), strict=True):
        train(store, point, values)
    check = make(reads_all, runs=runs, depends_on=("control-one",), scale="smoke")
    for depth in trained:
        train(store, check, ON, arm=str(depth))
    (row,) = judge([check], store, controls=points)
    assert row.controls == {"control-one": state}
    assert (row.verdict is Verdict.INVALID) == (state == "failed")


def test_controls_are_judged_first_and_once(store, make, make_control):
    order = []

    def control_notes(evidence):
        order.append("control")
        passes_without_runs(evidence)

    def claim_notes(evidence):
        order.append("claim")
        near_82(evidence)

    checks = [make(claim_notes, name=name, depends_on=("control-one",)) for name in ("first", "second")]
    for check in checks:
        train(store, check, ON)
    control = make_control(control_notes)
    judge([*checks, control], store, controls=[control])
    assert order[0] == "control" and order.count("control") == 1


PRECISIONS = {
    "holds": (passes_without_runs, Verdict.REPRODUCED, "82"),
    "failed": (fails_without_runs, Verdict.INVALID, "The control control-precision failed."),
    "pending": (near_82, Verdict.PENDING, "in bfloat16, but control-precision is pending: it must hold first."),
}


@pytest.mark.parametrize("state", PRECISIONS)
def test_a_verdict_in_lower_precision_waits_until_its_control_holds(store, make, make_control, state):
    function, verdict, words = PRECISIONS[state]
    check = make(runs=in_bfloat16, depends_on=(PRECISION,))
    train(store, check, ON)
    control = make(name=PRECISION) if state == "pending" else make_control(function, name=PRECISION)
    (row,) = judge([check], store, controls=[control])
    assert (row.verdict, row.controls) == (verdict, {PRECISION: state})
    assert words in row.why
    assert ("precision: bfloat16" in row.deviations) == (verdict is not Verdict.PENDING)


def test_a_verdict_in_lower_precision_whose_control_nobody_asked_for_is_withheld(store, make):
    check = make(runs=in_bfloat16)
    train(store, check, ON)
    (row,) = judge([check], store)
    assert (row.verdict, row.runs) == (Verdict.PENDING, ())
    assert "control-precision is not asked for" in row.why


@pytest.mark.parametrize(("precisions", "words"), [(("tf32",), "tf32"), (("bfloat16", "tf32"), "bfloat16 and tf32")])
def test_a_precision_that_no_control_compares_stands_in_no_verdict(store, make, make_control, precisions, words):
    def runs(scale, seed):
        return {word: dataclasses.replace(cifar(scale, seed, depth=14), precision=word) for word in precisions}

    def reads_all(evidence):
        for word in precisions:
            evidence.find(sample=evidence.accuracy(word), reference=value(82.0))

    check = make(reads_all, runs=runs, depends_on=(PRECISION,))
    for word in precisions:
        train(store, check, ON, arm=word)
    (row,) = judge([check], store, controls=[make_control(passes_without_runs, name=PRECISION)])
    said = f"in {words}, but control-precision compares only bfloat16" in row.why
    assert (row.verdict, said) == (Verdict.PENDING, True)


def test_the_control_of_precision_judges_runs_in_lower_precision(store, make):
    check = make(runs=in_bfloat16, name=PRECISION)
    train(store, check, ON)
    assert judge([check], store)[0].verdict is Verdict.REPRODUCED
