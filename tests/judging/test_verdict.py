"""Verdicts: what is said of a claim, given runs on disk whose accuracies are known."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from repro.claim import JUDGING_CODE, LOOKS, ONE_LOOK, Check, Claim, Source
from repro.compare import Exact, Levels, Measure, Ordering, Outcome, Point, Printed, Published
from repro.errors import ClaimError, ReproError
from repro.judging.claims import claims_table
from repro.judging.judge import judge, judge_check, requested_seeds
from repro.judging.verdict import Answer, Verdict, to_json
from repro.provenance import PACKAGE
from repro.recipes import SCALES, cifar
from repro.runs.lease import Lease
from repro.runs.store import TENSORS, Store
from tests.made import finished

REASON = "a reason"
POINT = Point(margin=1.0, reason=REASON)
ORDERING = Ordering(gap=2.0, reason=REASON)
EXACT = Exact(reason=REASON)
ON, FAR, EDGE = (81.9, 82.0, 82.1), (69.9, 70.0, 70.1), (82.9, 83.0, 83.1)  # of 82 ± 1
BARELY = (83.23, 83.33, 83.43)  # ruled out with p = 0.015, which one look of three allows and two of them do not
FOUR_WORDS = {Verdict.REPRODUCED, Verdict.PARTIAL, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE}


def value(number):
    """A published value that is known without error, so that the edges lie where the margin says."""
    return Published(value=number, sd=0.0, replicates=5, reading_error=0.0)


def one_arm(scale, seed, **params):
    return {"batchnorm": cifar(scale, seed, depth=14)}


def one_depth(scale, seed, depth):
    return {"batchnorm": cifar(scale, seed, depth=depth)}


def two_arms(scale, seed):
    return {"batchnorm": cifar(scale, seed, depth=14), "output": cifar(scale, seed, depth=14, trained="output")}


def in_bfloat16(scale, seed):
    return {"batchnorm": dataclasses.replace(cifar(scale, seed, depth=14), precision="bfloat16")}


def no_runs(scale, seed):
    return {}


def near_82(evidence, **params):
    evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(82.0))


def above_output(evidence):
    evidence.find(higher=evidence.accuracy("batchnorm"), lower=evidence.accuracy("output"))


def only_measured(evidence):
    evidence.find(sample=evidence.accuracy("batchnorm"))


def is_equal(evidence):
    evidence.runs("batchnorm")
    evidence.find(label="count", measured=1, reference=1)


def is_not_equal(evidence):
    evidence.runs("batchnorm")
    evidence.find(label="count", measured=1, reference=2)


def passes_without_runs(evidence):
    evidence.find(label="known", measured=1, reference=1)


def fails_without_runs(evidence):
    evidence.find(label="known", measured=1, reference=2)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def claim_file(tmp_path):
    folder = tmp_path / "claims" / "paper"
    folder.mkdir(parents=True)
    path = folder / "a_claim.py"
    path.write_text('"""A claim file."""\n')
    return path


@pytest.fixture
def make(claim_file):
    """Makes a check; fields of its claim by name."""

    def check(
        function=near_82,
        *,
        rule=POINT,
        runs=one_arm,
        name="a-claim",
        scale="paper",
        params=None,
        dataset=None,
        depends_on=(),
        looks=LOOKS,
        primary=False,
        exact=False,
        grid=({},),
        untestable=(),
        primaries=1,
        **more,
    ):
        claim = Claim(
            id=name,
            sentence="BatchNorm alone reaches 82 %.",
            source=Source(work="paper", place="Figure 1", tag="P", reference="82 %"),
            rule=rule,
            grid=dict.fromkeys(SCALES, grid),
            runs=runs,
            depends_on=depends_on,
            testable={} if exact else {scale: REASON for scale in SCALES if scale not in untestable},
            untestable=dict.fromkeys(untestable, REASON),
            looks=looks,
            primary=primary,
            exact=exact,
            **more,
        )
        return Check(
            claim=claim,
            scale=scale,
            params=params or grid[0],
            file=claim_file,
            function=function,
            dataset=dataset,
            primaries=primaries,
        )

    return check


@pytest.fixture
def make_control(make):
    """Makes a control that needs no runs."""

    def control(function=passes_without_runs, *, name="control-one", **fields):
        return make(function, rule=EXACT, runs=no_runs, name=name, looks=ONE_LOOK, exact=True, **fields)

    return control


def store_run(store: Store, spec, top1, **fields):
    """A complete run with a known accuracy on all its test images."""
    return finished(store, spec, top1=top1, **fields)


def train(store, check, values, *, arm="batchnorm", **record):
    """One complete run a seed, trained after the check's rule was written."""
    record = {"criteria": {f"{check.scale}:{check.id}": check.criterion_sha256}, **record}
    for spec, top1 in zip(check.arms(len(values))[arm], values, strict=True):
        store_run(store, spec, top1, **record)


def verdict_of(store, check, values, **record):
    train(store, check, values, **record)
    return judge_check(check, store, {})


# Every word


@pytest.mark.parametrize(
    ("values", "verdict"),
    [(ON, Verdict.REPRODUCED), (FAR, Verdict.NOT_REPRODUCED), (EDGE, Verdict.INCONCLUSIVE)],
)
def test_point_claim_is_judged_by_its_runs(store, make, values, verdict):
    row = verdict_of(store, make(), values)
    assert (row.verdict, row.answer) == (verdict, Answer.NONE)


@pytest.mark.parametrize(
    ("higher", "verdict"),
    [(60.0, Verdict.REPRODUCED), (41.0, Verdict.PARTIAL), (42.0, Verdict.INCONCLUSIVE), (40.0, Verdict.NOT_REPRODUCED)],
)
def test_ordering_claim_is_judged_by_both_arms(store, make, higher, verdict):
    check = make(above_output, rule=ORDERING, runs=two_arms)
    train(store, check, (39.9, 40.0, 40.1), arm="output")
    assert verdict_of(store, check, (higher - 0.1, higher, higher + 0.1)).verdict is verdict


@pytest.mark.parametrize("scale", SCALES)
def test_measure_is_measured(store, make, scale):
    row = verdict_of(store, make(only_measured, rule=Measure(reason=REASON), scale=scale), ON)
    assert (row.verdict, row.answer) == (Verdict.MEASURED, Answer.NONE)


def test_truncated_number_is_the_papers_error(store, make):
    def truncated(evidence):
        evidence.runs("batchnorm")
        evidence.find(label="BatchNorm", measured=1129, printed="1.12K")

    check = make(truncated, rule=Printed(reason=REASON), looks=ONE_LOOK, exact=True)
    assert verdict_of(store, check, (82.0,)).verdict is Verdict.PAPER_ERROR


def test_one_finding_ruled_out_rules_the_claim_out(store, make):
    def one_of_two(evidence):
        near_82(evidence)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(70.0))

    row = verdict_of(store, make(one_of_two), ON)
    assert [finding.outcome for finding in row.findings] == [Outcome.ESTABLISHED, Outcome.RULED_OUT]
    assert row.verdict is Verdict.NOT_REPRODUCED


def test_one_finding_undecided_leaves_the_claim_inconclusive(store, make):
    def one_of_two(evidence):
        near_82(evidence)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(81.0))

    assert verdict_of(store, make(one_of_two), ON).verdict is Verdict.INCONCLUSIVE


def test_claim_without_runs_is_judged_by_its_findings(store, make_control):
    row = judge_check(make_control(), store, {})
    assert (row.verdict, row.runs, row.missing) == (Verdict.REPRODUCED, (), ())


# Runs that are not there


def test_claim_without_any_run_is_pending(store, make):
    row = judge_check(make(), store, {})
    assert (row.verdict, row.answer) == (Verdict.PENDING, Answer.NONE)


def test_pending_claim_names_the_runs_that_are_missing(store, make):
    check = make()
    train(store, check, ON[:2])
    row = judge_check(check, store, {})
    (absent,) = check.arms(3)["batchnorm"][2:]
    assert row.verdict is Verdict.PENDING
    assert [run.key for run in row.missing] == [absent.key]
    assert absent.name in row.why


def test_run_being_trained_is_pending(store, make):
    check = make()
    train(store, check, ON[:2])
    lease = Lease.take(store.begin(check.arms(3)["batchnorm"][2]))
    row = judge_check(check, store, {})
    lease.release()
    assert row.verdict is Verdict.PENDING
    assert [run.condition for run in row.missing] == ["training"]


@pytest.fixture
def crashed(store, make):
    """A check whose third run crashed."""
    check = make()
    train(store, check, ON[:2])
    spec = check.arms(3)["batchnorm"][2]
    store.begin(spec)
    store.fail(spec, "RuntimeError: CUDA out of memory", "Traceback …")
    return check


def test_crashed_run_blocks_its_claim(store, crashed):
    row = judge_check(crashed, store, {})
    assert (row.verdict, row.answer) == (Verdict.BLOCKED, Answer.NONE)


def test_blocked_claim_says_which_run_crashed_and_how(store, crashed):
    why = judge_check(crashed, store, {}).why
    assert crashed.arms(3)["batchnorm"][2].name in why
    assert "RuntimeError: CUDA out of memory" in why


def test_crashed_run_that_was_run_again_no_longer_blocks(store, crashed):
    train(store, crashed, ON)
    assert judge_check(crashed, store, {}).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize("name", ["measurements/accuracy.json", "spec.json"])
def test_changed_file_that_is_read_blocks_its_claim(store, make, name):
    check = make()
    train(store, check, ON)
    path = store.folder(check.arms(3)["batchnorm"][1]) / name
    path.write_bytes(path.read_bytes() + b" ")
    row = judge_check(check, store, {})
    assert row.verdict is Verdict.BLOCKED
    assert str(path) in row.why


def test_deleted_measurement_blocks_its_claim(store, make):
    check = make()
    train(store, check, ON)
    (store.folder(check.arms(3)["batchnorm"][1]) / "measurements/accuracy.json").unlink()
    assert judge_check(check, store, {}).verdict is Verdict.BLOCKED


@pytest.mark.parametrize("name", [TENSORS])
@pytest.mark.parametrize(("thorough", "verdict"), [(False, Verdict.REPRODUCED), (True, Verdict.BLOCKED)])
def test_changed_file_that_nothing_reads_is_found_only_by_a_thorough_judge(store, make, name, thorough, verdict):
    check = make()
    train(store, check, ON)
    (store.folder(check.arms(3)["batchnorm"][1]) / name).write_bytes(b"changed")
    (row,) = judge([check], store, thorough=thorough)
    assert row.verdict is verdict


def test_blocked_claim_has_no_findings(store, make):
    check = make()
    train(store, check, ON)
    (store.folder(check.arms(3)["batchnorm"][2]) / "measurements/accuracy.json").write_text("{}")
    assert judge_check(check, store, {}).findings == ()


# Scales


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
@pytest.mark.parametrize(
    ("values", "answer"), [(ON, Answer.SEEN), (FAR, Answer.NOT_SEEN), (EDGE, Answer.OPEN)], ids=["on", "far", "edge"]
)
def test_small_scale_says_only_what_was_seen_there(store, make, scale, values, answer):
    row = verdict_of(store, make(scale=scale), values)
    assert (row.verdict, row.answer) == (Verdict[scale.upper()], answer)


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_partial_at_a_small_scale_is_not_called_so(store, make, scale):
    check = make(above_output, rule=ORDERING, runs=two_arms, scale=scale)
    train(store, check, (39.9, 40.0, 40.1), arm="output")
    assert verdict_of(store, check, (40.9, 41.0, 41.1)).verdict not in FOUR_WORDS


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("function", "verdict"), [(is_equal, Verdict.REPRODUCED), (is_not_equal, Verdict.NOT_REPRODUCED)]
)
def test_exact_claim_keeps_its_full_verdict_at_every_scale(store, make, scale, function, verdict):
    check = make(function, rule=EXACT, looks=ONE_LOOK, exact=True, scale=scale)
    assert verdict_of(store, check, (82.0,)).verdict is verdict


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_claim_whose_rule_is_exact_but_whose_runs_are_small_is_judged_at_that_scale(store, make, scale):
    check = make(is_equal, rule=EXACT, looks=ONE_LOOK, scale=scale)
    assert verdict_of(store, check, (82.0,)).verdict is Verdict[scale.upper()]


@pytest.mark.parametrize("values", [ON, FAR, EDGE], ids=["on", "far", "edge"])
def test_claim_that_a_scale_cannot_test_is_measured_there_with_no_mark_for_or_against(store, make, values):
    row = verdict_of(store, make(scale="smoke", untestable=("smoke",)), values)
    assert (row.verdict, row.answer) == (Verdict.MEASURED, Answer.NONE)
    assert (row.p_for, row.p_against, row.next_look) == (None, None, None)
    assert {(found.outcome, found.expected, found.criterion, found.consistent) for found in row.findings} == {
        (Outcome.MEASURED, "", None, None)
    }
    assert f"Not tested at scale smoke: {REASON}." in row.why


def test_printed_table_with_slips_of_the_source_is_no_failure(store, make):
    def two_cells(evidence):
        evidence.runs("batchnorm")
        evidence.find(label="BatchNorm", measured=1129, printed="1.12K")
        evidence.find(label="output", measured=650, printed="650")

    row = verdict_of(store, make(two_cells, rule=Printed(reason=REASON), looks=ONE_LOOK, exact=True), (82.0,))
    assert row.stands == "for" and "1 of 2 agree, 1 are slips of the source" in row.why


# Seeds


def five(values):
    return (*values, 83.0, 83.0)


def test_decisive_look_ignores_later_seeds(store, make):
    row = verdict_of(store, make(), (*ON, 10.0, 10.0))
    assert (row.verdict, row.seeds, row.next_look) == (Verdict.REPRODUCED, 3, None)


def test_decisive_look_lists_only_its_own_runs(store, make):
    row = verdict_of(store, make(), (*ON, 10.0, 10.0))
    assert [run.seed for run in row.runs] == [0, 1, 2]


@pytest.mark.parametrize("more", [(), (83.0,)], ids=["none more", "one more"])
def test_inconclusive_look_asks_for_the_next(store, make, more):
    row = verdict_of(store, make(), (*EDGE, *more))
    assert (row.verdict, row.seeds, row.next_look) == (Verdict.INCONCLUSIVE, 3, 5)


def test_seeds_that_are_requested_are_named(store, make):
    check = make()
    verdict_of(store, check, EDGE)
    assert requested_seeds([check, make(name="other", runs=two_arms)], store) == {"a-claim": 5}


def test_claim_that_is_invalid_requests_no_seeds(store, make, make_control):
    """VERDICTS: "Only INCONCLUSIVE buys seeds"."""
    checks = [make(depends_on=("control-one",)), make_control(fails_without_runs)]
    train(store, checks[0], EDGE)
    assert judge(checks, store)[0].verdict is Verdict.INVALID
    assert requested_seeds(checks, store) == {}


def test_crashed_run_of_a_later_look_is_still_asked_for(store, make):
    """VERDICTS: "a crashed seed is run again with the same seed": the plan must go on wanting it."""
    check = make()
    train(store, check, (*EDGE, 83.0))
    spec = check.arms(5)["batchnorm"][4]
    store.begin(spec)
    store.fail(spec, "RuntimeError: CUDA out of memory", "Traceback …")
    assert requested_seeds([check], store) == {"a-claim": 5}


def test_inconclusive_look_is_judged_again_when_the_next_is_there(store, make):
    row = verdict_of(store, make(), (81.5, 82.0, 83.0, 82.0, 82.0))
    assert (row.verdict, row.seeds, row.next_look) == (Verdict.REPRODUCED, 5, None)


def test_second_inconclusive_look_asks_for_the_last(store, make):
    row = verdict_of(store, make(), five(EDGE))
    assert (row.verdict, row.seeds, row.next_look) == (Verdict.INCONCLUSIVE, 5, 8)


def test_last_look_that_is_inconclusive_stays_so(store, make):
    row = verdict_of(store, make(), (*five(EDGE), 82.9, 83.0, 83.1))
    assert (row.verdict, row.seeds, row.next_look) == (Verdict.INCONCLUSIVE, 8, None)


def test_every_look_of_three_has_the_same_nominal_level(store, make):
    rows = [verdict_of(store, make(), values) for values in (EDGE, five(EDGE), (*five(EDGE), 82.9, 83.0, 83.1))]
    assert [row.accept for row in rows] == [0.0213] * 3


def test_one_look_has_the_level_of_five_percent(store, make):
    assert verdict_of(store, make(scale="smoke"), EDGE).accept == 0.05


def test_small_scale_asks_for_no_seeds(store, make):
    assert verdict_of(store, make(scale="smoke"), EDGE).next_look is None


def test_inconclusive_verdict_says_how_many_seeds_would_decide(store, make):
    row = verdict_of(store, make(), (81.0, 82.0, 83.0))
    assert f"{row.findings[0].more_seeds} seeds would decide" in row.why


def test_changed_run_of_a_later_look_is_told(store, make):
    """Such a run is complete, so nobody would train it again: the claim would ask for present seeds, for ever."""
    check = make()
    train(store, check, five(EDGE))
    path = store.folder(check.arms(5)["batchnorm"][4]) / "measurements/accuracy.json"
    path.write_text("{}")
    row = judge_check(check, store, {})
    assert row.verdict is Verdict.BLOCKED or str(path) in row.why


# Claim files that break a rule


def reads_undeclared_arm(evidence):
    evidence.find(sample=evidence.accuracy("everything"), reference=value(82.0))


def finds_nothing(evidence):
    evidence.accuracy("batchnorm")


def crashes(evidence):
    evidence.find(sample=evidence.accuracy("batchnorm"), reference={}["82"])


def leaves(evidence):
    near_82(evidence)
    sys.exit(0)


def skips(evidence):
    pytest.skip("not today")


@pytest.mark.parametrize(
    ("function", "runs", "found", "mending"),
    [
        (reads_undeclared_arm, one_arm, "'everything'", "declared: batchnorm. Add it there, or read one of those"),
        (near_82, two_arms, "output", "read them, or take them out of its runs()"),
        (finds_nothing, one_arm, "no finding", "call evidence.find(...) at least once"),
        (crashes, one_arm, "KeyError: '82'", "a_claim.py"),
        (leaves, one_arm, "ended by SystemExit: 0", "records findings, nothing else"),
        (skips, one_arm, "ended by Skipped: not today", "records findings, nothing else"),
    ],
    ids=["undeclared arm", "unread arm", "no finding", "crash", "sys.exit(0)", "pytest.skip"],
)
def test_faulty_check_is_refused_with_what_mends_it(store, make, function, runs, found, mending):
    check = make(function, runs=runs)
    for arm in check.arms(3):
        train(store, check, ON, arm=arm)
    with pytest.raises(ClaimError) as refused:
        judge_check(check, store, {})
    message = str(refused.value)
    assert all(part in message for part in ("a-claim", found, mending))


def test_check_that_crashes_keeps_its_cause(store, make):
    check = make(crashes)
    train(store, check, ON)
    with pytest.raises(ReproError) as refused:
        judge_check(check, store, {})
    assert isinstance(refused.value.__cause__, KeyError)


def test_check_that_mixes_measuring_with_deciding_is_refused(store, make):
    def mixed(evidence):
        near_82(evidence)
        measured = Measure(reason=REASON).compare(
            levels=Levels(accept=0.05, against=0.05), sample=evidence.accuracy("batchnorm")
        )
        evidence.findings.append(measured)

    with pytest.raises(ClaimError, match="split the claim"):
        verdict_of(store, make(mixed), ON)


# Controls


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


def test_failed_control_that_a_claim_does_not_lean_on_leaves_it_alone(store, make, make_control):
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
    assert row.deviations == ("control control-one: pending",)
    assert row.marks == ("provisional",)


def test_control_that_was_not_collected_is_a_deviation(store, make):
    check = make(depends_on=("control-one",))
    train(store, check, ON)
    assert judge([check], store)[0].deviations == ("control control-one: not collected",)


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
    [((14,), "holds"), ((32,), "failed"), ((14, 32), "failed"), ((56,), "no point for resnet-56")],
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


def test_rows_come_in_the_order_of_the_checks(store, make, make_control):
    checks = [make(name="first", depends_on=("control-one",)), make_control(), make(name="second")]
    assert [row.check for row in judge(checks, store)] == ["first", "control-one", "second"]


# Deviations


def test_runs_under_the_protocol_have_no_deviation(store, make):
    row = verdict_of(store, make(only_measured, rule=Measure(reason=REASON)), ON)
    assert row.deviations == ()


def test_jpeg_copy_is_a_deviation(store, make):
    row = verdict_of(store, make(dataset="cifar10-jpeg"), ON)
    assert row.verdict is Verdict.REPRODUCED
    assert ["JPEG" in told for told in row.deviations] == [True]


def test_bfloat16_is_a_deviation(store, make):
    assert verdict_of(store, make(runs=in_bfloat16), ON).deviations == ("precision: bfloat16",)


def test_runs_on_another_gpu_than_the_rest_are_a_deviation(store, make):
    """VERDICTS: "what differs from it (data re-encoded as JPEG, bfloat16, another GPU) is listed … as a deviation"."""
    check = make()
    train(store, check, ON)
    record = {"criteria": {f"paper:{check.id}": check.criterion_sha256}}
    part = {"device": "NVIDIA H100", "device_type": "cuda"}
    store_run(store, check.arms(3)["batchnorm"][2], ON[2], part=part, **record)
    assert any("NVIDIA H100" in told for told in judge_check(check, store, {}).deviations)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"code": "another"}, "training code: runs of this comparison were trained with another, c0de"),
        ({"torch": "2.0"}, "torch versions: runs of this comparison were trained with 2.0, 2.14.1"),
        ({"commit": "c0ffee+changes"}, "dirty tree: 1 of the 3 runs were trained by code that no commit holds"),
    ],
)
def test_runs_trained_by_other_code_than_the_rest_are_a_deviation(store, make, part, words):
    check = make()
    train(store, check, ON[:2])
    criteria = {f"paper:{check.id}": check.criterion_sha256}
    store_run(store, check.arms(3)["batchnorm"][2], ON[2], part=part, criteria=criteria)
    assert judge_check(check, store, {}).deviations == (words,)


def test_another_number_of_replicates_than_the_source_had_is_a_deviation(store, make):
    def digitised(evidence):
        reference = Published(value=82.0, replicates=5, reading_error=0.0)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    row = verdict_of(store, make(digitised), ON)
    assert row.deviations == ("replicates: 3 seeds, and 5 behind the published values",)


def test_definition_that_the_source_leaves_open_is_a_deviation(store, make):
    row = verdict_of(store, make(definition_open="whether a unit or a channel is dead"), ON)
    assert row.deviations[-1] == "definition: the source leaves open whether a unit or a channel is dead"


@pytest.fixture
def one_diverged(store, make):
    """A claim one of whose three runs diverged to chance."""
    check = make()
    train(store, check, (82.0, 82.1))
    criteria = {f"paper:{check.id}": check.criterion_sha256}
    store_run(store, check.arms(3)["batchnorm"][2], 10.0, criteria=criteria, outcome="diverged")
    return judge_check(check, store, {})


def test_diverged_run_is_a_deviation(one_diverged):
    (told,) = one_diverged.deviations
    assert told.startswith("diverged: ")
    assert "seed 2" in told


def test_diverged_run_counts_as_it_is(one_diverged):
    assert one_diverged.findings[0].samples[0].values == (82.0, 82.1, 10.0)


def test_rule_written_after_the_runs_is_a_deviation(store, make):
    row = verdict_of(store, make(), ON, criteria={})
    assert row.deviations == ("rule: written after 3 of the 3 runs were trained for other claims",)


def test_rule_changed_after_the_runs_is_a_deviation(store, make):
    row = verdict_of(store, make(), ON, criteria={"paper:a-claim": "0" * 64})
    assert row.deviations == ("rule: changed after 3 of the 3 runs were trained",)


def test_rule_of_an_exact_claim_may_be_written_after_its_runs(store, make):
    check = make(is_equal, rule=EXACT, looks=ONE_LOOK, exact=True)
    assert verdict_of(store, check, (82.0,), criteria={}).deviations == ()


def test_changed_margin_changes_the_criterion(make):
    assert make().criterion_sha256 != make(rule=Point(margin=1.1, reason=REASON)).criterion_sha256


@pytest.mark.parametrize(
    "change",
    [
        {"grid": ({"depth": 14},)},
        {"grid": ({"depth": 14}, {"depth": 56})},
        {"runs": lambda scale, seed, depth: {"batchnorm": cifar(scale, seed, depth=depth, trained="output")}},
        {"runs": lambda scale, seed, depth: {"other": cifar(scale, seed, depth=depth)}},
        {"untestable": ("smoke",)},
        {"primary": True, "primaries": 6},
        {"same_as": "another"},
        {"definition_open": "unit or channel"},
    ],
    ids=["point dropped", "point changed", "recipe", "arm", "scales", "primary", "repeated", "definition"],
)
def test_changed_grid_recipe_or_frame_changes_the_criterion(make, change):
    """A dropped depth once removed a failing point without a trace."""
    known = {"runs": one_depth, "grid": ({"depth": 14}, {"depth": 32}), "params": {"depth": 14}}
    assert make(**known).criterion_sha256 != make(**(known | change)).criterion_sha256


def test_changed_judging_code_changes_the_criterion(make, monkeypatch, tmp_path):
    before = make().criterion_sha256
    monkeypatch.setattr("repro.claim.judging_code", lambda: "0" * 64)
    assert make().criterion_sha256 != before


def test_judging_code_is_every_module_between_runs_and_verdict():
    named = {path.relative_to(PACKAGE).as_posix() for place in JUDGING_CODE for path in PACKAGE.glob(place)}
    tellers = {
        "__init__", "coverage", "document", "explain", "imagine", "models", "multiverse", "preregister", "schema",
    }  # fmt: skip
    judging = {f"judging/{path.name}" for path in PACKAGE.glob("judging/*.py") if path.stem not in tellers}
    assert judging <= named and {"compare/trend.py", "statistics/levels.py"} <= named


@pytest.mark.parametrize(
    ("criteria", "mark"),
    [({}, "rule written after its runs"), ({"paper:a-claim": "0" * 64}, "rule changed after its runs")],
)
def test_verdict_whose_rule_came_after_its_runs_is_marked_wherever_it_is_shown(store, make, criteria, mark):
    check = make()
    row = verdict_of(store, check, ON, criteria=criteria)
    (entry,) = claims_table([row], [check])
    assert row.marks == entry.marks == (mark,)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((81.5, 81.6, 81.4), "No single one of the 3 seeds decides it."),
        ((81.9, 82.0, 83.9), "It would be REPRODUCED without seed 2."),
    ],
)
def test_row_says_without_which_seed_it_would_be_another(store, make, values, words):
    row = verdict_of(store, make(rule=Point(margin=2.0, reason=REASON)), values)
    assert row.would_change == words


def test_inconclusive_row_that_no_seed_of_ours_can_end_requests_none(store, make):
    """The source's own three runs spread by 2 points: ± 3.4, and the margin is 1."""

    def uncertain(evidence):
        reference = Published(value=82.0, sd=2.0, replicates=3, reading_error=0.0)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    check = make(uncertain)
    row = verdict_of(store, check, ON)
    assert (row.verdict, row.next_look) == (Verdict.INCONCLUSIVE, None)
    assert requested_seeds([check], store) == {}


def test_changed_claim_file_changes_the_criterion(make, tmp_path):
    check = make()
    other = tmp_path / "claims" / "paper" / "another.py"
    other.write_text(check.file.read_text() + "# changed\n")
    before, after = check.criterion, dataclasses.replace(check, file=other).criterion
    assert before["claim_file_sha256"] != after["claim_file_sha256"]


# What a row holds


def test_row_lists_every_run_with_the_hash_of_its_record(store, make):
    check = make(above_output, rule=ORDERING, runs=two_arms)
    train(store, check, FAR, arm="output")
    row = verdict_of(store, check, ON)
    expected = {
        (arm, spec.seed, spec.key, store.run(spec).sha256) for arm, specs in check.arms(3).items() for spec in specs
    }
    assert {(run.arm, run.seed, run.key, run.run_json_sha256) for run in row.runs} == expected


def test_row_carries_the_hash_of_its_criterion(store, make):
    check = make()
    row = judge_check(check, store, {})
    assert (row.criterion, row.criterion_sha256) == (check.criterion, check.criterion_sha256)


@pytest.fixture
def two_findings(store, make):
    """A row with two findings on the edge."""

    def twice(evidence):
        near_82(evidence)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(81.9))

    return verdict_of(store, make(twice), EDGE)


def test_p_value_for_a_check_is_the_largest_of_its_findings(two_findings):
    assert two_findings.p_for == max(finding.p_for for finding in two_findings.findings)


def test_p_value_against_a_check_is_corrected_for_its_findings(two_findings):
    smallest = min(finding.p_against for finding in two_findings.findings)
    assert smallest < 0.5
    assert two_findings.p_against == pytest.approx(2 * smallest)


def test_check_without_p_values_has_none(store, make_control):
    row = judge_check(make_control(), store, {})
    assert (row.p_for, row.p_against) == (None, None)


def test_same_runs_give_the_same_rows(store, make, make_control):
    checks = [make(depends_on=("control-one",)), make(name="other", depends_on=("control-one", "control-two"))]
    train(store, checks[0], EDGE)
    controls = [make_control(), make_control(name="control-two")]
    assert judge(checks, store, controls=controls) == judge(checks, store, controls=controls)


def test_order_of_checks_does_not_change_their_rows(store, make, make_control):
    checks = [make(depends_on=("control-one",)), make(name="other"), make_control()]
    train(store, checks[0], EDGE)
    assert judge(checks, store) == judge(checks[::-1], store)[::-1]


def test_judging_writes_nothing(store, make):
    check = make()
    train(store, check, EDGE)

    def files():
        return {path: path.stat().st_mtime_ns for path in Path(store.root).rglob("*")}

    before = files()
    judge([check], store, thorough=True)
    assert files() == before


def test_row_is_json_without_infinities(store, make):
    check = make(above_output, rule=ORDERING, runs=two_arms)
    train(store, check, FAR, arm="output")
    made = to_json(verdict_of(store, check, ON))
    assert made["findings"][0]["criterion"] == [2.0, None]
    assert json.loads(json.dumps(made, allow_nan=False)) == made


# Claims over all their points


DEPTHS = (14, 32, 56)


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
