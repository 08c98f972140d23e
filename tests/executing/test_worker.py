"""A worker process: how a run ends in it, and the process that succeeds one whose GPU is spoiled."""

import os
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from repro.errors import CaptureError, StoreError
from repro.executing import worker
from repro.executing.worker import Assignment, Done, Setup, work
from repro.runs.store import Store
from tests.executing.test_execute import tiny


def test_a_worker_reports_an_unexpected_error_instead_of_raising(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.training.learner", lambda *_: 1 / 0)
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cpu", workers=1, deadline=None)
    (done,) = work([Assignment(spec=tiny(0), criteria={}, setup=setup)])
    assert (done.status, done.error) == ("failed", "ZeroDivisionError: division by zero")


def test_a_worker_whose_gpu_is_spoiled_hands_its_runs_to_a_process_without_that_way(tmp_path, monkeypatch):
    tried, started, handed = [], [], []

    class Process:
        def __init__(self, workers, context, initializer, initargs):
            started.append((workers, initargs[1].get(), initargs[2]))

        def submit(self, function, assignment):
            handed.append((function, assignment))
            future = Future()
            future.set_result(["done there"])
            return future

        def shutdown(self):
            pass

    def spoiled(spec, store, *, avoid, **_):
        tried.append(dict(avoid))
        raise CaptureError("compiled", "permission")

    monkeypatch.setattr(worker, "ProcessPoolExecutor", Process)
    monkeypatch.setattr(worker, "_DEVICE", "cuda:1")
    monkeypatch.setattr(worker, "_AVOID", {"other": "why"})
    monkeypatch.setattr(worker, "_SUCCESSOR", None)
    monkeypatch.setattr("repro.training.run", spoiled)
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cuda", workers=1, deadline=None)
    assignments = [Assignment(spec=tiny(seed), criteria={}, setup=setup) for seed in range(2)]
    assert [work([one]) for one in assignments] == [["done there"], ["done there"]]
    assert tried == [{"other": "why"}]
    assert started == [(1, "cuda:1", {"other": "why", "compiled": "permission"})]
    assert handed == [(work, [one]) for one in assignments]


@pytest.fixture
def at_once(tmp_path):
    """Trains three runs at once in this process."""
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cpu", workers=1, deadline=None, threads=3)
    assignments = [Assignment(spec=tiny(seed), criteria={}, setup=setup) for seed in range(3)]
    return lambda: work(assignments)


def test_runs_at_once_are_all_reported(at_once, tmp_path):
    assert [(done.spec, done.status) for done in at_once()] == [(tiny(seed), "complete") for seed in range(3)]
    assert all(Store(tmp_path).run(tiny(seed)).record["parts"][0]["runs_at_once"] == 3 for seed in range(3))


def test_runs_at_once_whose_gpu_one_of_them_spoiled_are_trained_again_alone(at_once, monkeypatch):
    again = []

    class Successor:
        def submit(self, function, assignments):
            again.append([one.spec.seed for one in assignments])
            future = Future()
            future.set_result([Done(spec=assignments[0].spec, status="complete", seconds=1.0)])
            return future

    def run(spec, store, **_):
        if spec.seed:
            words = "CUDA error: an illegal memory access was encountered", "the same in words that nobody knows"
            raise RuntimeError(words[spec.seed - 1])
        return "complete"

    monkeypatch.setattr(worker, "_succeed", lambda avoid: Successor())
    monkeypatch.setattr("repro.training.run", run)
    assert [(done.spec.seed, done.status) for done in at_once()] == [(seed, "complete") for seed in range(3)]
    assert again == [[1], [2]]


def test_an_error_of_one_that_would_stop_every_run_pauses_those_at_once_with_it(at_once, monkeypatch):
    ended = []

    def run(spec, store, *, pause, turn, **_):
        with turn.preparing():
            pass
        if spec.seed == 1:
            raise StoreError("the disk is full")
        while not pause():
            time.sleep(0.01)
        ended.append(spec.seed)
        return "paused"

    monkeypatch.setattr("repro.training.run", run)
    with pytest.raises(StoreError, match="the disk is full"):
        at_once()
    assert sorted(ended) == [0, 2]


def handed_over():
    """In a worker: the process that does its work from now on."""
    return worker._succeed({}).submit(os.getpid).result()


def test_a_pool_ends_whose_worker_handed_its_runs_over(begin):
    code = (
        "import multiprocessing, os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from repro.executing import worker\n"
        "from tests.executing.test_worker import handed_over\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    drawn = context.SimpleQueue()\n"
        "    drawn.put('cpu')\n"
        "    given = (context.Event(), drawn)\n"
        "    workers = ProcessPoolExecutor(1, context, initializer=worker.start, initargs=given)\n"
        "    first, second = workers.submit(os.getpid).result(), workers.submit(handed_over).result()\n"
        "    workers.shutdown()\n"
        "    sys.exit(42 if first != second else 1)\n"
    )
    assert begin(code).wait(120) == 42


def test_after_an_error_that_spoils_the_gpu_another_process_trains_what_follows(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(worker, "_succeed", lambda avoid: begun.append(dict(avoid)))
    monkeypatch.setattr(worker, "_AVOID", {"fused": "why"})
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cuda", workers=1, deadline=None)
    for error in (
        RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("Triton Error [CUDA]: misaligned address"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    ):

        def spoiled(*_, error=error, **_more):
            raise error

        monkeypatch.setattr("repro.training.run", spoiled)
        (done,) = work([Assignment(spec=tiny(0), criteria={}, setup=setup)])
        assert done.status == "failed"
    assert begun == [{"fused": "why"}] * 3


def test_of_runs_at_once_those_that_ran_out_of_memory_are_trained_again_alone(at_once, monkeypatch):
    class OutOfMemoryError(RuntimeError):
        """Torch's, in its words."""

    tried = []

    def run(spec, store, *, turn, **_):
        tried.append(spec.seed)
        if spec.seed and turn is not None and turn.runs > 1:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return "complete"

    monkeypatch.setattr("repro.training.run", run)
    assert [(done.spec.seed, done.status) for done in at_once()] == [(seed, "complete") for seed in range(3)]
    assert sorted(tried[:3]) == [0, 1, 2] and tried[3:] == [1, 2]
