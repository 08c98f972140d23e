import errno
import hashlib
import json
import math
import os
import pickle

import pytest

from repro.errors import DamagedRunError, StoreError
from repro.recipes import cifar
from repro.runs import files
from repro.runs import store as store_module
from repro.runs.canonical import digest
from repro.runs.datasets import DATASETS
from repro.runs.files import explain_write_errors, write
from repro.runs.lease import Lease
from repro.runs.store import Store

SPEC = cifar("smoke", 0, depth=8)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


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


@pytest.mark.parametrize("name", ["spec.json", "history.jsonl", "tensors.safetensors", "measurements/relus.json"])
@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_harmed_file_is_named_when_the_run_is_checked(store, finished, name, harm):
    finished(store, SPEC)
    path = store.folder(SPEC) / name
    if harm == "changed":
        path.write_bytes(path.read_bytes() + b" ")
    else:
        path.unlink()
    with pytest.raises(StoreError, match=name):
        store.run(SPEC).check()


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "1", '"x"', "null", '{"record_sha256": 1}'])
def test_a_record_that_is_no_record_is_refused(store, finished, text):
    finished(store, SPEC)
    (store.folder(SPEC) / "run.json").write_text(text)
    with pytest.raises(StoreError, match=r"run\.json is no run record or was edited \(.*\); delete"):
        store.run(SPEC)


@pytest.mark.parametrize("name", ["outcome", "device_type", "seconds", "test", "spec.json", "record_sha256"])
def test_a_record_with_a_renamed_key_is_refused_however_deep_it_stands(store, finished, name):
    path = finished(store, SPEC).folder / "run.json"
    path.write_text(path.read_text().replace(f'"{name}":', f'"{name}_":', 1))
    with pytest.raises(StoreError, match=r"run\.json is no run record or was edited \(.*\); delete"):
        store.run(SPEC)


def test_finishing_a_run_again_keeps_its_record_valid(store, finished):
    run = finished(store, SPEC)
    store.finish(SPEC, {**run.record, "outcome": "diverged"})
    assert store.run(SPEC).record == {**run.record, "outcome": "diverged"}


def test_a_folder_that_holds_another_spec_is_refused(store, finished):
    finished(store, SPEC)
    store.folder(SPEC).rename(store.root / cifar("smoke", 1, depth=8).key)
    with pytest.raises(StoreError, match="it was edited"):
        list(store.runs())


def test_equal_results_have_equal_digests_whatever_they_took(tmp_path, finished):
    one, two = finished(Store(tmp_path / "a"), SPEC, seconds=1.0), finished(Store(tmp_path / "b"), SPEC, seconds=9.0)
    assert one.digest == two.digest
    assert one.sha256 != two.sha256


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


def test_a_missing_measurement_is_reported_with_the_command_that_adds_it(store, finished):
    with pytest.raises(StoreError, match="has no measurements/novel.json; measure it"):
        finished(store, SPEC).measurement("novel")


def forge(run, change):
    """Edits a record as a forger would, who also renews its own hash."""
    record = json.loads((run.folder / "run.json").read_text())
    del record["record_sha256"]
    change(record)
    (run.folder / "run.json").write_text(json.dumps(record | {"record_sha256": digest(record)}))


@pytest.mark.parametrize(
    "name", ["outcome", "parts", "criteria", "files", "data", "frozen_before", "seconds", "images_per_second"]
)
@pytest.mark.parametrize("value", [None, [], {"a": 1}, "x", float("nan"), -1])
def test_a_record_whose_field_has_another_type_is_refused_by_name(store, finished, name, value):
    if (name, value) == ("frozen_before", "x"):
        return
    run = finished(store, SPEC)
    forge(run, lambda record: record.update({name: value}))
    with pytest.raises(DamagedRunError, match=f"run.json .*{name}"):
        store.run(SPEC)


@pytest.mark.parametrize("name", ["outcome", "parts", "files", "seconds", "data"])
def test_a_record_with_a_missing_field_is_refused_by_name(store, finished, name):
    forge(finished(store, SPEC), lambda record: record.pop(name))
    with pytest.raises(DamagedRunError, match=f"{name} is missing"):
        store.run(SPEC)


@pytest.mark.parametrize("name", ["device", "device_type", "seconds", "threads", "peak_memory_bytes", "from_epoch"])
def test_a_part_of_a_record_with_a_missing_field_is_refused_by_name(store, finished, name):
    forge(finished(store, SPEC), lambda record: record["parts"][0].pop(name))
    with pytest.raises(DamagedRunError, match=f"no sound {name}"):
        store.run(SPEC)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "measurements/../../x.json", "measurements/a b.json"])
def test_a_record_that_names_files_elsewhere_is_refused(store, finished, name):
    forge(finished(store, SPEC), lambda record: record["files"].update({name: "0" * 64}))
    with pytest.raises(DamagedRunError, match="its files"):
        store.run(SPEC)


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
    "record",
    [
        {"additions": 5},
        {"additions": [1]},
        {"additions": [{}]},
        {"additions": [{"files": [3]}]},
        {"additions": [{"files": ["history.jsonl"]}]},
        {"frozen_before": "", "frozen_after": ""},
    ],
)
def test_a_record_of_other_types_is_refused_although_its_hash_is_right(store, finished, record):
    run = finished(store, SPEC)
    store_module._write_record(run.folder, {**run.record, **record})
    with pytest.raises(
        DamagedRunError, match=r"run\.json is no run record or was edited \(its .* not what a run writes"
    ):
        store.run(SPEC)


def test_what_is_no_plain_file_is_refused_and_not_read_for_ever(store, finished):
    path = finished(store, SPEC).folder / "run.json"
    for make in (lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero")):
        path.unlink()
        make()
        with pytest.raises(DamagedRunError, match=r"run\.json cannot be read \(no plain file\)"):
            store.run(SPEC)


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


@pytest.mark.parametrize("text", ["[]", "1", "{", ""])
@pytest.mark.parametrize("name", ["history.jsonl", "measurements/accuracy.json"])
def test_a_file_that_holds_no_json_object_is_refused_though_its_hash_agrees(store, finished, name, text):
    run = finished(store, SPEC)
    (run.folder / name).write_text(text + "\n")
    store.finish(SPEC, {key: value for key, value in run.record.items() if key != "files"})
    run = store.run(SPEC)
    with pytest.raises(DamagedRunError, match=rf"{name} is not what a run writes \(it holds no JSON object\)"):
        run.history if name == "history.jsonl" else run.measurement("accuracy")


def added(store, run, name="novel"):
    (run.folder / "measurements" / f"{name}.json").write_text('{"found": 1}')
    store.add(run, [f"measurements/{name}.json"], {"code": "c0de"})
    return store.run(run.spec)


def test_a_measurement_that_is_added_is_read_and_says_what_made_it(store, finished):
    run = added(store, finished(store, SPEC))
    assert run.measurement("novel") == {"found": 1}
    assert run.record["additions"] == [{"code": "c0de", "files": ["measurements/novel.json"]}]
    again = added(store, run, "other")
    assert [addition["files"] for addition in again.record["additions"]] == [
        ["measurements/novel.json"],
        ["measurements/other.json"],
    ]


def test_measurements_that_are_added_do_not_change_what_a_run_computed(store, finished):
    run = finished(store, SPEC)
    assert added(store, run).digest == run.digest
    assert finished(Store(store.root / "other"), SPEC, top1=1.0).digest != run.digest


def test_adding_a_measurement_makes_no_other_change_valid(store, finished):
    run = finished(store, SPEC)
    (run.folder / "measurements/accuracy.json").write_text('{"top1": 100.0}')
    with pytest.raises(DamagedRunError, match=r"accuracy\.json was changed after the run"):
        added(store, run).measurement("accuracy")


def test_a_record_has_the_hash_of_every_file_beside_it(store, finished):
    run = finished(store, SPEC)
    content = {path.relative_to(run.folder).as_posix(): path for path in run.folder.rglob("*") if path.is_file()}
    assert run.sha256 == hashlib.sha256(content.pop("run.json").read_bytes()).hexdigest()
    assert run.record["files"] == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in content.items()
    }


def test_a_file_in_place_of_a_store_is_reported_as_one(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(StoreError, match="results cannot be read: Not a directory. Name a folder with --results"):
        Store(tmp_path / "results").condition(SPEC)


def test_a_record_with_half_a_character_is_refused(store, finished):
    with pytest.raises(StoreError, match=r"is no run record or was edited"):
        finished(store, SPEC, part={"device": "\ud83d"})
