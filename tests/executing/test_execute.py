"""Running a plan on the smallest networks: in worker processes where only a process can show it, otherwise here."""

import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from repro.claim import ONE_LOOK
from repro.compare import Measure
from repro.errors import DataError, SpecError, StoreError
from repro.executing import pool
from repro.executing.execute import run_all
from repro.executing.pool import Assignment, Done, Setup, work
from repro.recipes import SCALES, cifar, imagenet
from repro.runs.store import Store
from tests import made


def tiny(seed, epochs=1):
    return dataclasses.replace(cifar("smoke", seed, depth=8), epochs=epochs, learning_rate_drops=())


def check_of(runs, looks=ONE_LOOK):
    """A check that wants the runs that ``runs(scale, seed)`` names."""
    return made.check_of(runs, id="tiny", rule=Measure(reason="a test"), looks=looks)


def test_a_plan_is_trained_by_worker_processes_and_a_second_call_trains_nothing(tmp_path):
    check = check_of(lambda scale, seed: {"one": tiny(seed)}, looks=dict.fromkeys(SCALES, (3,)))
    tally = run_all([check], Store(tmp_path), data_dir=Path(), device="cpu", workers=2)
    assert tally.count("complete") == 3
    assert not tally.stopped
    runs = [Store(tmp_path).run(tiny(seed)) for seed in range(3)]
    assert all(run.record["criteria"]["smoke:tiny"] == check.criterion_sha256 for run in runs)
    assert all(run.record["parts"][0]["threads"] == 1 for run in runs)
    assert run_all([check], Store(tmp_path), data_dir=Path(), device="cpu", workers=1).done == {}
    assert [Store(tmp_path).run(run.spec).sha256 for run in runs] == [run.sha256 for run in runs]


def test_a_run_keeps_the_rules_of_checks_that_were_collected_beside(tmp_path, in_threads):
    check, beside = (
        made.check_of(lambda scale, seed: {"one": tiny(seed)}, id=name, rule=Measure(reason="a test"), looks=ONE_LOOK)
        for name in ("tiny", "beside")
    )
    run_all([check], Store(tmp_path), data_dir=Path(), device="cpu", workers=1, collected=[check, beside])
    assert {*Store(tmp_path).run(tiny(0)).record["criteria"]} == {"judging code", "smoke:tiny", "smoke:beside"}


def test_a_budget_pauses_runs_and_the_next_call_resumes_them(tmp_path, in_threads):
    long = check_of(lambda scale, seed: {"long": tiny(0, epochs=500)})
    store, spec = Store(tmp_path), tiny(0, epochs=500)

    def parts(budget):
        """How many processes have trained the run, once there was time for one more to reach a checkpoint."""
        tally = run_all([long], store, data_dir=Path(), device="cpu", workers=1, budget=budget)
        assert tally.stopped
        return len((store.position(spec) or {"parts": ()})["parts"])

    for wanted in (1, 2):
        # A busy machine may need most of a budget to import torch.
        assert any(parts(budget) == wanted for budget in (1, 3, 10, 30, 120, 480))
        assert store.condition(spec) == "paused"


@pytest.mark.parametrize(("last", "stopped"), [("complete", False), ("failed", False), ("paused", True), (None, True)])
def test_a_budget_that_ends_with_the_last_run_left_nothing(tmp_path, monkeypatch, last, stopped):
    check = check_of(lambda scale, seed: {"one": tiny(seed)}, looks=dict.fromkeys(SCALES, (2,)))

    def train(tasks, _setup, _stop, report):
        for task, status in zip(tasks, ("complete", last), strict=True):
            if status is not None:
                report(Done(spec=task.spec, status=status, seconds=1.0))
        return False  # out of time

    monkeypatch.setattr("repro.executing.pool.train", train)
    assert run_all([check], Store(tmp_path), data_dir=Path(), device="cpu", workers=1).stopped == stopped


def test_missing_data_is_reported_before_any_worker_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.executing.pool.train", lambda *_: pytest.fail("a worker would have started"))
    check = check_of(lambda scale, seed: {"one": cifar("pilot", seed, depth=14)}, looks=dict.fromkeys(SCALES, (3,)))
    with pytest.raises(DataError, match="holds no CIFAR-10"):
        run_all([check], Store(tmp_path), data_dir=tmp_path, device="cpu", workers=1)
    assert all(Store(tmp_path).condition(cifar("pilot", i, depth=14)) == "missing" for i in range(3))


def test_broken_data_leave_no_folder_of_a_run(tmp_path, in_threads):
    (tmp_path / "train.parquet").write_text("no Parquet")
    (tmp_path / "test.parquet").write_text("no Parquet")
    check = check_of(lambda scale, seed: {"one": cifar("pilot", seed, depth=8)}, looks=dict.fromkeys(SCALES, (3,)))
    with pytest.raises(DataError, match=r"train\.parquet cannot be read"):
        run_all([check], Store(tmp_path / "store"), data_dir=tmp_path, device="cpu", workers=1)
    assert list((tmp_path / "store").iterdir()) == []


def test_more_processes_than_this_machine_has_are_refused_in_one_line_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.executing.pool.train", lambda *_: pytest.fail("a worker would have started"))
    check = check_of(lambda scale, seed: {"one": imagenet("paper", seed, depth=18)}, looks=dict.fromkeys(SCALES, (3,)))
    for device, there in (("cuda:0,cuda:1", "8 GPUs at once, but there are 2"), ("cpu", "8 cores at once, but there")):
        monkeypatch.setattr("repro.executing.trainable_here.processes", lambda found: 2)
        with pytest.raises(SpecError, match=there) as caught:
            run_all([check], Store(tmp_path / "store"), data_dir=tmp_path, device=device)
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_runs_of_several_processes_come_last_and_alone_with_a_device_each(tmp_path, monkeypatch):
    calls, given = [], []
    monkeypatch.setattr(
        pool, "_train", lambda tasks, setup, *_: calls.append(([one.spec for one in tasks], setup.workers)) or True
    )
    eight, one, other = imagenet("paper", 0, depth=18), tiny(0), tiny(1)
    setup = Setup(
        store=Store(tmp_path), data_dir=Path(), device="cuda:0", workers=9, deadline=None,
        devices=tuple(f"cuda:{index}" for index in range(9)),
    )  # fmt: skip
    tasks = [Assignment(spec=spec, criteria={}, setup=setup) for spec in (one, eight, other)]
    assert pool.train(tasks, setup, None, None)
    assert calls == [([one, other], 9), ([eight], 1)]
    monkeypatch.setattr("repro.training.run", lambda *_, devices, **__: given.append(devices) or "complete")
    for task in tasks:
        work([task])
    assert given == [(), setup.devices[:8], ()]


def test_an_edited_spec_fails_its_run_alone(tmp_path, in_threads):
    store = Store(tmp_path)
    folder = store.begin(tiny(0))
    other = tiny(0, epochs=2)
    (folder / "spec.json").write_text(other.to_json())
    check = check_of(lambda scale, seed: {"one": tiny(0), "two": other})
    tally = run_all([check], store, data_dir=Path(), device="cpu", workers=1)
    assert {key: done.status for key, done in tally.done.items()} == {tiny(0).key: "failed", other.key: "complete"}
    assert "it was edited" in tally.done[tiny(0).key].error


def test_a_file_that_cannot_be_written_stops_everything_with_one_error(tmp_path, in_threads):
    store = Store(tmp_path)
    (store.folder(tiny(0)) / "measurements" / "accuracy.json").mkdir(parents=True)
    check = check_of(lambda scale, seed: {"one": tiny(seed)}, looks=dict.fromkeys(SCALES, (2,)))
    with pytest.raises(StoreError, match=r"accuracy.json cannot be written"):
        run_all([check], store, data_dir=Path(), device="cpu", workers=1)


def killer(results, keys):
    """Kills the worker that holds the run, as soon as it holds it."""
    while True:
        for lease in Path(results).glob(f"{keys}/lease.*"):
            os.kill(json.loads(lease.read_text())["pid"], signal.SIGKILL)
            return
        time.sleep(0.01)


def test_a_worker_killed_once_is_replaced_and_its_run_completed(tmp_path):
    spec = tiny(0, epochs=3)
    context = multiprocessing.get_context("spawn")
    assassin = context.Process(target=killer, args=(str(tmp_path), spec.key))
    assassin.start()
    try:
        check = check_of(lambda scale, seed: {"one": spec, "two": tiny(seed)})
        tally = run_all([check], Store(tmp_path), data_dir=Path(), device="cpu", workers=1)
    finally:
        assassin.kill()
        assassin.join()
    assert tally.count("complete") == 2


def test_two_callers_train_each_run_once(tmp_path, begin):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from tests.executing.test_execute import *\n"
        "if __name__ == '__main__':\n"
        "    check = check_of(lambda scale, seed: {'one': tiny(seed, epochs=4)}, looks=dict.fromkeys(SCALES, (3,)))\n"
        "    out = run_all([check], Store(Path(sys.argv[1])), data_dir=Path(), device='cpu', workers=1)\n"
        "    assert not out.stopped\n"
    )
    callers = [begin(code) for _ in range(2)]
    assert [caller.wait() for caller in callers] == [0, 0]
    store = Store(tmp_path / "results")
    assert all(len(store.run(tiny(i, epochs=4)).record["parts"]) == 1 for i in range(3))
    assert not list(store.root.glob("*/lease.*"))


def test_an_interrupt_checkpoints_what_is_under_way(tmp_path, begin):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from tests.executing.test_execute import *\n"
        "if __name__ == '__main__':\n"
        "    check = check_of(lambda scale, seed: {'long': tiny(0, epochs=500)})\n"
        "    out = run_all([check], Store(Path(sys.argv[1])), data_dir=Path(), device='cpu', workers=1)\n"
        "    sys.exit(42 if out.stopped else 1)\n"
    )
    caller = begin(code)
    store, spec = Store(tmp_path / "results"), tiny(0, epochs=500)
    history = store.folder(spec) / "history.jsonl"
    while not history.exists() and caller.poll() is None:
        time.sleep(0.05)
    caller.send_signal(signal.SIGINT)
    assert caller.wait() == 42
    assert store.condition(spec) == "paused"


def test_a_second_interrupt_ends_even_a_worker_that_does_not_checkpoint(tmp_path, begin):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from tests.executing.test_execute import *\n"
        "if __name__ == '__main__':\n"
        "    check = check_of(lambda scale, seed: {'long': tiny(0, epochs=500)})\n"
        "    run_all([check], Store(Path(sys.argv[1])), data_dir=Path(), device='cpu', workers=1)\n"
    )
    caller, folder = begin(code), Store(tmp_path / "results").folder(tiny(0, epochs=500))
    while not (folder / "history.jsonl").exists() and caller.poll() is None:
        time.sleep(0.05)
    (lease,) = folder.glob("lease.*")
    worker = json.loads(lease.read_text())["pid"]
    os.kill(worker, signal.SIGSTOP)
    try:
        caller.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            caller.wait(1)
        caller.send_signal(signal.SIGINT)
        assert caller.wait() == -signal.SIGINT
    finally:
        os.kill(worker, signal.SIGCONT)
    while Path(f"/proc/{worker}").exists() and "State:\tZ" not in Path(f"/proc/{worker}/status").read_text():
        time.sleep(0.05)
    assert Store(tmp_path / "results").condition(tiny(0, epochs=500)) == "missing"  # not "training"; no checkpoint yet


def test_no_more_workers_are_prepared_than_there_are_runs(tmp_path, monkeypatch):
    asked = []

    def executor(workers, *_args, **_more):
        asked.append(workers)
        raise StoreError("enough")

    monkeypatch.setattr(pool, "ProcessPoolExecutor", executor)
    check = check_of(lambda scale, seed: {"arm": tiny(seed)})
    with pytest.raises(StoreError, match="enough"):
        run_all([check], Store(tmp_path), data_dir=Path(), device="cpu", workers=10**5)
    assert asked == [len(check.runs(check.looks[-1]))]
