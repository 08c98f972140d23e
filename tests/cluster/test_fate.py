"""What has become of runs, from files and from what a scheduler would say."""

import json
import shutil

import pytest

from repro.cluster import deaths, ledger, scheduler
from repro.cluster.fate import fates
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import read
from repro.runs.lease import Lease
from tests.cluster.made import SPECS, attempted, died, queued, state, submitted


def test_a_run_that_was_never_submitted_is_missing(store):
    assert state(store, None) == "missing"


def test_a_complete_run_is_complete_whatever_its_job_says(store, finished):
    one = submitted(store.root)
    finished(store, SPECS[0])
    assert state(store, one, [queued(one, 0, "RUNNING")]) == "complete"


@pytest.mark.parametrize("word", ["PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"])
def test_a_run_whose_job_waits_is_queued(store, word):
    one = submitted(store.root)
    assert state(store, one, [queued(one, 0, word)]) == "queued"


def test_a_run_whose_job_begins_is_running(store):
    one = submitted(store.root)
    attempted(one, 0, end=None)
    assert state(store, one, [queued(one, 0, "RUNNING")]) == "running"


def test_a_requeued_run_is_queued_until_its_next_life(store):
    one = submitted(store.root)
    attempted(one, 0, end="requeued")
    assert state(store, one, [queued(one, 0, "PENDING", "BeginTime")]) == "queued"
    assert state(store, one) == "cancelled"  # it left the queue while it waited


@pytest.mark.parametrize(
    ("end", "status", "expected"),
    [
        (None, None, "killed"),
        ("terminated", None, "cancelled"),
        ("exhausted", None, "exhausted"),
        ("paused", None, "paused"),
        ("done", "failed", "failed"),
        ("done", "crashed", "failed"),
        ("waiting", "waiting", "waiting"),
        (None, "waiting", "waiting"),
        (None, "failed", "failed"),
    ],
)
def test_the_last_attempt_of_a_job_that_is_gone_decides(store, end, status, expected):
    one = submitted(store.root)
    attempted(one, 0, end=end, status=status)
    assert state(store, one) == expected


def test_a_run_that_was_refused_before_it_had_a_folder_waits(store):
    one = submitted(store.root)
    attempted(one, 0, end="waiting", status="waiting")
    shutil.rmtree(store.folder(SPECS[0]), ignore_errors=True)
    assert state(store, one) == "waiting"


def test_only_the_last_life_counts(store):
    one = submitted(store.root)
    attempted(one, 0, restart=0, end=None)
    attempted(one, 0, restart=1, end="exhausted")
    assert state(store, one) == "exhausted"


def test_only_the_last_submission_counts(store):
    first = submitted(store.root, id="1")
    attempted(first, 0, end="exhausted")
    again = submitted(store.root, id="2", job="8")
    assert state(store, again, [queued(again, 0, "PENDING")]) == "queued"


@pytest.mark.parametrize("end", ["terminated", "requeued"])
@pytest.mark.parametrize(
    ("word", "expected"), [("CANCELLED", "cancelled"), ("NODE_FAIL", "killed"), (None, "cancelled")]
)
def test_a_requeued_job_that_is_gone_was_cancelled_unless_the_scheduler_says_otherwise(store, end, word, expected):
    one = submitted(store.root)
    attempted(one, 0, end=end)
    if word:
        died(one, {"7_0": {"state": word, "node": "n1", "exit_code": "0:0", "fault": None}})
    assert state(store, one) == expected


def test_what_a_fault_of_the_site_took_out_of_the_queue_waits_and_what_the_user_cancelled_does_not(store):
    one = submitted(store.root)
    attempted(one, 1, end="waiting", status="waiting")
    attempted(one, 2, end="requeued")
    found = fates(SPECS, read(store), ())
    assert [found[spec.key].state for spec in SPECS] == ["waiting"] * 4
    ledger.cancelled_file(one).write_text(json.dumps({"runs": [SPECS[0].key]}))
    assert state(store, one) == "cancelled"


def test_a_job_that_is_live_again_has_no_death(store):
    one = submitted(store.root)
    attempted(one, 0, end="terminated")
    died(one, {"7_0": {"state": "CANCELLED", "node": "n1", "exit_code": "0:0", "fault": None}})
    assert state(store, one, [queued(one, 0, "PENDING")]) == "queued"


def test_jobs_that_end_before_they_begin_are_counted_as_deaths(store):
    for name, job in (("1", "7"), ("2", "8")):
        one = submitted(store.root, id=name, job=job)
        died(one, {f"{job}_0": {"state": "FAILED", "node": "n1", "exit_code": "1:0", "fault": None}})
    assert fates(SPECS[:1], read(store), ())[SPECS[0].key].deaths == 2


@pytest.mark.parametrize(
    ("word", "expected"), [("CANCELLED", "cancelled"), ("FAILED", "killed"), ("TIMEOUT", "killed"), (None, "cancelled")]
)
def test_a_job_that_ended_before_it_began(store, word, expected):
    one = submitted(store.root)
    if word:
        died(one, {"7_0": {"state": word, "node": "n1", "exit_code": "1:0", "fault": None}})
    assert state(store, one) == expected


def test_a_job_that_could_not_open_its_log_says_that_nodes_do_not_see_the_store(store):
    one = submitted(store.root)
    for ended in (Job("7_0", one.array_name(0), "FAILED", "n1", "JobLaunchFailure"),
                  Job("7_0", one.array_name(0), "FAILED", "n1", "", "0:53")):  # fmt: skip
        notes = deaths._notes(one, {}, {"7_0": 0}, {"7_0": ended})
        assert notes["7_0"]["state"] == "LAUNCH_FAILED"
    died(one, notes)
    assert "nodes do not see" in fates(SPECS[:1], read(store), ())[SPECS[0].key].why


def test_a_submission_whose_sbatch_never_answered_is_found_by_the_name_of_its_job(store):
    one = submitted(store.root, arrays=())
    assert state(store, one) == "missing"
    assert state(store, one, [Job("9_0", one.array_name(0), "PENDING", "", "Priority")]) == "queued"


def test_a_lease_means_running_unless_the_scheduler_knows_that_the_job_is_dead(store):
    one = submitted(store.root)
    attempted(one, 0, end=None)
    assert Lease.take(store.folder(SPECS[0]))
    assert state(store, one) == "running"
    assert state(store, one, [queued(one, 0, "FAILED")]) == "killed"


def test_deaths_in_a_row_are_counted(store):
    one = submitted(store.root)
    attempted(one, 0, restart=0, end="requeued")
    attempted(one, 0, restart=1, end=None)
    again = submitted(store.root, id=one.id + "b", job="8")
    attempted(again, 0, end=None)
    assert fates(SPECS[:1], read(store), ())[SPECS[0].key].deaths == 2


@pytest.mark.parametrize(("end", "after"), [("requeued", None), ("paused", 0)])
def test_a_death_that_no_run_brings_about_takes_no_end_away_that_was_reported(store, end, after):
    """``after``: how many attempts there were when the job died, before an operator requeued it."""
    attempted(submitted(store.root, SPECS[:1], id="1", job="7"), 0, end=None)
    one = submitted(store.root, SPECS[:1], id="2", job="8")
    attempted(one, 0, end=end)
    death = {"state": "PREEMPTED", "node": "n1", "exit_code": "0:15", "fault": None}
    died(one, {"8": death if after is None else {**death, "attempts": after}})
    assert fates(SPECS[:1], read(store), ())[SPECS[0].key].deaths == 0


@pytest.mark.parametrize(("word", "count"), [("PREEMPTED", 0), ("SITE_FAULT", 0), ("NODE_FAIL", 2), ("FAILED", 2)])
@pytest.mark.parametrize("begun", [True, False])
def test_a_death_that_no_run_brings_about_is_not_counted(store, word, count, begun):
    for name, job in (("1", "7"), ("2", "8")):
        one = submitted(store.root, SPECS[:1], id=name, job=job)
        if begun:
            attempted(one, 0, end=None)
        died(one, {job: {"state": word, "node": "n1", "exit_code": "0:15", "fault": None}})
    assert fates(SPECS[:1], read(store), ())[SPECS[0].key].deaths == count


def test_a_run_that_failed_has_failed_although_a_later_submission_of_it_was_never_queued(store):
    attempted(submitted(store.root, SPECS[:1], id="1"), 0, status="failed")
    later = submitted(store.root, SPECS[:1], id="2", arrays=(), created=1.0)
    assert state(store, later) == "failed"
    attempted(later, 0, end="paused", job="8")  # it was, and sbatch's answer lost
    assert state(store, later) == "paused"


def test_a_job_that_was_requeued_after_its_death_and_died_again_has_its_last_death(store, monkeypatch):
    one = submitted(store.root, SPECS[:1])

    def learned(word, node):
        monkeypatch.setattr(scheduler, "ended", lambda _: {"7": [Job("7", one.array_name(0), word, node, "", "0:15")]})
        return deaths.learn(read(store), [])

    attempted(one, 0, restart=0, end="terminated")
    assert state(learned("CANCELLED", "n1").store, one) == "cancelled"
    assert learned("NODE_FAIL", "n2").entries[0].deaths["7"]["state"] == "CANCELLED"  # asked once
    attempted(one, 0, restart=1, end=None)
    learned("OUT_OF_MEMORY", "n2")
    assert "ran out of memory" in fates(SPECS[:1], read(store), ())[SPECS[0].key].why
