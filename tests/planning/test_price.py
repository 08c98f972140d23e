"""Prices of verdicts, and what some hours buy."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.planning.plan import plan
from repro.planning.price import prices, within
from repro.recipes import cifar
from repro.runs.store import Store
from tests.made import check_of

# The machine may be busy with others: only the values count.
REPEATABLE = settings(
    deadline=None, derandomize=True, database=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def check(name, *depths):
    return check_of(lambda scale, seed: {str(d): cifar(scale, seed, depth=d) for d in depths}, id=name)


def made(store, *checks):
    return plan(checks, store, device_type="cpu")


def cost(store, *depths):
    return made(store, check("x", *depths)).hours * 3600


def test_a_claim_costs_its_runs_alone_and_on_top_those_that_no_other_needs(store):
    found = prices(made(store, check("a", 8, 14), check("b", 14, 20)))
    assert (found["a"].alone, found["a"].on_top) == (pytest.approx(cost(store, 8, 14)), pytest.approx(cost(store, 8)))
    assert (found["a"].runs, found["a"].missing) == (6, 6)


def test_a_claim_whose_runs_others_need_too_costs_nothing_on_top(store):
    assert prices(made(store, check("a", 8), check("b", 8, 14)))["a"].on_top == 0


def test_complete_runs_cost_nothing_and_of_paused_ones_the_rest_counts(store, finished, paused):
    paused(store, cifar("smoke", 0, depth=8), epoch=3)
    left = prices(made(store, check("a", 8)))["a"].alone
    assert left == pytest.approx(cost(Store(store.root.parent / "empty"), 8) * (2 + 0.75) / 3)
    for seed in range(3):
        finished(store, cifar("smoke", seed, depth=8))
    assert prices(made(store, check("a", 8)))["a"].missing == 0


def test_the_cheapest_verdict_is_bought_first(store):
    bought = within(made(store, check("a", 32), check("b", 8), check("c", 14)), 1e9).bought
    assert [one.claim for one in bought] == ["b", "c", "a"]


def test_shared_runs_are_paid_once(store):
    """Once ResNet-32 is there, ResNet-32 and -8 together cost less than ResNet-20."""
    bought = within(made(store, check("a", 32), check("b", 20), check("c", 8, 32), check("d", 14)), 1e9).bought
    assert bought[-1].together == pytest.approx(cost(store, 8, 14, 20, 32))
    assert {one.claim: one.seconds for one in bought}["c"] == pytest.approx(cost(store, 8))


def test_what_does_not_fit_is_named_and_nothing_dearer_is_tried(store):
    found = within(made(store, check("a", 8), check("b", 14), check("c", 20)), cost(store, 8) * 1.01)
    assert (found.claims, found.too_dear.claim) == ({"a"}, "b")
    assert found.spent == pytest.approx(cost(store, 8))


def test_what_takes_all_the_time_there_is_fits(store):
    plan_of_one = made(store, check("a", 8))
    assert within(plan_of_one, prices(plan_of_one)["a"].alone).claims == {"a"}


def test_no_time_buys_what_lacks_no_run(store, finished):
    for seed in range(3):
        finished(store, cifar("smoke", seed, depth=8), seconds=1.0)
    found = within(made(store, check("a", 8), check("b", 14)), 0.0)
    assert (found.claims, found.bought, found.spent) == ({"a"}, (), 0.0)


@REPEATABLE
@given(
    st.lists(st.lists(st.sampled_from((8, 14, 20, 26)), min_size=1, max_size=3, unique=True), min_size=1, max_size=5),
    st.floats(0, 1e3),
)
def test_what_is_bought_is_what_it_says_and_fits(tmp_path_factory, grids, seconds):
    store = Store(tmp_path_factory.getbasetemp() / "no store")
    checks = [check(f"c{index}", *grid) for index, grid in enumerate(grids)]
    found = within(made(store, *checks), seconds)
    chosen = [one for one in checks if one.claim.id in found.claims]
    assert found.spent == pytest.approx(made(store, *chosen).hours * 3600)
    assert found.spent <= seconds
    if found.too_dear:
        assert found.too_dear.together > seconds
