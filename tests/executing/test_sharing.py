"""How runs share a GPU: decided from pretended measurements, on a machine without one."""

import dataclasses
import json
import multiprocessing
import os
import queue
from pathlib import Path

import pytest

from repro.executing import execute, shared_rate, sharing
from repro.executing.execute import run_all
from repro.executing.shared_rate import StoppedError
from repro.executing.sharing import Measured, Sharing, measure, per_gpu, soonest
from repro.recipes import cifar
from repro.runs.store import Store
from tests.executing.test_execute import check_of, tiny

SMALL, LARGE = cifar("smoke", 0, depth=8), cifar("smoke", 0, depth=14)
GAINING = {1: 100.0, 2: 180.0, 4: 300.0, 8: 301.0}
FULL = {1: 50.0, 2: 50.0}


class Machine:
    """A GPU on which so many runs of a network of each depth train so fast, in processes and in threads of one."""

    def __init__(self, by_depth, threads=None):
        self.rates, self.asked = {False: by_depth, True: threads or {}}, []

    def __call__(self, spec, count, threads):
        self.asked.append((spec.depth, count, threads))
        return self.rates[threads].get(spec.depth, {}).get(count)


def alike(spec, number, seconds):
    return [(dataclasses.replace(spec, seed=seed), seconds / number) for seed in range(number)]


def shared(store, machine, runs=((SMALL, 4000.0),), budget=None):
    return per_gpu(runs, store, "cuda", budget=budget, rate=machine, tell=lambda _: None)


def test_runs_are_doubled_until_that_gains_nothing():
    found = measure(SMALL, Machine({8: GAINING | {16: 900.0}}), threads=False)
    assert found.rates == {"1": 100.0, "2": 180.0, "4": 300.0, "8": 301.0}
    assert measure(SMALL, Machine({8: FULL | {4: 900.0}}), threads=False).rates == {"1": 50.0, "2": 50.0}


def test_runs_are_doubled_until_they_no_longer_fit():
    assert measure(SMALL, Machine({8: {1: 100.0, 2: 190.0}}), threads=False).rates == {"1": 100.0, "2": 190.0}


def test_threads_are_measured_from_two_on_and_only_where_they_are_wanted():
    machine = Machine({8: FULL}, {8: {2: 80.0, 4: 81.0}})
    found = measure(SMALL, machine, threads=True)
    assert (found.rates, found.threads) == ({"1": 50.0, "2": 50.0}, {"1": 50.0, "2": 80.0, "4": 81.0})
    assert machine.asked == [(8, 1, False), (8, 2, False), (8, 2, True), (8, 4, True)]
    assert measure(SMALL, machine, threads=False).threads == {}
    assert measure(SMALL, Machine({}, {8: {2: 80.0}}), threads=True).threads == {}


def test_as_many_share_a_gpu_as_end_soonest(tmp_path):
    assert shared(Store(tmp_path), Machine({8: GAINING})) == Sharing(runs=4)
    assert shared(Store(tmp_path / "full"), Machine({8: FULL})) == Sharing()
    assert shared(Store(tmp_path / "near"), Machine({8: GAINING}, {8: {2: 190.0, 4: 310.0}})) == Sharing(runs=4)


def test_threads_share_a_gpu_where_there_are_enough_seeds_of_one_condition(tmp_path):
    fast = {8: {2: 80.0, 4: 120.0, 8: 121.0}}
    for name, number, best in (("eight", 8, 4), ("two", 2, 2), ("one", 1, 1)):
        found = shared(Store(tmp_path / name), Machine({8: FULL}, fast), runs=alike(SMALL, number, 4000.0))
        assert found == Sharing(runs=best, threads=best > 1)
    others = [(dataclasses.replace(SMALL, labels="shuffled"), 500.0), *alike(SMALL, 4, 3500.0)]
    assert shared(Store(tmp_path / "eight"), Machine({}), runs=others) == Sharing(runs=4, threads=True)


def test_the_answer_is_kept_beside_the_store(tmp_path):
    assert shared(Store(tmp_path), Machine({8: GAINING})) == Sharing(runs=4)
    again = Machine({})
    assert shared(Store(tmp_path), again) == Sharing(runs=4)
    assert shared(Store(tmp_path), again, runs=[(SMALL, 5.0)]) == Sharing(runs=4)
    assert again.asked == []
    (file,) = (tmp_path / ".sharing").glob("*.json")
    (kept,) = json.loads(file.read_text())
    assert kept.pop("threads") == {"1": 100.0}
    assert kept["rates"]["4"] == 300.0
    file.write_text(json.dumps([kept]))  # as it was before threads were measured
    once_more = Machine({8: GAINING})
    assert shared(Store(tmp_path), once_more) == Sharing(runs=4)
    assert once_more.asked != []


def test_a_damaged_answer_is_measured_again(tmp_path):
    shared(Store(tmp_path), Machine({8: GAINING}))
    (file,) = (tmp_path / ".sharing").glob("*.json")
    file.write_text('[{"spec": ')
    assert shared(Store(tmp_path), Machine({8: FULL})) == Sharing()


def test_a_measurement_that_takes_longer_than_it_saves_is_not_made(tmp_path):
    machine = Machine({8: GAINING})
    assert shared(Store(tmp_path), machine, runs=[(SMALL, 600.0)]) == Sharing()
    assert shared(Store(tmp_path), machine, budget=600.0) == Sharing()
    assert machine.asked == []


def test_a_network_that_fails_alone_shares_with_nobody(tmp_path):
    assert shared(Store(tmp_path), Machine({8: {}})) == Sharing()


def test_a_number_that_one_network_was_not_measured_with_is_not_taken(tmp_path):
    machine = Machine({8: GAINING, 14: {1: 80.0, 2: 140.0}})
    assert shared(Store(tmp_path), machine, runs=[(SMALL, 9000.0), (LARGE, 9.0)]) == Sharing(runs=2)


def test_networks_weigh_as_the_time_that_they_take():
    gaining, losing = (Measured(spec="", rates={"1": 100.0, "2": two}) for two in (160.0, 60.0))
    assert soonest([(gaining, [(2, 90.0)]), (losing, [(2, 10.0)])]) == Sharing(runs=2)
    assert soonest([(gaining, [(2, 10.0)]), (losing, [(2, 90.0)])]) == Sharing()
    assert soonest([]) == Sharing()


def test_of_sharings_that_are_as_fast_the_fewest_processes_and_runs_are_taken():
    rates = {"1": 100.0, "2": 199.0, "4": 205.0}
    for threads, best in (({"2": 196.0}, Sharing(runs=2, threads=True)), ({"2": 150.0}, Sharing(runs=2))):
        measured = Measured(spec="", rates=rates, threads={"1": 100.0, **threads})
        assert soonest([(measured, [(8, 800.0)])]) == best


@pytest.mark.parametrize("threads", [False, True])
def test_a_rate_is_measured_of_real_trainings_at_once(threads):
    rate = shared_rate.measured_rate(Path(), "cpu", stopped=lambda: False, seconds=0.2)
    assert rate(SMALL, 2, threads) > 0


@pytest.mark.parametrize("threads", [False, True])
def test_what_cannot_be_trained_has_no_rate(threads, tmp_path):
    rate = shared_rate.measured_rate(tmp_path, "cpu", stopped=lambda: False, seconds=0.2)
    assert rate(cifar("pilot", 0, depth=8), 2, threads) is None  # there are no images


def test_a_killed_process_is_not_waited_for():
    context = multiprocessing.get_context("spawn")
    killed = context.Process(target=os.abort)
    killed.start()
    with pytest.raises(queue.Empty):
        shared_rate._answer(context.Queue(), lambda: False, 600.0, [killed])


@pytest.fixture
def two_gpus(monkeypatch):
    setups = []
    monkeypatch.setattr(execute, "devices", lambda _: ("cuda:0", "cuda:1"))

    def train(tasks, setup, stop, report):
        setups.append(setup)
        return False

    monkeypatch.setattr(execute.pool, "train", train)
    return setups


def train_all(store, **more):
    return run_all([check_of(lambda scale, seed: {"one": tiny(seed)})], store, data_dir=Path(), **more)


def test_every_gpu_trains_as_many_runs_as_share_one(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "per_gpu", lambda *_, **__: Sharing(runs=4))
    train_all(Store(tmp_path))
    assert (two_gpus[0].workers, two_gpus[0].threads, two_gpus[0].devices) == (8, 1, ("cuda:0", "cuda:1"))


def test_every_gpu_has_one_process_whose_threads_share_it(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "per_gpu", lambda *_, **__: Sharing(runs=4, threads=True))
    train_all(Store(tmp_path))
    assert (two_gpus[0].workers, two_gpus[0].threads) == (2, 4)


def test_workers_that_are_named_are_taken_as_they_are(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "per_gpu", lambda *_, **__: pytest.fail("measured"))
    train_all(Store(tmp_path), workers=3)
    assert two_gpus[0].workers == 3


def test_a_measurement_that_the_user_ends_is_not_kept(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "LEAST", 0.0)

    def measured_rate(data_dir, device, *, stopped):
        def rate(spec, count, threads):
            raise StoppedError

        return rate

    monkeypatch.setattr(shared_rate, "measured_rate", measured_rate)
    assert train_all(Store(tmp_path)).stopped
    assert two_gpus[0].workers == 2
    assert not (tmp_path / ".sharing").exists()
