"""The record of a complete run and the files that it names: whatever was changed in them is refused by name."""

import hashlib
import itertools
import json
import os

import pytest

from repro.errors import DamagedRunError, StoreError
from repro.runs import store as store_module
from repro.runs.canonical import digest
from repro.runs.record import REQUIRED, fault, fault_in
from repro.runs.store import Store
from tests.made import replaced
from tests.runs.made import SPEC


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        *itertools.product(["changed", "missing"], ["spec.json", "history.jsonl", "measurements/relus.json"]),
        ("changed", "tensors.safetensors"),  # an export may leave them out, which is no harm
    ],
)
def test_a_harmed_file_is_named_when_the_run_is_checked(store, finished, harm, name):
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
    with pytest.raises(StoreError, match=r"run\.json is not a run record, or was edited \(.*\); delete"):
        store.run(SPEC)


@pytest.mark.parametrize("name", ["outcome", "device_type", "seconds", "test", "spec.json", "record_sha256"])
def test_a_record_with_a_renamed_key_is_refused_however_deep_it_stands(store, finished, name):
    path = finished(store, SPEC).folder / "run.json"
    path.write_text(path.read_text().replace(f'"{name}":', f'"{name}_":', 1))
    with pytest.raises(StoreError, match=r"run\.json is not a run record, or was edited \(.*\); delete"):
        store.run(SPEC)


def test_finishing_a_run_again_keeps_its_record_valid(store, finished):
    run = finished(store, SPEC)
    store.finish(SPEC, {**run.record, "outcome": "diverged"})
    assert store.run(SPEC).record == {**run.record, "outcome": "diverged"}


def test_equal_results_have_equal_digests_whatever_they_took(tmp_path, finished):
    one, two = finished(Store(tmp_path / "a"), SPEC, seconds=1.0), finished(Store(tmp_path / "b"), SPEC, seconds=9.0)
    assert one.digest == two.digest
    assert one.sha256 != two.sha256


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


def test_a_record_with_another_sound_value_is_refused_as_edited(store, finished):
    path = finished(store, SPEC).folder / "run.json"
    path.write_text(replaced(path.read_text(), '"images_per_second": 5000.0', '"images_per_second": 5001.0'))
    with pytest.raises(DamagedRunError, match=r"\(it was edited\)"):
        store.run(SPEC)


@pytest.mark.parametrize(
    ("field", "name"), [*itertools.product(["files"], REQUIRED), *itertools.product(["data"], ["train", "test"])]
)
def test_a_record_that_lacks_the_hash_of_what_every_run_has_is_refused(store, finished, field, name):
    forge(finished(store, SPEC), lambda record: record[field].pop(name))
    with pytest.raises(DamagedRunError, match=f"its {field} is not what a run writes"):
        store.run(SPEC)


def test_a_record_that_names_other_data_than_its_run_reads_is_refused(store, finished):
    forge(finished(store, SPEC), lambda record: record["data"].update({"validation": "0" * 64}))
    with pytest.raises(DamagedRunError, match="its data is not what a run writes"):
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
        DamagedRunError, match=r"run\.json is not a run record, or was edited \(its .* not what a run writes"
    ):
        store.run(SPEC)


def test_what_is_no_plain_file_is_refused_and_not_read_for_ever(store, finished):
    path = finished(store, SPEC).folder / "run.json"
    for make in (lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero")):
        path.unlink()
        make()
        with pytest.raises(DamagedRunError, match=r"run\.json cannot be read \(not a plain file\)"):
            store.run(SPEC)


@pytest.mark.parametrize("text", ["[]", "1", "{", ""])
@pytest.mark.parametrize("name", ["history.jsonl", "measurements/accuracy.json"])
def test_a_file_that_holds_no_json_object_is_refused_though_its_hash_agrees(store, finished, name, text):
    run = finished(store, SPEC)
    (run.folder / name).write_text(text + "\n")
    store.finish(SPEC, {key: value for key, value in run.record.items() if key != "files"})
    run = store.run(SPEC)
    with pytest.raises(DamagedRunError, match=rf"{name} is not what a run writes \(it holds no JSON object\)"):
        run.history if name == "history.jsonl" else run.measurement("accuracy")


def test_a_measurement_that_no_run_gives_is_refused_though_its_hash_agrees(store, finished):
    run = finished(store, SPEC, measurements={"accuracy": {"top1": 100.5, "images": 597}})
    with pytest.raises(DamagedRunError, match=r"accuracy\.json is not what a run writes \(its top1 is 100\.5"):
        run.measurement("accuracy")


def test_a_row_that_no_run_gives_is_refused_though_its_hash_agrees(store, finished):
    run = finished(store, SPEC, top1=100.5)
    with pytest.raises(DamagedRunError, match=r"history\.jsonl is not what a run writes \(its test_top1 is 100\.5"):
        run.history  # noqa: B018


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


def test_a_measurement_that_is_added_under_a_name_that_is_there_keeps_its_first_hash(store, finished):
    run = finished(store, SPEC)
    first = run.record["files"]["measurements/accuracy.json"]
    assert added(store, run, "accuracy").record["files"]["measurements/accuracy.json"] == first


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


def test_a_record_with_half_a_character_is_refused(store, finished):
    with pytest.raises(StoreError, match=r"is not a run record, or was edited"):
        finished(store, SPEC, part={"device": "\ud83d"})


AFFINE = {"count": 2, "thresholds": [0.1], "share_below": [0.5]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"edges": ["a", "b", "c"], "gamma_histogram": [1, 1]}, "its edges is"),
        ({"edges": [0.0, 1.0], "gamma_histogram": [1, 1]}, "one bin between each two edges"),
        ({"gamma_histogram": [1, 1]}, "one bin between each two edges"),
        ({"edges": [0.0, 0.5, 1.0], "gamma_histogram": [1, 2**63]}, "its gamma_histogram is"),
        ({"edges": [0.0, 0.5, 1.0], "gamma_histogram": [1, 1]}, None),
    ],
)
def test_a_histogram_has_a_count_between_each_two_edges(more, words):
    found = fault_in("measurements/affine.json", AFFINE | more, SPEC)
    assert found is None if words is None else words in found


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("affine", AFFINE | {"share_below": [0.5, 0.6]}, "one value for each threshold"),
        ("clamp", {"thresholds": [0.1, 0.2], "top1": [50.0]}, "one value for each threshold"),
        ("affine", AFFINE | {"share_below": [1.5]}, "its share_below is [1.5]"),
        ("relus", {"units": 4, "share_dead": 1.5}, "its share_dead is 1.5"),
    ],
)
def test_a_measurement_of_uneven_lists_or_of_more_than_all_is_refused_by_what_is_wrong(name, content, words):
    assert words in str(fault_in(f"measurements/{name}.json", content, SPEC))


@pytest.mark.parametrize("device", ["\x1b]0;x\x07", "a\nb", "\u202eabc", "\x9b31m"])
def test_a_name_that_would_write_over_what_stands_around_it_is_refused(store, finished, device):
    record = finished(store, SPEC).record
    part = {**record["parts"][0], "device": device}
    assert fault({**record, "parts": [part]}, SPEC) == "a part of it has no sound device"
