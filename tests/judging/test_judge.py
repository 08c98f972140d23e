"""Judging: runs that are absent, broken or requested, and the order of rows."""

import pytest

from repro.claim import LOOKS, ONE_LOOK
from repro.compare import Outcome, Published
from repro.judging.judge import judge, judge_check, requested_seeds
from repro.judging.verdict import Answer, Verdict
from repro.runs.lease import Lease
from repro.runs.store import TENSORS
from tests.judging.cases import EDGE, ON, fails_without_runs, five, train, two_arms, verdict_of


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


def test_pending_claim_of_a_single_run_names_it(store, make):
    check = make(looks=ONE_LOOK)
    assert judge_check(check, store, {}).why == f"Its one run is missing: {check.arms(1)['batchnorm'][0].name}."


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


@pytest.mark.parametrize(
    "judged", [judge, lambda checks, store, **options: [judge_check(checks[0], store, {}, **options)]]
)
@pytest.mark.parametrize(
    ("options", "verdict"),
    [({}, Verdict.REPRODUCED), ({"thorough": False}, Verdict.REPRODUCED), ({"thorough": True}, Verdict.BLOCKED)],
    ids=str,
)
def test_changed_file_that_nothing_reads_is_found_only_by_a_thorough_judge(store, make, judged, options, verdict):
    check = make()
    train(store, check, ON)
    (store.folder(check.arms(3)["batchnorm"][1]) / TENSORS).write_bytes(b"changed")
    (row,) = judged([check], store, **options)
    assert row.verdict is verdict


@pytest.mark.parametrize(
    "judged", [judge, lambda checks, store, **options: [judge_check(checks[0], store, {}, **options)]]
)
@pytest.mark.parametrize(
    ("options", "told"), [({}, True), ({"seed_by_seed": True}, True), ({"seed_by_seed": False}, False)], ids=str
)
def test_row_says_what_would_change_it_unless_that_is_not_wanted(store, make, judged, options, told):
    check = make()
    train(store, check, ON)
    assert bool(judged([check], store, **options)[0].would_change) == told


def test_blocked_claim_has_no_findings(store, make):
    check = make()
    train(store, check, ON)
    (store.folder(check.arms(3)["batchnorm"][2]) / "measurements/accuracy.json").write_text("{}")
    assert judge_check(check, store, {}).findings == ()


def test_decisive_look_ignores_later_seeds(store, make):
    row = verdict_of(store, make(), (*ON, 10.0, 10.0))
    assert (row.verdict, row.seeds, row.next_look) == (Verdict.REPRODUCED, 3, None)


def test_decisive_look_lists_only_its_own_runs(store, make):
    row = verdict_of(store, make(), (*ON, 10.0, 10.0))
    assert [run.seed for run in row.runs] == [0, 1, 2]


@pytest.mark.parametrize("more", [(), (83.0,)], ids=["none more", "one more"])
def test_inconclusive_look_requests_the_next(store, make, more):
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


def test_crashed_run_of_a_later_look_is_still_requested(store, make):
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


def test_second_inconclusive_look_requests_the_last(store, make):
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


def test_small_scale_requests_no_seeds(store, make):
    assert verdict_of(store, make(scale="smoke"), EDGE).next_look is None


def test_inconclusive_verdict_says_how_many_seeds_would_decide(store, make):
    row = verdict_of(store, make(), (81.0, 82.0, 83.0))
    assert f"{row.findings[0].more_seeds} seeds would decide" in row.why


def test_changed_run_of_a_later_look_is_reported(store, make):
    """Such a run is complete, so nobody would train it again: the claim would ask for present seeds, for ever."""
    check = make()
    train(store, check, five(EDGE))
    path = store.folder(check.arms(5)["batchnorm"][4]) / "measurements/accuracy.json"
    path.write_text("{}")
    row = judge_check(check, store, {})
    assert row.verdict is Verdict.BLOCKED or str(path) in row.why


def test_rows_come_in_the_order_of_the_checks(store, make, make_control):
    checks = [make(name="first", depends_on=("control-one",)), make_control(), make(name="second")]
    assert [row.check for row in judge(checks, store)] == ["first", "control-one", "second"]


def test_inconclusive_row_that_no_seed_of_ours_can_end_requests_none(store, make):
    """The source's own three runs spread by 2 points: ± 3.4, and the margin is 1."""

    def uncertain(evidence):
        reference = Published(value=82.0, sd=2.0, replicates=3, reading_error=0.0)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    check = make(uncertain)
    row = verdict_of(store, check, ON)
    assert (row.verdict, row.next_look) == (Verdict.INCONCLUSIVE, None)
    assert requested_seeds([check], store) == {}


@pytest.mark.parametrize(
    ("values", "decidable", "next_look"), [(EDGE, Outcome.UNDECIDED, 5), (ON, Outcome.ESTABLISHED, None)]
)
def test_what_more_seeds_can_end_is_asked_for_beside_what_they_cannot(store, make, values, decidable, next_look):
    def one_of_two(evidence):
        for sd, replicates in ((2.0, 3), (0.0, 5)):
            reference = Published(value=82.0, sd=sd, replicates=replicates, reading_error=0.0)
            evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    row = verdict_of(store, make(one_of_two), values)
    assert [finding.outcome for finding in row.findings] == [Outcome.UNDECIDED, decidable]
    assert (row.verdict, row.next_look) == (Verdict.INCONCLUSIVE, next_look)


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_an_open_answer_at_a_small_scale_requests_the_next_look_too(store, make, scale):
    row = verdict_of(store, make(scale=scale, looks=LOOKS | {scale: (3, 5)}), EDGE)
    assert (row.answer, row.next_look) == (Answer.OPEN, 5)


def test_a_reference_too_uncertain_at_the_level_of_its_looks_requests_no_seeds(store, make):
    """± 0.9 at the level of one look, and ± 1.1 at that of three."""

    def uncertain(evidence):
        reference = Published(value=82.0, sd=0.0, replicates=3, reading_error=0.95)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    row = verdict_of(store, make(uncertain), ON)
    assert (row.verdict, row.next_look) == (Verdict.INCONCLUSIVE, None)


def test_seeds_that_can_only_rule_out_are_requested(store, make):
    """No number of seeds establishes the value, and some more would show that ours lies elsewhere."""

    def uncertain(evidence):
        reference = Published(value=82.0, sd=2.0, replicates=3, reading_error=0.0)
        evidence.find(sample=evidence.accuracy("batchnorm"), reference=reference)

    row = verdict_of(store, make(uncertain), (88.0, 92.0, 96.0))
    assert row.findings[0].more_seeds
    assert (row.verdict, row.next_look) == (Verdict.INCONCLUSIVE, 5)
