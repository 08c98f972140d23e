"""What survives of a run that is paused, killed, crashes, or finds no room to write."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs.files import write
from repro.runs.lease import Lease
from repro.runs.store import CHECKPOINT, Store
from tests.training.short import go, short


@pytest.mark.parametrize("steps", [1, 15, 16, 31])
def test_paused_and_resumed_equals_uninterrupted(steps, whole, tmp_path):
    store, left = Store(tmp_path), iter(range(steps))
    assert go(short(), store, pause=lambda: next(left, None) is None) == "paused"
    assert store.condition(short()) == "paused"
    assert go(short(), store) == "complete"
    assert store.run(short()).digest == whole.digest
    assert len(store.run(short()).record["parts"]) == 2


def test_a_resumed_run_keeps_the_rules_that_its_training_began_under(tmp_path):
    store, left = Store(tmp_path), iter(range(5))
    go(short(), store, pause=lambda: next(left, None) is None, criteria={"smoke:a": "0" * 64})
    go(short(), store, criteria={"smoke:a": "1" * 64, "smoke:b": "1" * 64})
    assert store.run(short()).record["criteria"] == {"smoke:a": "0" * 64}


WORKER = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from repro.runs.store import Store
from tests.training.short import go, short
left = iter(range({steps} + 3))
go(short(), Store(Path(sys.argv[1])), checkpoint_every=0.0, pause=lambda: next(left, None) is None and time.sleep(600))
"""


@pytest.mark.parametrize("steps", [2, 40])  # amid the first epoch and after it
def test_killed_and_resumed_equals_uninterrupted(steps, whole, tmp_path):
    """SIGKILL at a checkpoint or near one, as it comes; the next process goes on from the last whole one."""
    store, spec = Store(tmp_path), short()
    code = WORKER.format(path=[str(Path(__file__).parents[2])], steps=steps)
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    while process.poll() is None:
        position = store.position(spec)
        if position is not None and position["epoch"] * spec.row_steps + position["step"] >= steps:
            break
        time.sleep(0.001)  # the worker needs the core
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert store.condition(spec) == "paused"
    assert go(spec, store) == "complete"
    assert store.run(spec).digest == whole.digest


def test_a_checkpoint_of_a_batchnorm_only_resnet_866_is_under_a_megabyte(tmp_path):
    import torch

    from repro.training.checkpoint import Past, write_checkpoint
    from repro.training.learner import learner

    spec = cifar("smoke", 0, depth=866)
    write_checkpoint(tmp_path, spec, learner(spec, Path(), torch.device("cpu")), Past(criteria={}), [])
    assert (tmp_path / CHECKPOINT).stat().st_size < 1_000_000


def test_a_run_that_another_process_holds_is_left_alone(tmp_path):
    store = Store(tmp_path)
    lease = Lease.take(store.begin(short()))
    assert go(short(), store) == "held"
    lease.release()
    assert store.condition(short()) == "missing"


def test_a_crash_is_left_behind_with_its_traceback_and_tried_again(tmp_path, monkeypatch):
    store = Store(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("repro.training.learner", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            go(short(), store)
    assert store.condition(short()) == "failed"
    assert "ZeroDivisionError" in store.failure(short())
    assert go(short(), store) == "complete"
    assert not (store.folder(short()) / "failure.json").exists()


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path):
    store = Store(tmp_path)
    write(store.begin(short()) / CHECKPOINT, b"not a checkpoint")
    with pytest.raises(StoreError, match="is damaged .* delete it to train this run from the start"):
        go(short(), store)


def test_a_full_disk_stops_the_run_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    store = Store(tmp_path)

    def full(path, content):
        path.write_bytes(content[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("repro.runs.files._write_through", full)
        with pytest.raises(StoreError, match="No space left on device. Free some space"):
            go(short(), store)
    assert [path for path in store.folder(short()).rglob("*") if path.is_file()] == []
    assert go(short(), store) == "complete"


def test_a_folder_in_which_no_lease_can_be_taken_is_named(tmp_path, monkeypatch):
    def forbidden(folder):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Lease, "take", forbidden)
    with pytest.raises(StoreError, match=f"{short().key} cannot be written: Read-only file system. Make it writable"):
        go(short(), Store(tmp_path))


def test_a_first_life_that_ends_late_never_writes_over_a_second(whole, tmp_path):
    """A process that slept so long that it was taken for dead stops at its next write, wherever it slept."""
    store = Store(tmp_path)
    folder = store.folder(short())

    def sleep_through_a_second_life():
        if sleep_through_a_second_life.steps == 20:  # in the second epoch
            for lease in folder.glob("lease.*"):  # as if it had expired
                lease.unlink()
            assert go(short(), store) == "complete"
        sleep_through_a_second_life.steps += 1
        return False

    sleep_through_a_second_life.steps = 0
    with pytest.raises(StoreError, match="taken over by another process"):
        go(short(), store, pause=sleep_through_a_second_life)
    assert store.run(short()).digest == whole.digest
    assert len(store.run(short()).record["parts"]) == 1
    store.run(short()).check()


def test_a_new_attempt_forgets_the_failure_of_the_one_before(tmp_path):
    store = Store(tmp_path)
    store.begin(short())
    store.fail(short(), "out of memory", "")
    assert store.condition(short()) == "failed"
    go(short(), store, pause=lambda: True)
    assert store.condition(short()) == "paused"


def test_progress_of_a_paused_run_is_the_share_behind_it(tmp_path):
    store, steps = Store(tmp_path), iter(range(1000))
    go(short(), store, pause=lambda: next(steps) >= 23)  # an epoch has 15 steps
    assert store.progress(short()) == pytest.approx((1 + 8 / 15) / 3, abs=0.03)
    (store.folder(short()) / CHECKPOINT).write_bytes(b"torn")
    assert store.progress(short()) == 0.0


def test_an_attempt_without_progress_leaves_no_part(tmp_path):
    store = Store(tmp_path)
    go(short(), store, pause=lambda: True)
    assert store.position(short())["parts"] == []
