"""A lease: one holder a folder, taken, released and lost."""

import errno
import json
import os
import time
from pathlib import Path

import pytest

from repro.runs import lease as lease_module
from repro.runs.lease import EXPIRES, Lease, holder
from tests.runs.made import current


def test_a_folder_has_one_holder_at_a_time(tmp_path):
    lease = Lease.take(tmp_path)
    assert Lease.take(tmp_path) is None
    assert f"process {os.getpid()}" in holder(tmp_path)
    lease.release()
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is not None


def test_no_draft_stays_behind(tmp_path):
    lease = Lease.take(tmp_path)
    Lease.take(tmp_path)
    lease.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["", "0" * 32, "g" * 32])
def test_a_lease_with_another_token_is_not_ours(tmp_path, token):
    lease = Lease.take(tmp_path)
    path = current(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"token": token}))
    os.utime(path, (0, 0))
    assert not lease.renew()
    lease.release()
    assert path.stat().st_mtime == 0


@pytest.mark.parametrize(
    ("left", "next_one"), [((), 1), (("lease.7",), 8), (("lease.2", "lease.10"), 11), (("lease.x",), 1)]
)
def test_whoever_takes_over_has_the_next_number_and_leaves_no_other(tmp_path, left, next_one):
    for name in left:
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, 0))
    assert Lease.take(tmp_path) is not None
    assert [path.name for path in tmp_path.iterdir()] == [f"lease.{next_one}"]


@pytest.mark.parametrize("live", [1, 2, 3])
def test_a_live_lease_among_dead_ones_keeps_its_folder(tmp_path, live):
    Lease.take(tmp_path)
    text = current(tmp_path).read_text()
    for number in (1, 2, 3):
        path = tmp_path / f"lease.{number}"
        path.write_text(text if number == live else "")
        os.utime(path, (0, 0))
    assert Lease.take(tmp_path) is None


@pytest.mark.parametrize("token", ["!", "~"], ids=["before ours", "after ours"])
def test_drafts_of_dead_claimants_go_and_those_of_living_ones_stay(tmp_path, token):
    old, young = tmp_path / f".lease-{token}old", tmp_path / f".lease-{token}young"
    for draft in (old, young):
        draft.write_text("")
    os.utime(old, (0, 0))
    Lease.take(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_lost_lease_is_noticed_and_the_winners_is_not_released(tmp_path, monkeypatch):
    lease = Lease.take(tmp_path)
    monkeypatch.setattr(lease_module, "_looks_dead", lambda path, now: True)
    winner = Lease.take(tmp_path)
    assert not lease.renew()
    lease.release()
    assert winner.renew()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "{}",
        '{"pid": 1}',
        '{"host": "far/away", "pid": "one", "started": "", "token": ""}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_a_damaged_lease_names_no_holder_and_blocks_the_folder_until_it_expires(tmp_path, text):
    path = tmp_path / "lease.1"
    path.write_text(text)
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is None
    os.utime(path, (time.time() - EXPIRES * 2,) * 2)
    assert Lease.take(tmp_path) is not None


def test_a_full_disk_leaves_no_draft_of_a_lease(tmp_path, monkeypatch):
    def full(path, text, **_):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lease_module.Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        Lease.take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_does_not_answer_has_lost_no_lease(tmp_path, monkeypatch):
    lease = Lease.take(tmp_path)

    def stale(path):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as away:
        away.setattr(Path, "read_bytes", stale)
        with pytest.raises(OSError, match="Stale"):
            lease.renew()
        lease.release()  # it expires
    assert lease.renew()
