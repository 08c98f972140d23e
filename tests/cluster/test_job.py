"""How an attempt of a job begins after a node was lost, and how it ends on a signal while it trains."""

import dataclasses
import json
import signal

import pytest

from repro.cluster import deaths, job, ledger, scheduler
from repro.cluster.avoid import avoided
from repro.cluster.ledger import Array, attempts
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import read
from repro.errors import ClusterError
from repro.executing.worker import Done
from tests.cluster.made import BOX, SPECS, attempted, queued, submitted


@pytest.mark.parametrize(
    ("last", "end"),
    [("complete", "done"), ("failed", "done"), ("crashed", "done"), ("paused", "requeued"), (None, "requeued")],
)
def test_after_a_signal_a_job_is_requeued_only_for_what_is_left(store, monkeypatch, last, end):
    one = submitted(store.root, SPECS[:2], together=2, profile=dataclasses.replace(BOX, device="cpu"))
    runs = [{"spec": spec.to_json(), "criteria": {}} for spec in SPECS[:2]]
    one.element_file(0).write_text(json.dumps({"workers": 1, "minutes": 10, "runs": runs}))

    def train(tasks, _setup, stop, note):
        stop.signal = signal.SIGUSR2
        stop.event.set()
        for task, status in zip(tasks, ("complete", last), strict=True):
            if status is not None:
                note(Done(spec=task.spec, status=status, seconds=1.0, error=""))
        return False

    requeued = []
    monkeypatch.setattr(job.pool, "train", train)
    monkeypatch.setattr(scheduler, "requeue", requeued.append)
    if end == "requeued":
        with pytest.raises(SystemExit):  # so that submitit writes no result
            job.work(str(one.folder), 0)
    else:
        job.work(str(one.folder), 0)
    (attempt,) = attempts(one, [0])[0]
    assert attempt.end == end
    assert bool(requeued) == (end == "requeued")


def test_a_node_that_went_down_under_an_attempt_is_avoided_until_it_is_back(store, monkeypatch):
    one = submitted(store.root, SPECS[:1], profile=dataclasses.replace(BOX, device="cpu"))
    attempted(one, 0, restart=0, end=None, node="n1")
    for name, value in {"JOB_ID": "7", "ARRAY_JOB_ID": "7", "ARRAY_TASK_ID": "0", "RESTART_COUNT": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURMD_NODENAME", "n2")
    excluded = []
    monkeypatch.setattr(scheduler, "node_trouble", lambda node: "down*: Not responding")
    monkeypatch.setattr(scheduler, "exclude", lambda _, nodes: excluded.append(set(nodes)))
    monkeypatch.setattr(scheduler, "troubles", lambda: {"n1": "down*: Not responding", "n2": None})
    job._begin(one, 0, workers=1, gpus=0, meeting="")
    assert excluded == [{"n1"}]
    assert avoided(read(store), BOX) == ("n1",)
    monkeypatch.setattr(scheduler, "troubles", lambda: {"n1": None, "n2": None})
    assert avoided(read(store), BOX) == ()


HERE = dataclasses.replace(BOX, device="cpu")


def test_a_node_is_avoided_by_the_jobs_of_this_suite_that_wait_and_by_no_other(store, monkeypatch):
    submitted(store.root, SPECS[:1], id="1", job="7", profile=HERE)
    before = submitted(store.root, SPECS[:1], id="0", job="6", profile=HERE)
    one = submitted(store.root, SPECS[:1], id="2", job="8", profile=HERE, excluded=("n3",))
    other = submitted(store.root, SPECS[:1], id="3", job="9", profile=dataclasses.replace(HERE, name="other"))
    queue = [Job("7", "theirs", "PENDING", "", ""), *(queued(some, 0, "PENDING") for some in (before, one, other))]
    excluded = []
    monkeypatch.setattr(scheduler, "jobs", lambda: queue)
    monkeypatch.setattr(scheduler, "exclude", lambda ids, nodes: excluded.append((ids, nodes)))
    job._avoid(one, {"n1"})
    assert excluded == [(["6", "8"], {"n1", "n3"})]


def silent():
    raise ClusterError("no answer")


@pytest.fixture
def acts(monkeypatch):
    """What a job on n1 does to those that wait behind it."""
    done = []
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    monkeypatch.setattr(scheduler, "known", list)
    monkeypatch.setattr(scheduler, "cancel_waiting", lambda ids: done.append(("cancel", *ids)))
    monkeypatch.setattr(scheduler, "exclude", lambda ids, nodes: done.append(("exclude", *ids, *sorted(nodes))))
    return done


def test_what_was_queued_after_a_job_began_is_held_back_too(store, acts):
    arrays = tuple(Array(job=name, first=int(name) - 7, count=1, minutes=10, workers=1) for name in ("7", "8"))
    one = submitted(store.root, SPECS[:2], profile=HERE, arrays=arrays[:1])
    begun = ledger.load(one.folder)
    dataclasses.replace(one, arrays=arrays).save()
    job._hold_back(begun)
    assert acts == [("cancel", "7", "8")]


FAULT = f"{deaths.SITE_FAULT}:0"


@pytest.mark.parametrize(
    ("others", "alone"),
    [
        ([("RUNNING", "n2", "0:0")], True),
        ([("FAILED", "n1", FAULT), ("RUNNING", "n2", "0:0")], True),
        ([("FAILED", "n3", FAULT), ("RUNNING", "n2", "0:0")], False),
        ([("RUNNING", "n1", "0:0")], False),
        ([("COMPLETED", "n2", "0:0")], False),
        ([], False),
    ],
)
def test_a_node_that_is_alone_at_fault_is_left_and_the_jobs_that_wait_go_to_others(
    store, monkeypatch, acts, others, alone
):
    one = submitted(store.root, profile=HERE, report_job="9", excluded=("n8",))
    jobs = [
        Job(one.job_of(number), one.array_name(0), state, node, "", code)
        for number, (state, node, code) in enumerate(others, 1)
    ]
    monkeypatch.setattr(scheduler, "known", lambda: [*jobs, Job("5", "theirs", "RUNNING", "n4", "")])
    job._hold_back(one)
    assert acts == [("exclude", "7", "9", "n1", "n8")] if alone else acts == [("cancel", "7")]


def test_a_fault_that_another_node_has_reported_is_the_sites(store, monkeypatch, acts):
    one = submitted(store.root, profile=HERE)
    monkeypatch.setattr(scheduler, "known", lambda: [queued(one, 2, "RUNNING", node="n2")])
    attempted(one, 1, end="waiting", node="n2")
    job._hold_back(one)
    assert acts == [("cancel", "7")]


def test_what_nobody_can_tell_of_other_nodes_speaks_for_the_site(store, monkeypatch, acts):
    monkeypatch.setattr(scheduler, "known", silent)
    job._hold_back(submitted(store.root, profile=HERE))
    assert acts == [("cancel", "7")]
