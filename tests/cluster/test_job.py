"""How an attempt of a job begins after a node was lost, and how it ends on a signal while it trains."""

import dataclasses
import json
import signal

import pytest

from repro.cluster import job, scheduler
from repro.cluster.avoid import avoided
from repro.cluster.ledger import attempts
from repro.cluster.snapshot import read
from repro.executing.worker import Done
from tests.cluster.made import BOX, SPECS, attempted, submitted


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
    job._begin(one, 0, workers=1, gpus=0)
    assert excluded == [{"n1"}]
    assert avoided(read(store), BOX) == ("n1",)
    monkeypatch.setattr(scheduler, "troubles", lambda: {"n1": None, "n2": None})
    assert avoided(read(store), BOX) == ()
