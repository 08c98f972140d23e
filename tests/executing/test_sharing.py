"""How many runs share a GPU: decided from pretended measurements, on a machine without one."""

import json
from pathlib import Path

import pytest

from repro.executing import execute, sharing
from repro.executing.execute import run_all
from repro.executing.sharing import StoppedError, per_gpu, rates, soonest
from repro.recipes import cifar
from repro.runs.store import Store
from tests.executing.test_execute import check_of, tiny

SMALL, LARGE = cifar("smoke", 0, depth=8), cifar("smoke", 0, depth=14)
GAINING = {1: 100.0, 2: 180.0, 4: 300.0, 8: 301.0}
FULL = {1: 50.0, 2: 50.0}


class Machine:
    """A GPU on which a network of each depth trains so fast; keeps what was asked."""

    def __init__(self, by_depth):
        self.by_depth, self.asked = by_depth, []

    def __call__(self, spec, count):
        self.asked.append((spec.depth, count))
        return self.by_depth[spec.depth].get(count)


def shared(store, machine, runs=((SMALL, 4000.0),), budget=None):
    return per_gpu(runs, store, "cuda", budget=budget, rate=machine, tell=lambda _: None)


def test_runs_are_doubled_until_that_gains_nothing():
    machine = Machine({8: GAINING | {16: 900.0}})
    assert rates(SMALL, machine) == {"1": 100.0, "2": 180.0, "4": 300.0, "8": 301.0}
    machine = Machine({8: FULL | {4: 900.0}})
    assert rates(SMALL, machine) == {"1": 50.0, "2": 50.0}


def test_runs_are_doubled_until_they_no_longer_fit():
    assert rates(SMALL, Machine({8: {1: 100.0, 2: 190.0}})) == {"1": 100.0, "2": 190.0}


def test_as_many_share_a_gpu_as_end_soonest(tmp_path):
    assert shared(Store(tmp_path), Machine({8: GAINING})) == 4
    assert shared(Store(tmp_path / "full"), Machine({8: FULL})) == 1


def test_the_answer_is_kept_beside_the_store(tmp_path):
    assert shared(Store(tmp_path), Machine({8: GAINING})) == 4
    again = Machine({})
    assert shared(Store(tmp_path), again) == 4
    assert shared(Store(tmp_path), again, runs=[(SMALL, 5.0)]) == 4
    assert again.asked == []
    (file,) = (tmp_path / ".sharing").glob("*.json")
    assert json.loads(file.read_text())[0]["rates"]["4"] == 300.0


def test_a_damaged_answer_is_measured_again(tmp_path):
    shared(Store(tmp_path), Machine({8: GAINING}))
    (file,) = (tmp_path / ".sharing").glob("*.json")
    file.write_text('[{"spec": ')
    assert shared(Store(tmp_path), Machine({8: FULL})) == 1


def test_a_measurement_that_takes_longer_than_it_saves_is_not_made(tmp_path):
    machine = Machine({8: GAINING})
    assert shared(Store(tmp_path), machine, runs=[(SMALL, 600.0)]) == 1
    assert shared(Store(tmp_path), machine, budget=600.0) == 1
    assert machine.asked == []


def test_a_network_that_fails_alone_shares_with_nobody(tmp_path):
    assert shared(Store(tmp_path), Machine({8: {}})) == 1


def test_a_number_that_one_network_was_not_measured_with_is_not_taken(tmp_path):
    machine = Machine({8: GAINING, 14: {1: 80.0, 2: 140.0}})
    assert shared(Store(tmp_path), machine, runs=[(SMALL, 9000.0), (LARGE, 9.0)]) == 2


def test_networks_weigh_as_the_time_that_they_take():
    gaining, losing = {"1": 100.0, "2": 160.0}, {"1": 100.0, "2": 60.0}
    assert soonest([(gaining, 90.0), (losing, 10.0)]) == 2
    assert soonest([(gaining, 10.0), (losing, 90.0)]) == 1
    assert soonest([]) == 1


@pytest.fixture
def two_gpus(monkeypatch):
    sites = []
    monkeypatch.setattr(execute, "devices", lambda _: ("cuda:0", "cuda:1"))

    def train(tasks, site, stop, report):
        sites.append(site)
        return False

    monkeypatch.setattr(execute.pool, "train", train)
    return sites


def train_all(store, **more):
    return run_all([check_of(lambda scale, seed: {"one": tiny(seed)})], store, data_dir=Path(), **more)


def test_every_gpu_trains_as_many_runs_as_share_one(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "per_gpu", lambda *_, **__: 4)
    train_all(Store(tmp_path))
    assert (two_gpus[0].workers, two_gpus[0].devices) == (8, ("cuda:0", "cuda:1"))


def test_workers_that_are_named_are_taken_as_they_are(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "per_gpu", lambda *_, **__: pytest.fail("measured"))
    train_all(Store(tmp_path), workers=3)
    assert two_gpus[0].workers == 3


def test_a_measurement_that_the_user_ends_is_not_kept(tmp_path, two_gpus, monkeypatch):
    monkeypatch.setattr(sharing, "LEAST", 0.0)

    def measured_rate(data_dir, device, *, stopped):
        def rate(spec, count):
            raise StoppedError

        return rate

    monkeypatch.setattr(sharing, "measured_rate", measured_rate)
    assert train_all(Store(tmp_path)).stopped
    assert two_gpus[0].workers == 2
    assert not (tmp_path / ".sharing").exists()
