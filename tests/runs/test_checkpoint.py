"""Checkpoints: whatever changed since one was written is noticed, without torch."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs.checkpoint import CHECKPOINT, HISTORY, pack, read_checkpoint
from repro.runs.store import Store
from tests.made import replaced

SPEC = cifar("smoke", 0, depth=8)  # an epoch has 15 steps of 64 images
POSITION = {"epoch": 2, "step": 3, "diverged": False, "parts": [], "criteria": {}}


@pytest.fixture
def folder(tmp_path, paused):
    return paused(Store(tmp_path), SPEC, epoch=2, step=3, mark=0.5)


def flip(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)


def test_a_checkpoint_is_read_as_it_was_written(folder):
    tensors, position, rows = read_checkpoint(folder, SPEC)
    assert np.array_equal(tensors["trained"], [0.5, 0.5])
    assert position == POSITION
    assert [row["epoch"] for row in rows] == [1, 2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(bit=st.integers(0, 10**6), name=st.sampled_from([CHECKPOINT, HISTORY]))
def test_any_flipped_bit_is_refused(folder, bit, name):
    before = (folder / name).read_bytes()
    flip(folder / name, bit)
    with pytest.raises(StoreError, match=f"{CHECKPOINT} is damaged .*; delete it to train this run from the start"):
        read_checkpoint(folder, SPEC)
    (folder / name).write_bytes(before)


def test_rows_written_after_the_checkpoint_are_left_out(folder):
    with (folder / HISTORY).open("a") as file:
        file.write('{"epoch": 3}\n{"epo')
    assert [row["epoch"] for row in read_checkpoint(folder, SPEC)[2]] == [1, 2]


def test_a_history_that_lost_a_row_is_refused(folder):
    (folder / HISTORY).write_text('{"epoch": 1}\n')
    with pytest.raises(StoreError, match="damaged"):
        read_checkpoint(folder, SPEC)


@pytest.mark.parametrize("epoch", [0, 2])  # before the first row, the history of any run is the same
def test_a_checkpoint_of_another_run_is_refused(tmp_path, paused, epoch):
    folder = paused(Store(tmp_path), SPEC, epoch=epoch, step=3)
    other = paused(Store(tmp_path), cifar("smoke", 1, depth=8), epoch=epoch, step=3)
    (folder / CHECKPOINT).write_bytes((other / CHECKPOINT).read_bytes())
    with pytest.raises(StoreError, match="is of another run"):
        read_checkpoint(folder, SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": SPEC.rows}, {"epoch": -1}, {"epoch": "1"}, {"epoch": 1.0}, {"epoch": True}, {"step": 15},
        {"step": None}, {"diverged": 0}, {"parts": {}}, {"parts": [1]}, {"parts": [{}]}, {"more": 1},
        {"criteria": []}, {"criteria": {"smoke:a": 1}},
        {"parts": [{"seconds": float("nan")}]}, {"parts": [{"seconds": 1.0, "job": 17}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_position_that_no_run_has_is_refused_and_counts_as_none(folder, change):
    history = (folder / HISTORY).read_bytes()
    (folder / CHECKPOINT).write_bytes(pack(SPEC, {}, {**POSITION, **change}, history))
    with pytest.raises(StoreError, match="damaged"):
        read_checkpoint(folder, SPEC)
    store = Store(folder.parent)
    assert store.position(SPEC) is None
    assert store.progress(SPEC) == 0.0


def test_a_header_nested_beyond_reason_counts_as_none(folder):
    header = b"[" * 100_000
    (folder / CHECKPOINT).write_bytes(len(header).to_bytes(8, "little") + header)
    assert Store(folder.parent).position(SPEC) is None
    with pytest.raises(StoreError, match="damaged"):
        read_checkpoint(folder, SPEC)


def test_errors_name_the_origin_of_a_file_that_came_from_elsewhere(folder):
    flip(folder / CHECKPOINT, 10_000)
    with pytest.raises(StoreError, match=r"^runs\.tar\.xz: 1234… is damaged"):
        read_checkpoint(folder, SPEC, "runs.tar.xz: 1234…")


def test_the_digest_stands_in_the_file_itself(folder):
    content = (folder / CHECKPOINT).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert len(header["__metadata__"]["sha256"]) == 64


def rewrite(path, old, new):
    """Changes the header of a checkpoint, and the length that it says it has."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = replaced(content[8 : 8 + size], old, new)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + size :])


@pytest.mark.parametrize(
    ("old", "new"),
    [(rb"\"step\":3", rb"\"step\":4"), (b'"F32"', b'"I32"'), (b'"shape":[2]', b'"shape":[1,2]')],
    ids=["position", "type", "shape"],
)
def test_another_position_type_or_shape_is_refused_where_the_numbers_are_the_same(folder, old, new):
    rewrite(folder / CHECKPOINT, old, new)
    with pytest.raises(StoreError, match="has changed since it was written"):
        read_checkpoint(folder, SPEC)


def test_a_checkpoint_whose_header_calls_the_position_a_place_is_read(folder):
    """As those in claims/evidence/paused do."""
    rewrite(folder / CHECKPOINT, b'"position":', b'"place":')
    assert read_checkpoint(folder, SPEC)[1] == POSITION
    assert Store(folder.parent).position(SPEC) == POSITION
