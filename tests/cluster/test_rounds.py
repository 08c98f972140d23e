"""The next round: what a report job queues again without the user, and what it leaves to them."""

import dataclasses
import time

import pytest

from repro.cli import jobs
from repro.cluster import rounds, scheduler
from repro.cluster.choice import choose
from repro.cluster.snapshot import read
from repro.collecting.collect import collect
from repro.planning.quantities import counted
from repro.runs.store import Store
from tests.cluster.made import attempted, died, last, paused, submitted

SUBMIT = ("submit", "tiny.py", "--cluster", "box")
DEATH = {"state": "FAILED", "node": "n1", "exit_code": "1:0", "fault": None}


@pytest.fixture
def first(cluster):
    """The first round: six runs, each in an element of its own, none of which the queue still holds."""
    cluster.run(*SUBMIT)
    return last(cluster)


def session():
    return collect(scale="smoke", paths=["tiny.py"])


def next_round(one):
    return rounds.queue_next_round(one, session(), jobs.ENTRY_POINTS, 0.0)


def test_what_was_interrupted_is_queued_as_the_next_round_of_its_order(cluster, first):
    paused(cluster)
    said = next_round(first)
    second = last(cluster)
    assert said == f"round 1: 6 runs queued as submission {second.id}"
    assert (second.round, second.chain, second.order) == (1, first.chain, first.order)
    assert sorted(second.elements) == sorted(first.elements)
    assert f"--dependency=afterany:{second.arrays[0].job}\n" in cluster.script


def failed(one):
    store = Store(one.order.results)
    store.begin(next(run.spec for run in choose_all(one).plan.runs if run.spec.key == one.elements[0][0]))
    attempted(one, 0, end="done", status="failed")


def choose_all(one):
    return choose(one.profile, session(), read(Store(one.order.results)), (), wanted=lambda _: True)


def killed(times):
    def kill(one):
        for restart in range(times):
            attempted(one, 0, restart=restart, began=time.time(), end=None)
        died(one, {one.job_of(0): DEATH})

    return kill


def ended(end):
    return lambda one: attempted(one, 0, end=end)


@pytest.mark.parametrize(
    ("meet", "again"),
    [
        (ended("paused"), 1),
        (ended("waiting"), 6),  # with those that were taken out of the queue for it
        (killed(1), 1),
        (killed(2), 0),
        (ended("exhausted"), 0),
        (ended("terminated"), 0),
        (failed, 0),
        (lambda _: None, 0),
    ],
    ids=["paused", "held by the site", "killed", "killed twice", "exhausted", "cancelled", "failed", "never begun"],
)
def test_a_run_is_tried_again_unless_it_needs_the_user(cluster, first, meet, again):
    meet(first)
    said = next_round(first)
    if again:
        assert said == f"round 1: {counted(again, 'run')} queued as submission {last(cluster).id}"
        assert first.elements[0] in last(cluster).elements
    else:
        assert said == "no further round is needed"
        assert last(cluster).id == first.id


@pytest.mark.parametrize(("short", "queues"), [(1e-4, False), (-1e-4, True)])
def test_all_rounds_of_an_order_together_keep_to_the_hours_that_the_user_granted(cluster, first, short, queues):
    paused(cluster)  # 100 s each
    another = submitted(first.order.results, chain="another", profile=first.profile)
    attempted(another, 0, ended=10_000.0)  # costs this order nothing
    need = choose_all(first).gpu_hours
    assert need > 1e-3
    order = dataclasses.replace(first.order, granted_gpu_hours=need + 6 * 100 / 3600 - short)
    said = next_round(dataclasses.replace(first, order=order))
    assert said.startswith("round 1: 6 runs queued" if queues else "no further round: 6 runs need "), said
    if not queues:
        assert f"{need:.3g} GPU-hours, but {need - short:.3g} are left of those granted" in said


@pytest.mark.parametrize(("left", "queues"), [(1, True), (0, False)])
def test_interrupted_runs_are_tried_in_as_many_rounds_as_the_profile_allows(cluster, first, left, queues):
    paused(cluster)
    number = first.profile.requeues - left
    said = next_round(dataclasses.replace(first, round=number))
    if queues:
        assert said.startswith(f"round {number + 1}: 6 runs queued")
    else:
        assert said == "no further round: all are used up"


@pytest.mark.parametrize("number", [0, 50])
def test_runs_that_were_never_tried_begin_no_round_of_their_own(cluster, number):
    cluster.run(*SUBMIT, "-k", "tiny[depth=8]")
    one = last(cluster)  # nothing of it is to be tried again: its three runs count as cancelled
    said = next_round(dataclasses.replace(one, round=number))
    assert said == f"round {number}: 3 runs queued as submission {last(cluster).id}"
    assert not {key for keys in one.elements for key in keys} & {key for keys in last(cluster).elements for key in keys}


def test_once_the_rounds_are_used_up_a_run_whose_folder_was_deleted_is_not_tried_again(cluster, first):
    attempted(first, 0, end="done", status="failed")
    assert next_round(dataclasses.replace(first, round=50)) == "no further round: all are used up"
    assert next_round(first) == f"round 1: 1 run queued as submission {last(cluster).id}"


def test_what_a_round_had_queued_when_sbatch_refused_the_rest_is_kept(cluster, first):
    paused(cluster)
    cluster.before("sbatch", f'[ "$(grep -c repro. {cluster.bin}/names)" = 4 ] && {{ echo no more >&2; exit 1; }}')
    said = next_round(dataclasses.replace(first, profile=dataclasses.replace(first.profile, array_size=1)))
    assert said.startswith("no further round: ")
    kept = last(cluster)
    assert 0 < len(kept.arrays) < 6
    assert f"Queued before that, and kept: {', '.join(array.job for array in kept.arrays)}" in said
    assert not [call for call in cluster.calls("scancel") if {array.job for array in kept.arrays} & {*call.split()}]


def test_a_scheduler_that_does_not_answer_is_no_reason_to_write_no_report(cluster, first, monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.0)
    paused(cluster)
    cluster.away()
    assert next_round(first).startswith("no further round: ")
    assert last(cluster).id == first.id
