"""Finished runs measured again: added to under their own hashes, and held against their tensors."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from repro.errors import StoreError
from repro.provenance import code_digest
from repro.recipes import cifar
from repro.runs.lease import Lease
from repro.runs.store import Store
from repro.training import back_fill, remeasure, restore, run

SPEC = dataclasses.replace(cifar("smoke", 0, depth=8), epochs=1, learning_rate_drops=())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("trained"))
    run(SPEC, store, data_dir=Path(), device="cpu", criteria={}, pause=lambda: False)
    return store.run(SPEC)


@pytest.fixture
def whole(trained, tmp_path):
    shutil.copytree(trained.folder, tmp_path / SPEC.key)
    return Store(tmp_path).run(SPEC)


@pytest.fixture
def unmeasured(whole):
    """The same run without its ReLUs, as older code may have left it."""
    (whole.folder / "measurements" / "relus.json").unlink()
    store = Store(whole.folder.parent)
    store.finish(SPEC, whole.record)
    return store.run(SPEC)


def fill(unmeasured):
    store = Store(unmeasured.folder.parent)
    return back_fill(unmeasured, store, data_dir=Path(), device="cpu"), store.run(SPEC)


def forge(whole, name, content):
    """The run with another content of a file, hashed as if it had always been there."""
    (whole.folder / name).write_bytes(content)
    Store(whole.folder.parent).finish(SPEC, whole.record)
    return Store(whole.folder.parent).run(SPEC)


def again(found):
    return remeasure(found, data_dir=Path(), device="cpu")


def test_a_missing_measurement_is_back_filled_without_training(trained, unmeasured):
    added, filled = fill(unmeasured)
    assert added == ["relus"]
    assert filled.measurement("relus") == trained.measurement("relus")
    assert fill(filled) == ([], filled)
    assert not list(filled.folder.glob("lease*"))


def test_a_back_filled_run_equals_the_one_that_it_was_and_says_what_was_added(unmeasured):
    before = unmeasured.digest
    filled = fill(unmeasured)[1]
    assert filled.digest == before
    (addition,) = filled.record["additions"]
    assert addition["files"] == ["measurements/relus.json"]
    assert addition["code"] == code_digest()
    assert {"commit", "torch", "python", "device"} <= set(addition)


@pytest.mark.parametrize("name", ["history.jsonl", "tensors.safetensors", "measurements/affine.json"])
def test_back_filling_makes_no_changed_file_valid(unmeasured, name):
    path = unmeasured.folder / name
    path.write_bytes(path.read_bytes() + b" ")
    before = (unmeasured.folder / "run.json").read_bytes()
    with pytest.raises(StoreError, match=f"{name} was changed after the run"):
        fill(unmeasured)
    assert (unmeasured.folder / "run.json").read_bytes() == before


def test_a_file_changed_while_it_is_back_filled_stays_invalid(unmeasured, monkeypatch):
    def measure_and_harm(*arguments):
        (unmeasured.folder / "history.jsonl").write_text("{}\n")
        (unmeasured.folder / "measurements" / "relus.json").write_text("{}")

    monkeypatch.setattr("repro.training.finished.write_measurement", measure_and_harm)
    with pytest.raises(StoreError, match="changed after the run"):
        fill(unmeasured)[1].check()


def test_a_run_that_another_process_writes_is_not_back_filled(unmeasured):
    lease = Lease.take(unmeasured.folder)
    with pytest.raises(StoreError, match="is being written by another process; measure again"):
        fill(unmeasured)
    lease.release()


def test_only_measurements_count_as_added(unmeasured):
    forged = dataclasses.replace(unmeasured, record={**unmeasured.record, "additions": [{"files": ["history.jsonl"]}]})
    assert forged.digest == unmeasured.digest
    other = {**forged.record, "files": {**forged.record["files"], "history.jsonl": "0" * 64}}
    assert dataclasses.replace(forged, record=other).digest != unmeasured.digest


def test_a_run_measured_again_gives_every_number_bit_for_bit(trained):
    assert again(trained) == []


def test_a_forged_accuracy_is_named(whole):
    accuracy = whole.measurement("accuracy")
    forged = forge(
        whole, "measurements/accuracy.json", json.dumps({**accuracy, "top1": accuracy["top1"] + 1e-9}).encode()
    )
    (line,) = again(forged)
    assert "accuracy.json says accuracy.top1" in line


@pytest.mark.parametrize(("by", "expected"), [(0.2, 0), (0.4, 1)])
def test_from_another_machine_a_float_may_differ_within_the_tolerance(whole, by, expected):
    accuracy = whole.measurement("accuracy")
    content = json.dumps({**accuracy, "top5": accuracy["top5"] + by}).encode()
    elsewhere = [{**whole.record["parts"][-1], "device": "a processor from elsewhere"}]
    moved = dataclasses.replace(whole, record={**whole.record, "parts": elsewhere})
    assert len(again(forge(moved, "measurements/accuracy.json", content))) == expected


def test_changed_tensors_are_named_by_what_they_no_longer_give(whole):
    tensors = load((whole.folder / "tensors.safetensors").read_bytes())
    tensors["bn.weight"] = tensors["bn.weight"] + np.float32(0.5)
    differences = again(forge(whole, "tensors.safetensors", save(tensors)))
    assert any("affine.gamma_histogram" in line for line in differences)


@pytest.mark.parametrize("content", [save({"bn.weight": np.zeros(3, np.float32)}), b"torn"])
def test_tensors_that_are_not_the_networks_are_named(whole, content):
    (line,) = again(forge(whole, "tensors.safetensors", content))
    assert "tensors.safetensors" in line


@pytest.mark.parametrize("name", ["data", "frozen_before", "frozen_after"])
def test_a_record_with_another_print_is_named(whole, name):
    changed = dataclasses.replace(whole, record={**whole.record, name: {"train": hashlib.sha256().hexdigest()}})
    assert len(again(changed)) == 1


def test_a_measurement_that_no_such_run_has_is_named(whole):
    forged = forge(whole, "measurements/charm.json", b"{}")
    assert any("charm.json is not a measurement of such a run" in line for line in again(forged))


def test_frozen_weights_are_regenerated_and_compared(trained):
    changed = dataclasses.replace(trained, record=trained.record | {"frozen_before": "0" * 64})
    with pytest.raises(StoreError, match="other frozen weights"):
        restore(changed, data_dir=Path(), device="cpu")
    tensors = load((trained.folder / "tensors.safetensors").read_bytes())
    assert np.array_equal(
        restore(trained, data_dir=Path(), device="cpu").net.model.bn.weight.detach(), tensors["bn.weight"]
    )
