"""Runs that the threads of one process train at once: on a CPU, which has no streams, each as it is alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from repro.errors import CaptureError
from repro.runs.store import Store
from repro.training import turns
from tests.training.short import go, short


def test_runs_at_once_end_as_they_do_alone(whole, tmp_path):
    specs = [short(seed=seed) for seed in range(3)]
    stores = [Store(tmp_path / name) for name in ("alone", "at once")]
    for spec in specs[1:]:
        go(spec, stores[0])
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda spec, turn: go(spec, stores[1], turn=turn), specs, turns(3)))
    expected = [whole.digest, *(stores[0].run(spec).digest for spec in specs[1:])]
    found = [stores[1].run(spec) for spec in specs]
    assert [run.digest for run in found] == expected
    assert [run.record["parts"][0]["runs_at_once"] for run in found] == [3] * 3
    assert "runs_at_once" not in whole.record["parts"][0]


def test_no_run_begins_before_all_are_ready_and_they_are_made_ready_one_at_a_time():
    done, busy = [], threading.Lock()

    def run(turn):
        with turn.preparing():
            assert busy.acquire(blocking=False)
            time.sleep(0.02)
            busy.release()
            done.append("ready")
        done.append("begun")

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(run, turns(3)))
    assert done == ["ready"] * 3 + ["begun"] * 3


def test_a_run_that_leaves_holds_up_nobody():
    first, second, third = turns(3)
    second.leave()
    second.leave()

    def fails():
        with pytest.raises(ValueError, match="no data"), third.preparing():
            raise ValueError("no data")
        third.leave()

    with ThreadPoolExecutor(1) as threads:
        failing = threads.submit(fails)
        with first.preparing():
            pass
        failing.result()


def test_an_error_that_spoils_the_device_reaches_every_run_that_is_not_under_way():
    spoiling, waiting, late = turns(3)
    with ThreadPoolExecutor(1) as threads:

        def waits():
            with waiting.preparing():
                ready.set()

        ready = threading.Event()
        found = threads.submit(waits)
        ready.wait()
        with pytest.raises(CaptureError), spoiling.preparing():
            raise CaptureError("captured", "operation not permitted")
        assert (found.exception().way, found.exception().found) == ("captured", "operation not permitted")
    with pytest.raises(CaptureError, match="not permitted"), late.preparing():
        pytest.fail("it used the device")


def test_a_run_that_is_told_to_stop_waits_for_nobody():
    first, _ = turns(2)
    with first.preparing(pause=lambda: True):
        pass


def test_a_run_alone_waits_for_nobody():
    (turn,) = turns(1)
    with turn.preparing():
        pass
    assert turn.runs == 1
