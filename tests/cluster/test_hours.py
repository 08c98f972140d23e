"""The account of a submission: useful and wasted hours, and the nodes that failed."""

import dataclasses
import time

import pytest

from repro.cluster import deaths, ledger, scheduler
from repro.cluster.avoid import WENT_DOWN, avoided
from repro.cluster.hours import account, hours
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import read
from repro.errors import ClusterError
from tests.cluster.made import BOX, SPECS, attempted, died, submitted


def part(job, restart, seconds):
    return {"job": {"id": job, "restart": restart, "node": "n1"}, "seconds": seconds}


def test_hours_are_useful_as_far_as_their_training_was_kept(store, finished):
    one = submitted(store.root, SPECS[:1], reused_seconds=7200.0)
    attempted(one, 0, restart=0, end="requeued", began=0.0, ended=3600.0)
    attempted(one, 0, restart=1, end="done", began=4000.0, ended=7600.0)
    run = finished(store, SPECS[0])
    record = {key: value for key, value in run.record.items() if key != "files"}
    record["parts"] = [
        {**record["parts"][0], **part("7", 0, 1800.0)},
        {**record["parts"][0], **part("7", 1, 2700.0)},
    ]
    store.finish(SPECS[0], record)
    found = hours(read(store))
    assert found.allocated == pytest.approx(2.0)
    assert found.useful == pytest.approx(1.25)
    assert found.wasted == pytest.approx(0.75)
    assert found.resumed == pytest.approx(0.5)
    assert found.reused == pytest.approx(2.0)
    assert (found.attempts, found.requeues) == (2, 1)


def test_runs_that_share_a_gpu_share_its_hours(store, finished):
    one = submitted(store.root, SPECS[:2], together=2)
    attempted(one, 0, workers=2, began=0.0, ended=3600.0)
    for spec in SPECS[:2]:
        run = finished(store, spec)
        record = {key: value for key, value in run.record.items() if key != "files"}
        store.finish(spec, {**record, "parts": [{**record["parts"][0], **part("7", 0, 3600.0)}]})
    assert hours(read(store)).allocated == pytest.approx(1.0)
    assert hours(read(store)).useful == pytest.approx(1.0)


def test_a_killed_life_is_wasted_up_to_its_last_sign(store):
    one = submitted(store.root, SPECS[:1])
    attempted(one, 0, end=None, began=time.time() - 1800)
    assert hours(read(store)).wasted == pytest.approx(0.5, abs=0.01)


def test_without_a_submission_there_is_no_account(store):
    assert account(store) is None


def test_nodes_that_failed_are_avoided_unless_trusted(store, monkeypatch):
    one = submitted(store.root)
    attempted(one, 0, faults={"n1": "no driver"})
    died(one, {"7_1": {"state": "NODE_FAIL", "node": "n2", "exit_code": "", "fault": "NODE_FAIL"}})
    monkeypatch.setattr(scheduler, "troubles", lambda: dict.fromkeys(("n1", "n2", "n3")))
    assert avoided(read(store), BOX) == ("n1", "n2")
    assert avoided(read(store), dataclasses.replace(BOX, exclude=("n9",), trusted=("n2",))) == ("n1", "n9")
    assert avoided(read(store), dataclasses.replace(BOX, name="other")) == ()
    assert [node["node"] for node in account(store)["excluded_nodes"]] == ["n1", "n2"]


def test_a_node_is_avoided_only_while_it_is_there_and_one_that_went_down_while_it_is(store, monkeypatch):
    one = submitted(store.root)
    fault = f"{WENT_DOWN} NODE_FAIL for job 7_1"
    died(one, {f"7_{i}": {"state": "NODE_FAIL", "node": f"n{i}", "exit_code": "", "fault": fault} for i in (1, 2, 3)})
    monkeypatch.setattr(scheduler, "troubles", lambda: {"n1": None, "n2": "down*: Not responding", "n4": None})
    assert avoided(read(store), BOX) == ("n2",)


def silent():
    raise ClusterError("no answer")


def test_where_the_scheduler_does_not_answer_all_that_failed_are_avoided(store, monkeypatch):
    attempted(submitted(store.root), 0, faults={"n1": "no driver"})
    monkeypatch.setattr(scheduler, "troubles", silent)
    assert avoided(read(store), BOX) == ("n1",)


@pytest.mark.parametrize("code", ["0:53", "76:0"])
def test_a_node_where_no_job_can_open_its_log_or_run_its_setup_is_blamed_while_others_can(store, code):
    one = submitted(store.root)
    attempted(one, 0, node="n2")
    ended = {f"7_{i}": Job(f"7_{i}", one.array_name(0), "FAILED", "n1", "", code) for i in (1, 2)}
    for job in ended:
        one.log_of(job).write_text("repro: setup failed: module load cuda (exit code 1)" if code == "76:0" else "")
    notes = deaths._notes(one, ledger.attempts(one), {job: int(job[-1]) for job in ended}, ended)
    assert {note["state"] for note in notes.values()} == {"LAUNCH_FAILED" if code == "0:53" else "SETUP_FAILED"}
    assert all("2 jobs ended there" in note["fault"] for note in notes.values())
    attempted(one, 3, node="n1")  # then it is no node's fault: every one that began fails
    attempted(one, 0, node="n1")
    notes = deaths._notes(one, ledger.attempts(one), {job: int(job[-1]) for job in ended}, ended)
    assert all(note["fault"] is None for note in notes.values())


def test_a_node_is_blamed_when_several_jobs_end_there_and_others_begin_elsewhere(store):
    one = submitted(store.root)
    attempted(one, 0, node="n2")
    ended = {f"7_{i}": Job(f"7_{i}", one.array_name(0), "FAILED", "n1", "", "1:0") for i in (1, 2)}
    jobs = {job: int(job[-1]) for job in ended}
    attempts = ledger.attempts(one)
    notes = deaths._notes(one, attempts, jobs, ended)
    assert all("2 jobs ended there before the suite started" in note["fault"] for note in notes.values())
    assert deaths._notes(one, {}, jobs, ended)["7_1"]["fault"] is None  # it began nowhere: the nodes are not the cause
    (alone,) = deaths._notes(one, attempts, jobs, {"7_1": ended["7_1"]}).values()
    assert alone["fault"] is None


def test_hours_of_one_order_are_those_of_its_rounds(store):
    for name, chain in (("1", "1"), ("2", "1"), ("3", "3")):
        one = submitted(store.root, SPECS[:1], id=name, chain=chain)
        attempted(one, 0, began=0.0, ended=3600.0)
    assert hours(read(store)).allocated == pytest.approx(3.0)
    assert hours(read(store), "1").allocated == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("submitit WARNING - Caught signal SIGUSR2 on n1: this job is timed-out.\n", "1:0"),
        ("", "0:15"),
        ("", "143:0"),
        ("", "15:0"),
    ],
)
def test_no_node_is_blamed_for_jobs_that_a_signal_ended_before_they_began(store, log, code):
    one = submitted(store.root)
    attempted(one, 0, node="n2")
    ended = {f"7_{i}": Job(f"7_{i}", one.array_name(0), "FAILED", "n1", "", code) for i in (1, 2)}
    for job in ended:
        one.log_of(job).write_text(log)
    notes = deaths._notes(one, ledger.attempts(one), {job: int(job[-1]) for job in ended}, ended)
    assert all(note["fault"] is None for note in notes.values())


def test_a_node_that_alone_met_a_fault_of_the_site_is_avoided_by_the_next_submission_and_no_other(store, monkeypatch):
    monkeypatch.setattr(scheduler, "troubles", lambda: dict.fromkeys(("n1", "n2", "n3")))
    one = submitted(store.root)
    attempted(one, 0, node="n1", end="waiting")
    assert avoided(read(store), BOX) == ()  # no other node has begun a job
    attempted(one, 1, node="n2")
    assert avoided(read(store), BOX) == ("n1",)
    assert avoided(read(store), dataclasses.replace(BOX, trusted=("n1",))) == ()
    assert avoided(read(store), dataclasses.replace(BOX, name="other")) == ()
    attempted(one, 3, node="n3")
    died(one, {"7_2": {"state": "SITE_FAULT", "node": "n2", "exit_code": "203:0", "fault": None}})
    assert avoided(read(store), BOX) == ()
    attempted(submitted(store.root, id="2", created=1.0), 0, node="n1", end="waiting")
    attempted(submitted(store.root, id="3", created=2.0), 0, node="n2")
    assert avoided(read(store), BOX) == ()
