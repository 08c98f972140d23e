"""The pool of workers: what it gives them, what their deaths cost, and how signals reach it."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from repro.executing import pool
from repro.executing.pool import Assignment, Done, Setup
from repro.executing.signals import Stop
from repro.recipes import cifar
from repro.runs.store import Store
from tests.executing.test_execute import tiny


def test_runs_that_a_worker_trains_at_once_differ_in_their_seeds_alone(tmp_path, in_threads, monkeypatch):
    given = []

    def work(assignments):
        given.append([(one.spec.depth, one.spec.seed) for one in assignments])
        return [Done(spec=one.spec, status="complete", seconds=1.0) for one in assignments]

    monkeypatch.setattr(pool, "work", work)
    specs = [tiny(0), cifar("smoke", 0, depth=14), tiny(1), tiny(2), cifar("smoke", 1, depth=14), tiny(3)]
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cpu", workers=1, deadline=None, threads=3)
    tasks, ended = [Assignment(spec=spec, criteria={}, setup=setup) for spec in specs], []
    with Stop() as stop:
        assert pool.train(tasks, setup, stop, ended.append)
    assert given == [[(8, 0), (8, 1), (8, 2)], [(14, 0), (14, 1)], [(8, 3)]]
    assert {done.spec.key for done in ended} == {spec.key for spec in specs}


def test_no_worker_waits_while_another_trains_several(tmp_path, in_threads, monkeypatch):
    given, both = [], threading.Barrier(2)

    def work(assignments):
        both.wait(60)
        given.append(len(assignments))
        return [Done(spec=one.spec, status="complete", seconds=1.0) for one in assignments]

    monkeypatch.setattr(pool, "work", work)
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cpu", workers=2, deadline=None, threads=4)
    tasks = [Assignment(spec=tiny(seed), criteria={}, setup=setup) for seed in range(4)]
    with Stop() as stop:
        assert pool.train(tasks, setup, stop, lambda done: None)
    assert given == [2, 2]


def test_after_a_worker_died_runs_are_trained_one_at_a_time(tmp_path, in_threads, monkeypatch):
    given = []

    def work(assignments):
        given.append(len(assignments))
        if len(assignments) > 1:
            raise BrokenProcessPool("killed")
        return [Done(spec=one.spec, status="complete", seconds=1.0) for one in assignments]

    monkeypatch.setattr(pool, "work", work)
    setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cpu", workers=1, deadline=None, threads=2)
    tasks, ended = [Assignment(spec=tiny(seed), criteria={}, setup=setup) for seed in range(2)], []
    with Stop() as stop:
        assert pool.train(tasks, setup, stop, ended.append)
    assert given == [2, 1, 1]
    assert [done.status for done in ended] == ["complete"] * 2


def done(assignments):
    """What a worker tells of runs that have ended well."""
    return [Done(spec=one.spec, status="complete", seconds=1.0) for one in assignments]


@pytest.fixture
def deadly(monkeypatch):
    """Workers that die of the seeds given, each pool with all that it has under way; the rest end well."""

    class Pool:
        def __init__(self, workers, *_, **__):
            self.given = []

        def submit(self, _, assignments):
            self.given += assignments
            future = Future()
            if deaths["seeds"] & {one.spec.seed for one in assignments}:
                deaths["died"].append(len(self.given))
                future.set_exception(BrokenProcessPool("killed"))
            else:
                future.set_result(done(assignments))
            return future

        def shutdown(self, **_):
            pass

    deaths = {"seeds": set(), "died": []}
    monkeypatch.setattr(pool, "ProcessPoolExecutor", Pool)
    return deaths


def trained(store, count, workers=4):
    """What was told of each seed, and whether all ended."""
    setup = Setup(store=store, data_dir=Path(), device="cpu", workers=workers, deadline=None)
    tasks, ended = [Assignment(spec=tiny(seed), criteria={}, setup=setup) for seed in range(count)], {}
    with Stop() as stop:
        whole = pool.train(tasks, setup, stop, lambda done: ended.update({done.spec.seed: done.status}))
    return ended, whole


def test_a_run_that_kills_its_worker_condemns_no_other(tmp_path, deadly):
    deadly["seeds"] = {1}
    ended, whole = trained(Store(tmp_path), 6)
    assert ended == {seed: "crashed" if seed == 1 else "complete" for seed in range(6)}
    assert whole
    assert deadly["died"][-2:] == [1, 1]  # both times that count it was alone


def test_a_run_that_a_broken_pool_refuses_is_not_lost(tmp_path, in_threads, monkeypatch):
    class Refusing(ThreadPoolExecutor):
        def submit(self, *args):
            if next(calls) == 2:
                raise BrokenProcessPool("a worker died before")
            return super().submit(*args)

    calls = iter(range(100))
    monkeypatch.setattr(pool, "ProcessPoolExecutor", lambda workers, *_, **__: Refusing(workers))
    monkeypatch.setattr(
        pool, "work", lambda some: [Done(spec=one.spec, status="complete", seconds=1.0) for one in some]
    )
    ended, whole = trained(Store(tmp_path), 5, workers=3)
    assert (ended, whole) == (dict.fromkeys(range(5), "complete"), True)


def test_an_error_of_whoever_is_told_stops_what_is_under_way(tmp_path, in_threads, monkeypatch):
    with Stop() as stop:

        def work(assignments):
            if assignments[0].spec.seed:
                assert stop.event.wait(60)  # as a run that checkpoints once it is told to
            return [Done(spec=one.spec, status="complete", seconds=1.0) for one in assignments]

        monkeypatch.setattr(pool, "work", work)
        setup = Setup(store=Store(tmp_path), data_dir=Path(), device="cpu", workers=2, deadline=None)

        def closed(_):
            raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            pool.train([Assignment(spec=tiny(seed), criteria={}, setup=setup) for seed in (0, 1)], setup, stop, closed)


@pytest.mark.parametrize("look", ["stop.event.wait(60)", "stop.event.is_set()"])
def test_a_signal_does_not_wait_for_the_thread_that_it_interrupts(look):
    code = f"""
import os, signal, threading
from repro.executing.signals import Stop
with Stop() as stop:
    for _ in range(200):
        stop.signal = None
        stop.event.clear()
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()
        while not {look}:
            pass
print("every time")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "every time\n", done.stderr


def test_in_a_job_a_second_sigterm_does_nothing():
    with Stop(in_a_job=True) as stop:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.event.is_set()
        assert stop.signal == signal.SIGTERM
