"""Measured devices: kept beside the store, read back, refused where damaged."""

import dataclasses
import json
import re

import pytest

from repro.errors import StoreError
from repro.planning import device
from repro.planning.device import ASSUMED, TRIALS, Trained

MINE = dataclasses.replace(
    ASSUMED["cpu"], name="Mine (R) 3.0 GHz/8", measured=True, trained=(Trained(spec=TRIALS[0], seconds=0.25),)
)


def test_what_was_saved_is_read_back(tmp_path):
    file = device.save(tmp_path, MINE)
    assert file == tmp_path / ".bench" / "Mine-R-3.0-GHz-8.json"
    assert device.load(file) == MINE


def test_a_new_measurement_replaces_the_old_one(tmp_path):
    device.save(tmp_path, MINE)
    device.save(tmp_path, dataclasses.replace(MINE, launch=1.0))
    assert [one.name for one in (tmp_path / ".bench").iterdir()] == ["Mine-R-3.0-GHz-8.json"]
    assert device.at_hand(tmp_path, "cpu", MINE.name).launch == 1.0


def test_a_measurement_of_the_device_at_hand_comes_before_a_newer_one_of_another(tmp_path):
    device.save(tmp_path, MINE)
    device.save(tmp_path, dataclasses.replace(MINE, name="other"))
    assert device.at_hand(tmp_path, "cpu", MINE.name) == MINE
    assert device.at_hand(tmp_path, "cpu", "unknown").name == "other"


@pytest.mark.parametrize(("kind", "name"), [("cpu", "an AMD EPYC"), ("cuda", "H100")])
def test_without_a_measurement_of_its_kind_a_device_is_assumed(tmp_path, kind, name):
    device.save(tmp_path, dataclasses.replace(MINE, kind="cuda" if kind == "cpu" else "cpu"))
    found = device.at_hand(tmp_path, kind, MINE.name)
    assert (found.name, found.measured) == (name, False)


@pytest.mark.parametrize(
    "change",
    [{"launch": 0}, {"launch": "fast"}, {"flops": {}}, {"flops": {"float32": -1.0}}, {"kind": "tpu"}, {"extra": 1},
     {"half": -1.0}, {"trained": [{"spec": "{}", "seconds": 1.0}]}, {"trained": 3}],
)  # fmt: skip
def test_a_damaged_measurement_is_refused_with_the_way_out(tmp_path, change):
    file = device.save(tmp_path, MINE)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(StoreError, match=re.escape(str(file)) + ".* delete it, or measure again: repro bench"):
        device.at_hand(tmp_path, "cpu", MINE.name)


def test_a_damaged_measurement_of_another_device_keeps_nobody_from_planning(tmp_path):
    device.save(tmp_path, dataclasses.replace(MINE, name="other")).write_text("{")
    assert not device.at_hand(tmp_path, "cpu", MINE.name).measured
    (tmp_path / device.FOLDER / "gone.json").symlink_to("nowhere")
    assert not device.at_hand(tmp_path, "cpu", MINE.name).measured


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"name": "x"}'])
def test_a_file_that_holds_no_device_is_refused(tmp_path, content):
    file = device.save(tmp_path, MINE)
    file.write_text(content)
    with pytest.raises(StoreError, match="is not a measurement of a device"):
        device.load(file)


@pytest.mark.parametrize("name", ASSUMED)
def test_every_assumed_device_names_its_source(name):
    assert ASSUMED[name].source and not ASSUMED[name].measured
