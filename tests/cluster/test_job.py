"""How an attempt of a job ends, when the scheduler's signal comes while it trains."""

import dataclasses
import json
import signal

import pytest

from repro.cluster import job, scheduler
from repro.cluster.ledger import attempts
from repro.executing.worker import Done
from tests.cluster.made import BOX, SPECS, submitted


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
