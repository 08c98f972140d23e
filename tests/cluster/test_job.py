"""How an attempt of a job begins after a node was lost, and how it ends on a signal while it trains."""

import contextlib
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


@pytest.mark.parametrize(
    ("error", "of_the_node"),
    [
        ("AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable", True),
        ("RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable", True),
        ("RuntimeError: CUDA unknown error - this may be due to an incorrectly set up environment", True),
        ("RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized", True),
        ("RuntimeError: No CUDA GPUs are available", True),
        ("RuntimeError: CUDA error: uncorrectable ECC error encountered", True),
        ("torch.OutOfMemoryError: CUDA out of memory", False),
        ("RuntimeError: CUDA error: device-side assert triggered", False),
        ("ValueError: Error 80 of 802", False),
    ],
)
def test_errors_of_a_nodes_gpu_are_told_from_those_of_a_run(error, of_the_node):
    assert bool(job.NODE_ERRORS.search(error)) == of_the_node


@pytest.fixture
def training(store, monkeypatch):
    """A job of two runs: ``work`` tells what it would train, and how its attempt ended, a signal coming meanwhile."""
    given = {}

    def train(tasks, setup, stop, _note):
        given.update(keys=[task.spec.key for task in tasks], setup=setup)
        stop.signal = signal.SIGUSR2
        stop.event.set()

    def work(restart=0, before=None, **order):
        one = submitted(store.root, SPECS[:2], together=2, profile=dataclasses.replace(BOX, device="cpu", requeues=2))
        one = dataclasses.replace(one, order=dataclasses.replace(one.order, **order))
        one.save()
        runs = [{"spec": spec.to_json(), "criteria": {}} for spec in SPECS[:2]]
        one.element_file(0).write_text(json.dumps({"workers": 1, "minutes": 10, "runs": runs}))
        if before:
            attempted(one, 0, restart=restart - 1, end="requeued", runs=before)
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("SLURM_RESTART_COUNT", str(restart))
        with contextlib.suppress(SystemExit):
            job.work(str(one.folder), 0)
        return attempts(one, [0])[0][-1], given

    monkeypatch.setattr(job.pool, "train", train)
    monkeypatch.setattr(scheduler, "requeue", lambda _: None)
    return work


@pytest.mark.parametrize(
    ("restart", "end", "words"),
    [
        (1, "requeued", "the scheduler's signal: preempted, or out of time"),
        (2, "exhausted", "the scheduler's signal: preempted, or out of time, and all 2 requeues are used up"),
        (3, "exhausted", "requeued 3 times, and 2 are allowed"),
    ],
)
def test_a_job_is_requeued_as_often_as_its_profile_allows(training, restart, end, words):
    attempt, given = training(restart)
    assert (attempt.restart, attempt.end) == (restart, end)
    assert attempt.why.startswith(words)
    assert bool(given) == (restart <= 2)  # one that an operator has requeued too often trains nothing


def test_after_a_requeue_only_what_failed_is_not_trained_again(training):
    before = {SPECS[0].key: {"status": "failed", "seconds": 1.0, "error": "boom"}}
    before[SPECS[1].key] = {"status": "paused", "seconds": 1.0, "error": ""}
    attempt, given = training(1, before)
    assert given["keys"] == [SPECS[1].key]
    assert set(attempt.runs) == {SPECS[0].key}


@pytest.mark.parametrize(("any_code", "code"), [(False, "c0de"), (True, None)])
def test_jobs_train_with_the_code_they_were_planned_with_unless_the_user_said_otherwise(training, any_code, code):
    assert training(any_code=any_code)[1]["setup"].code == code


@pytest.mark.parametrize("told", [True, False])
def test_a_job_pauses_before_its_time_limit_by_itself(training, monkeypatch, told):
    """Half of ``stop_before`` ahead of it: SLURM's own warning was due before."""
    for name, value in {"REPRO_BEGAN": "1000.0", **({"SLURM_JOB_END_TIME": "9000"} if told else {})}.items():
        monkeypatch.setenv(name, value)
    end = 9000 if told else 1000 + 60 * 10
    assert training()[1]["setup"].deadline == end - BOX.seconds("stop_before") / 2


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
