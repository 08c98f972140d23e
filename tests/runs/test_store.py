"""A store: the condition of its runs, how they are begun and finished, and what a damaged folder says."""

import errno
import json
import math
import os
import pickle

import pytest

from repro.errors import DamagedRunError, StoreError
from repro.recipes import cifar
from repro.runs import files
from repro.runs.datasets import DATASETS
from repro.runs.files import explain_write_errors, write
from repro.runs.lease import Lease
from repro.runs.store import Store
from tests.runs.made import SPEC


def test_a_run_is_missing_paused_training_failed_or_complete(store, finished, paused):
    assert store.condition(SPEC) == "missing"
    paused(store, SPEC, epoch=1)
    assert store.condition(SPEC) == "paused"
    lease = Lease.take(store.folder(SPEC))
    assert store.condition(SPEC) == "training"
    lease.release()
    store.fail(SPEC, "RuntimeError: x", "…")
    assert store.condition(SPEC) == "failed"
    finished(store, SPEC)
    assert store.condition(SPEC) == "complete"
    assert not (store.folder(SPEC) / "failure.json").exists()


def test_a_folder_that_holds_another_spec_is_refused(store, finished):
    finished(store, SPEC)
    store.folder(SPEC).rename(store.root / cifar("smoke", 1, depth=8).key)
    with pytest.raises(StoreError, match="it was edited"):
        list(store.runs())


@pytest.mark.parametrize(
    ("number", "advice"),
    [(28, "Free some space"), (122, "Free some space"), (13, "Make it writable")],
    ids=["full", "quota", "forbidden"],
)
def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch, number, advice):
    path = tmp_path / "file"
    write(path, b"old")

    def fail(draft, content):
        draft.write_bytes(content[:1])
        raise OSError(number, "no luck")

    monkeypatch.setattr(files, "_write_through", fail)
    with pytest.raises(StoreError, match=f"cannot be written: no luck. {advice}"):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", [b"\xff", b"[" * 100_000, b"", b"[]"])
@pytest.mark.parametrize("name", ["spec.json", "checkpoint.safetensors"])
def test_an_unfinished_run_with_a_damaged_file_has_failed_and_says_which(store, paused, name, text):
    (paused(store, SPEC, epoch=1) / name).write_bytes(text)
    assert store.condition(SPEC) == "failed"
    assert name in store.failure(SPEC) and "delete" in store.failure(SPEC)


@pytest.mark.parametrize("text", [b"\xff", b"[" * 100_000, b"", b"[]", b"{}", None])
def test_a_damaged_failure_is_reported(store, text):
    path = store.begin(SPEC) / "failure.json"
    path.mkdir() if text is None else path.write_bytes(text)
    assert store.condition(SPEC) == "failed"
    assert "failure.json cannot be read" in store.failure(SPEC)


@pytest.mark.parametrize("name", ["spec.json", "run.json"])
def test_training_over_a_damaged_run_is_refused(store, finished, name):
    (finished(store, SPEC).folder / name).write_text("{}")
    with pytest.raises(DamagedRunError, match=name):
        store.begin(SPEC)


def test_a_store_whose_path_is_too_long_is_reported_as_one(tmp_path):
    with pytest.raises(StoreError, match="File name too long. Name a folder with --results"):
        Store(tmp_path / ("x" * 300)).condition(SPEC)


def test_a_folder_in_a_files_place_damages_its_run_alone(store):
    store.root.mkdir()
    store.folder(SPEC).write_text("")
    assert store.condition(SPEC) == "failed"
    assert "cannot be read (Not a directory)" in store.failure(SPEC)


def test_an_error_about_a_damaged_run_travels_between_processes(tmp_path):
    error = DamagedRunError(tmp_path, "is damaged", "delete it")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == f"{tmp_path} is damaged; delete it."


def test_drafts_of_killed_writers_are_gone_when_a_run_is_finished(store, finished):
    folder = store.begin(SPEC)
    for name in (".history.jsonl.123", "measurements/.parameters.json.99"):
        (folder / name).write_text("half")
    finished(store, SPEC)
    assert not list(folder.rglob(".*"))


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EEXIST, "Move away what is there"),
        (errno.EACCES, "Make it writable"),
    ],
)
def test_a_failed_write_is_reported_with_what_to_do(tmp_path, number, advice):
    refusal = pytest.raises(StoreError, match=f"file cannot be written: .*{advice}, or name another place")
    with refusal, explain_write_errors(tmp_path / "file"):
        raise OSError(number, os.strerror(number))


STEPS = math.ceil(DATASETS[SPEC.dataset].train_size / SPEC.batch_size)


@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (0, 1), (3, 0), (3, STEPS - 1), (SPEC.rows - 1, STEPS - 1)])
def test_progress_is_the_share_of_steps_that_a_paused_run_has_behind_it(store, paused, epoch, step):
    paused(store, SPEC, epoch=epoch, step=step)
    assert store.position(SPEC)["epoch"] == epoch
    assert store.progress(SPEC) == pytest.approx((epoch * STEPS + step) / (SPEC.rows * STEPS))


def test_a_run_without_a_checkpoint_has_no_progress(store):
    store.begin(SPEC)
    assert store.position(SPEC) is None
    assert store.progress(SPEC) == 0.0


def test_a_crash_is_reported_with_its_error(store, paused):
    paused(store, SPEC, epoch=1)
    store.fail(SPEC, "RuntimeError: CUDA out of memory", "Traceback …")
    assert store.failure(SPEC) == "RuntimeError: CUDA out of memory"


def test_a_crash_keeps_its_error_when_it_cannot_be_recorded(store, monkeypatch):
    store.begin(SPEC)

    def full(draft, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_through", full)
    store.fail(SPEC, "RuntimeError: x", "…")
    assert store.condition(SPEC) == "missing"


def test_the_lease_of_a_dead_process_is_no_training(store, paused):
    folder = paused(store, SPEC, epoch=1)
    Lease.take(folder)
    (path,) = folder.glob("lease.*")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": 2**22 + 1, "started": "0"}))
    assert store.condition(SPEC) == "paused"


def test_complete_runs_come_by_key_and_others_do_not(store, finished, paused):
    assert list(store.runs()) == []
    specs = [cifar("smoke", seed, depth=8) for seed in range(5)]
    for spec in specs[:4]:
        finished(store, spec)
    paused(store, specs[4], epoch=1)
    assert [run.spec.key for run in store.runs()] == sorted(spec.key for spec in specs[:4])


def test_a_run_is_begun_with_its_spec_and_nothing_else(store, tree):
    folder = store.begin(SPEC)
    assert folder == store.folder(SPEC) and (folder / "spec.json").read_text() == SPEC.to_json()
    before = tree(store.root)
    assert store.begin(SPEC) == folder
    assert tree(store.root) == before and set(before) == {
        SPEC.key,
        f"{SPEC.key}/measurements",
        f"{SPEC.key}/spec.json",
    }


def test_a_complete_run_is_no_longer_paused(store, finished, paused):
    folder = paused(store, SPEC, epoch=1)
    finished(store, SPEC)
    assert not (folder / "checkpoint.safetensors").exists()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, named = tmp_path / "file", []
    fsync = os.fsync

    def synced(number):
        fsync(number)
        named.append(path.exists())

    monkeypatch.setattr(files.os, "fsync", synced)
    write(path, b"new")
    assert named == [False]


def test_a_file_in_place_of_a_store_is_reported_as_one(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(StoreError, match="results cannot be read: Not a directory. Name a folder with --results"):
        Store(tmp_path / "results").condition(SPEC)


def test_a_run_that_has_nothing_but_its_spec_is_withdrawn(tmp_path):
    store = Store(tmp_path)
    folder = store.begin(SPEC)
    store.withdraw(SPEC)
    assert not folder.exists()
    store.withdraw(SPEC)  # nor does a second one mind


@pytest.mark.parametrize("name", ["checkpoint", "lease.1", "failure.json", "measurements/accuracy.json"])
def test_a_run_that_has_anything_else_is_not_withdrawn(tmp_path, name):
    store = Store(tmp_path)
    folder = store.begin(SPEC)
    (folder / name).write_text("")
    store.withdraw(SPEC)
    assert (folder / "spec.json").exists()
