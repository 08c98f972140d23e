"""The plan: each run once, with all who need it, why, and what it costs."""

import dataclasses

import pytest

from repro.check import judging_code
from repro.claim import LOOKS, ONE_LOOK
from repro.compare import Ordering
from repro.planning.cost import Known
from repro.planning.plan import _known, plan
from repro.recipes import built, cifar, imagenet
from repro.runs.lease import Lease
from repro.runs.store import Store
from tests.made import check_of


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def check(name, *depths, scale="smoke", looks=LOOKS, trained="batchnorm", spec=cifar):
    def runs(scale, seed):
        if spec is built:
            return {str(depth): built(depth=depth) for depth in depths}
        return {str(depth): cifar(scale, seed, depth=depth, trained=trained) for depth in depths}

    return check_of(runs, id=name, scale=scale, looks=looks)


def specs(made):
    return [run.spec for run in made.runs]


def test_shared_run_stands_once(store):
    made = plan([check("a", 8, 14), check("b", 8)], store, device_type="cpu")
    assert len(made.runs) == len({spec.key for spec in specs(made)}) == 6


def test_a_run_is_looked_for_once_however_many_checks_need_it(store, monkeypatch):
    looked, condition = [], Store.condition
    monkeypatch.setattr(Store, "condition", lambda self, spec: looked.append(spec.key) or condition(self, spec))
    made = plan([check(name, 8, scale="paper") for name in "abc"], store, device_type="cpu")
    assert sorted(looked) == sorted(spec.key for spec in specs(made))


def test_shared_run_names_all_its_checks_in_order(store):
    made = plan([check("b", 8), check("a", 8)], store, device_type="cpu")
    assert {tuple(one.id for one in run.checks) for run in made.runs} == {("b", "a")}


def test_every_check_gets_its_first_look(store):
    made = plan([check("a", 8, scale="paper")], store, device_type="cpu")
    assert sorted(spec.seed for spec in specs(made)) == [0, 1, 2]


def test_requested_seeds_are_planned(store):
    made = plan([check("a", 8, scale="paper")], store, device_type="cpu", requested={"a": 5})
    assert sorted(spec.seed for spec in specs(made)) == [0, 1, 2, 3, 4]


def test_seeds_requested_for_one_check_are_not_planned_for_another(store):
    made = plan(
        [check("a", 8, scale="paper"), check("b", 14, scale="paper")], store, device_type="cpu", requested={"a": 5}
    )
    assert sorted(spec.seed for spec in specs(made) if spec.depth == 14) == [0, 1, 2]


@pytest.mark.parametrize(("there", "planned"), [(3, 3), (4, 3), (5, 5), (8, 8)])
def test_runs_of_a_later_look_stay_in_the_plan_once_nothing_requests_them(store, finished, there, planned):
    """The verdict rests on them: without them an export or a second measurement would leave it out."""
    for seed in range(there):
        finished(store, cifar("paper", seed, depth=8))
    made = plan([check("a", 8, scale="paper")], store, device_type="cpu")
    assert sorted(spec.seed for spec in specs(made)) == list(range(planned))


def test_the_nearest_verdict_comes_first(store):
    """Though two checks want ResNet-32, and one ResNet-8."""
    made = plan([check("a", 32), check("b", 32, 14), check("c", 8)], store, device_type="cpu")
    assert [spec.depth for spec in specs(made)] == [8] * 3 + [32] * 3 + [14] * 3


def test_what_is_there_already_brings_a_verdict_nearer(store, finished):
    for seed in range(3):
        finished(store, cifar("smoke", seed, depth=32), seconds=100.0)
    made = plan([check("a", 14), check("b", 8, 32)], store, device_type="cpu")
    assert [run.spec.depth for run in made.missing] == [8] * 3 + [14] * 3


def test_runs_that_an_earlier_check_brings_count_no_more_for_a_later_one(store):
    """ResNet-14 and -26 are more than ResNet-32; once another check has brought ResNet-14, they are less."""
    made = plan([check("a", 14), check("b", 14, 26), check("c", 32)], store, device_type="cpu")
    assert [spec.depth for spec in specs(made)] == [14] * 3 + [26] * 3 + [32] * 3


def test_of_the_runs_of_a_check_the_lower_seed_comes_first(store):
    made = plan([check("a", 8, 14)], store, device_type="cpu")
    assert [spec.seed for spec in specs(made)] == [0, 0, 1, 1, 2, 2]


def test_of_equal_seeds_the_cheaper_run_comes_first(store):
    made = plan([check("a", 32, 8, 14)], store, device_type="cpu")
    assert [spec.depth for spec in specs(made)[:3]] == [8, 14, 32]


def test_paused_run_comes_before_all_others(store, paused):
    paused(store, cifar("smoke", 2, depth=14), epoch=3)
    made = plan([check("a", 8, 14), check("b", 8)], store, device_type="cpu")
    assert specs(made)[0] == cifar("smoke", 2, depth=14)


def test_a_failed_run_waits_for_its_turn(store):
    spec = cifar("smoke", 2, depth=14)
    store.begin(spec)
    store.fail(spec, "Boom: no", "")
    assert specs(plan([check("a", 8, 14)], store, device_type="cpu"))[-1] == spec


def test_order_does_not_depend_on_the_order_of_the_checks(store):
    checks = [check("a", 8, 14), check("b", 14, 32), check("c", 8)]
    assert specs(plan(checks, store, device_type="cpu")) == specs(plan(checks[::-1], store, device_type="cpu"))


def test_missing_leaves_out_what_is_complete(store, finished):
    finished(store, cifar("smoke", 1, depth=8))
    made = plan([check("a", 8)], store, device_type="cpu")
    assert sorted(run.spec.seed for run in made.missing) == [0, 2]


def test_hours_count_what_is_missing_alone(store, finished):
    for seed in range(2):
        finished(store, cifar("smoke", seed, depth=8), seconds=36.0)
    assert plan([check("a", 8)], store, device_type="cpu").hours == pytest.approx(0.01)


def test_of_a_paused_run_what_is_left_counts(store, paused):
    whole = plan([check("a", 8)], store, device_type="cpu").hours
    paused(store, cifar("smoke", 0, depth=8), epoch=3)
    left = 1 - store.progress(cifar("smoke", 0, depth=8))
    assert left == 0.75
    assert plan([check("a", 8)], store, device_type="cpu").hours == pytest.approx(whole * (2 + left) / 3)


@pytest.mark.parametrize(
    ("kinds", "basis"),
    [(["cpu", "cpu"], "measured"), (["cuda", "cpu"], "assumed"), (["cpu", "cuda"], "assumed"), (["cuda"], "assumed")],
)
def test_a_run_is_a_measurement_of_the_kind_of_device_that_trained_all_of_it(store, finished, kinds, basis):
    run = finished(store, cifar("smoke", 0, depth=8), seconds=36.0)
    parts = [{**run.record["parts"][0], "device_type": kind} for kind in kinds]
    store.finish(run.spec, {**run.record, "parts": parts})
    made = plan([check("a", 8)], store, device_type="cpu")
    assert {planned.cost.basis for planned in made.missing} == {basis}


@pytest.mark.parametrize(("worked", "basis"), [(36.0, "measured"), (None, "assumed")])
def test_the_clock_of_a_processor_that_others_may_have_kept_busy_is_no_measurement(store, finished, worked, basis):
    finished(store, cifar("smoke", 0, depth=8), seconds=360.0, part={"processor_seconds": worked})
    made = plan([check("a", 8)], store, device_type="cpu")
    assert {planned.cost.basis for planned in made.missing} == {basis}


def test_a_run_that_was_only_built_is_no_measurement(store, finished):
    finished(store, built(depth=14))
    checks = [check("a", 14, looks=ONE_LOOK, spec=built), check("b", 14, scale="paper")]
    made = plan(checks, store, device_type="cpu")
    assert {planned.cost.basis for planned in made.missing} == {"assumed"}


def test_measurements_from_elsewhere_are_scaled_from(store):
    known = Known(spec=cifar("smoke", 9, depth=8), seconds=7200.0, device_type="cpu")
    assert plan([check("a", 8)], store, device_type="cpu", known=[known]).hours == pytest.approx(6.0)


def test_complete_run_is_reused(store, finished):
    finished(store, built(depth=14))
    (run,) = plan([check("a", 14, looks=ONE_LOOK, spec=built)], store, device_type="cpu").runs
    assert run.why == "reused: complete in the store"


def test_absent_run_was_never_trained(store):
    assert plan([check("a", 8)], store, device_type="cpu").runs[0].why == "missing: never trained in this store"


def test_paused_run_resumes(store, paused):
    paused(store, cifar("smoke", 0, depth=8), epoch=1)
    assert "resumes from there" in plan([check("a", 8)], store, device_type="cpu").runs[0].why


def test_held_run_is_under_way(store):
    lease = Lease.take(store.begin(cifar("smoke", 0, depth=8)))
    whys = {run.spec.seed: run.why for run in plan([check("a", 8)], store, device_type="cpu").runs}
    lease.release()
    assert whys[0] == "under way in another process"


def test_failed_run_says_how(store):
    spec = cifar("smoke", 0, depth=8)
    store.begin(spec)
    store.fail(spec, "Boom: no", "")
    whys = {run.spec.seed: run.why for run in plan([check("a", 8)], store, device_type="cpu").runs}
    assert whys[0] == "failed and will be tried again: Boom: no"


@pytest.mark.parametrize("name", ["run.json", "spec.json"])
def test_damaged_run_is_named_and_stops_no_other(store, finished, name):
    for seed in range(3):
        finished(store, cifar("smoke", seed, depth=8))
    damaged = store.folder(cifar("smoke", 1, depth=8)) / name
    damaged.write_text("{}")
    made = plan([check("a", 8)], store, device_type="cpu")
    assert sorted(run.condition for run in made.runs) == ["complete", "complete", "failed"]
    (run,) = made.missing
    assert run.spec.seed == 1 and run.why.startswith(f"damaged: {damaged} ")


def test_a_record_has_the_rules_of_checks_that_were_not_selected_and_may_need_the_run(store):
    selected, sharing, later = check("a", 8, 14), check("b", 8), check("c", 14, scale="paper")
    other = check("d", 20)
    made = plan([selected], store, device_type="cpu", collected=[selected, sharing, other])
    rules = {run.spec.depth: {*run.criteria} - {"judging code"} for run in made.runs}
    assert rules == {8: {"smoke:a", "smoke:b"}, 14: {"smoke:a"}}
    assert all(run.checks == (selected,) for run in made.runs)  # which alone the plan is told and priced by
    made = plan([later], store, device_type="cpu", requested={"c": 5}, collected=[check("e", 14, scale="paper")])
    assert all({"paper:c", "paper:e"} <= {*run.criteria} for run in made.runs)  # a fourth seed is of a later look of e


def test_criteria_name_scale_and_rule_of_every_check_and_the_judging_code(store):
    a, b = check("a", 8), check("b", 8)
    made = plan([a, b], store, device_type="cpu")
    rules = {"smoke:a": a.criterion_sha256, "smoke:b": b.criterion_sha256}
    assert made.runs[0].criteria == rules | {"judging code": judging_code()}


def test_other_rule_has_another_hash():
    a = check("a", 8)
    other = dataclasses.replace(a.claim, rule=Ordering(gap=0.5, reason="half is half"))
    assert dataclasses.replace(a, claim=other).criterion_sha256 != a.criterion_sha256


def test_data_copy_stands_in_for_trained_runs_alone(store):
    trained = dataclasses.replace(check("a", 14, scale="paper"), dataset="cifar10-jpeg")
    counted = dataclasses.replace(check("b", 14, looks=ONE_LOOK, spec=built), dataset="cifar10-jpeg")
    made = plan([trained, counted], store, device_type="cpu")
    assert {(bool(spec.rows), spec.dataset) for spec in specs(made)} == {(True, "cifar10-jpeg"), (False, "cifar10")}


def test_no_checks_make_an_empty_plan(store):
    assert plan([], store, device_type="cpu").runs == ()


def test_a_run_on_a_busy_processor_costs_what_its_threads_worked(store, finished):
    spec = cifar("smoke", 0, depth=8)
    finished(store, spec, seconds=100.0, part={"processor_seconds": 10.0, "threads": 2})
    assert plan([check("a", 8)], store, device_type="cpu").runs[1].cost.seconds == 5.0


def test_a_run_on_a_gpu_costs_what_the_clock_says(store, finished):
    spec = cifar("smoke", 0, depth=8)
    finished(store, spec, seconds=100.0, device_type="cuda", part={"processor_seconds": 10.0})
    assert plan([check("a", 8)], store, device_type="cuda").runs[1].cost.seconds == 100.0


def test_a_run_that_shared_a_gpu_with_others_costs_its_part_of_the_time(store, finished):
    spec = cifar("smoke", 0, depth=8)
    finished(store, spec, seconds=100.0, device_type="cuda", part={"runs_at_once": 4})
    assert plan([check("a", 8)], store, device_type="cuda").runs[1].cost.seconds == 25.0


def test_a_run_of_eight_processes_is_priced_in_seconds_of_one_device(store, finished):
    spec = dataclasses.replace(imagenet("paper", 0, depth=18), epochs=1, warm_up_epochs=0, learning_rate_drops=())
    assert _known(finished(store, spec, seconds=100.0, device_type="cuda")).seconds == 800.0
