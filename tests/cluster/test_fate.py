"""What has become of runs, from files and from what a scheduler would say."""

import dataclasses
import json
import shutil
import time
from pathlib import Path

import pytest

from repro.cli import cluster as commands
from repro.cluster import deaths, ledger
from repro.cluster.fate import fates
from repro.cluster.hours import account, hours
from repro.cluster.ledger import Array, Attempt, Order, Submission
from repro.cluster.lock import submission_lock
from repro.cluster.profile import Profile
from repro.cluster.scheduler import Job, refusal
from repro.cluster.snapshot import read
from repro.errors import ClusterError
from repro.recipes import cifar
from repro.runs.lease import Lease
from repro.runs.store import Store

SPECS = [cifar("smoke", seed, depth=8) for seed in range(4)]
BOX = Profile(name="box", submitit="1.5", gpus_per_node=1)


def submitted(root, specs=SPECS, together=1, job="7", **changed):
    """A submission of some runs as one array, as `repro submit` leaves it."""
    store = Store(root)
    for spec in specs:
        store.begin(spec)
    keys = [spec.key for spec in specs]
    elements = tuple(tuple(keys[i : i + together]) for i in range(0, len(keys), together))
    order = Order(
        scale="smoke", paths=(), keyword="", copy=None, results=root, data_dir=root, report=root,
        granted_gpu_hours=1.0, any_code=False,
    )  # fmt: skip
    fields = {
        "id": ledger.new_id(root), "chain": "", "order": order, "profile": BOX, "code": "c0de", "commit": "",
        "round": 0, "created": 0.0, "elements": elements, "gpu_hours": 1.0, "reused_seconds": 0.0,
        "arrays": (Array(job=job, first=0, count=len(elements), minutes=10, workers=together),),
    }  # fmt: skip
    made = Submission(**{**fields, **changed})
    ledger.create(made)
    return made


def queued(submission, element, state, reason="Priority", node=""):
    return Job(submission.job_of(element), submission.array_name(0), state, node, reason)


def attempted(submission, element, restart=0, end="done", status=None, **changed):
    """An attempt at an element, with one status for all its runs."""
    runs = {key: {"status": status, "seconds": 1.0, "error": "boom"} for key in submission.elements[element]}
    fields = {
        "element": element, "restart": restart, "job": submission.job_of(element), "node": "n1", "gpus": 1,
        "workers": 1, "began": 100.0, "ended": 200.0 if end else None, "end": end, "runs": runs if status else {},
    }  # fmt: skip
    attempt = Attempt(**{**fields, **changed})
    attempt.save(submission)
    return attempt


def died(submission, found):
    """Writes how jobs ended, as ``deaths.learn`` does."""
    file = ledger.deaths_file(submission)
    file.write_text(json.dumps({**ledger.read_json(file), **found}))


def state(store, submission, queue=()):
    return fates(SPECS[:1], read(store), queue)[SPECS[0].key].state


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


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


def test_a_submission_is_the_same_after_json(store):
    one = submitted(store.root)
    assert ledger.load(one.folder) == one
    assert [entry.submission for entry in read(store).entries] == [one]


def test_a_submission_of_another_version_of_the_suite_can_be_read(store):
    one = submitted(store.root)
    file = one.folder / "submission.json"
    file.write_text(file.read_text().replace('"requeues": 5', '"requeues": 5, "of_tomorrow": 1'))
    assert ledger.load(one.folder) == one


@pytest.mark.parametrize("content", ["{", "[]", '{"order": null}', "\0"])
def test_a_damaged_submission_is_named_and_blocks_nothing_else(store, content):
    damaged, one = submitted(store.root, id="1"), submitted(store.root, id="2")
    attempted(one, 0)
    (damaged.folder / "submission.json").write_text(content)
    found = read(store)
    assert [entry.submission for entry in found.entries] == [one]
    assert [bad.id for bad in found.damaged] == ["1"]
    assert account(store)["damaged"] == ["1"]
    assert account(store)["hours"]["attempts"] == 1


def test_a_submission_whose_main_file_was_deleted_is_damaged(store):
    one = submitted(store.root)
    (one.folder / "submission.json").unlink()
    assert [bad.id for bad in read(store).damaged] == [one.id]
    assert account(store)["submissions"] == 1


@pytest.mark.parametrize("content", [b"{}", b"\xff", b"[" * 100_000, b"null"], ids=["empty", "bytes", "deep", "null"])
def test_damaged_runs_and_attempts_are_named_and_leave_the_account_standing(store, content):
    one = submitted(store.root, SPECS[:2])
    attempted(one, 0, began=0.0, ended=3600.0)
    (store.folder(SPECS[0]) / "spec.json").write_bytes(content)
    (one.folder / "attempts" / "00001.0.json").write_text("null")
    (one.folder / "deaths.json").write_text('["x"]')
    assert account(store)["hours"]["allocated"] == 1.0
    assert account(store)["damaged_runs"] == [SPECS[0].key]


def test_a_store_that_was_moved_is_read_where_it_is(store, tmp_path_factory):
    one = submitted(store.root)
    moved = tmp_path_factory.mktemp("moved") / "results"
    store.root.rename(moved)
    assert read(Store(moved)).entries[0].submission.folder == moved / ".slurm" / one.id


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


def test_nodes_that_failed_are_avoided_unless_trusted(store):
    one = submitted(store.root)
    attempted(one, 0, faults={"n1": "no driver"})
    died(one, {"7_1": {"state": "NODE_FAIL", "node": "n2", "exit_code": "", "fault": "NODE_FAIL"}})
    assert read(store).avoided(BOX) == ("n1", "n2")
    assert read(store).avoided(dataclasses.replace(BOX, exclude=("n9",), trusted=("n2",))) == ("n1", "n9")
    assert read(store).avoided(dataclasses.replace(BOX, name="other")) == ()
    assert [node["node"] for node in account(store)["excluded_nodes"]] == ["n1", "n2"]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("error: invalid partition specified: x", "sinfo"),
        ("error: Unable to contact slurm controller (connect failure)", "scontrol ping"),
        ("error: something new", None),
    ],
)
def test_a_refusal_has_the_schedulers_message_and_any_advice(words, advice):
    message = refusal("sbatch", words)
    assert words in message
    assert (" Change: " in message) == (advice is not None)
    assert advice is None or advice in message


def test_the_commands_of_a_cluster_are_not_needed_for_a_complete_store(store, finished, monkeypatch):
    submitted(store.root, SPECS[:1])
    finished(store, SPECS[0])
    monkeypatch.setenv("PATH", str(Path("/nonexistent")))
    assert fates(SPECS[:1], read(store), ())[SPECS[0].key].state == "complete"


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


def test_a_job_of_another_name_is_not_ours_whatever_its_id(store, monkeypatch):
    submitted(store.root, SPECS[:1])
    monkeypatch.setattr(deaths.scheduler, "ended", lambda ids: {"7": [Job("7", "theirs", "FAILED", "n1", "", "1:0")]})
    assert deaths.learn(read(store), []).entries[0].deaths == {}


def test_hours_of_one_order_are_those_of_its_rounds(store):
    for name, chain in (("1", "1"), ("2", "1"), ("3", "3")):
        one = submitted(store.root, SPECS[:1], id=name, chain=chain)
        attempted(one, 0, began=0.0, ended=3600.0)
    assert hours(read(store)).allocated == pytest.approx(3.0)
    assert hours(read(store), "1").allocated == pytest.approx(2.0)


def test_scratch_is_linked_from_here_so_that_every_command_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands._link(Path("results"), tmp_path / "scratch" / "results")
    assert Path("results").resolve() == tmp_path / "scratch" / "results"
    commands._link(Path("results"), tmp_path / "scratch" / "results")
    with pytest.raises(ClusterError, match="results exists, and scratch in the profile is"):
        commands._link(Path("results"), tmp_path / "elsewhere")


def test_two_simultaneous_submits_run_one_after_the_other(store):
    refused = pytest.raises(ClusterError, match="another process is submitting")
    with submission_lock(store), refused, submission_lock(store):
        pass
    with submission_lock(store):
        pass
