"""What is kept of submissions: it is read as it was written, and damage in one blocks nothing else."""

import time
from pathlib import Path

import pytest

from repro.cli import submit as commands
from repro.cluster import ledger
from repro.cluster.hours import account
from repro.cluster.lock import submission_lock
from repro.cluster.snapshot import read
from repro.errors import ClusterError
from repro.executing.worker import is_the_sites_fault
from repro.runs.store import Store
from tests.cluster.made import SPECS, attempted, submitted


def test_a_submission_is_the_same_after_json(store):
    one = submitted(store.root)
    assert ledger.load(one.folder) == one
    assert [entry.submission for entry in read(store).entries] == [one]


def test_a_submission_of_another_version_of_the_suite_can_be_read(store):
    one = submitted(store.root)
    file = one.folder / "submission.json"
    file.write_text(file.read_text().replace('"requeues": 5', '"requeues": 5, "of_tomorrow": 1'))
    assert ledger.load(one.folder) == one


@pytest.mark.parametrize("content", ["{", "[]", '{"order": null}', "\0"])
def test_a_damaged_submission_is_named_and_blocks_nothing_else(store, content):
    damaged, one = submitted(store.root, id="1"), submitted(store.root, id="2")
    attempted(one, 0)
    (damaged.folder / "submission.json").write_text(content)
    found = read(store)
    assert [entry.submission for entry in found.entries] == [one]
    assert [bad.id for bad in found.damaged] == ["1"]
    assert account(store)["damaged"] == ["1"]
    assert account(store)["hours"]["attempts"] == 1


def test_a_submission_whose_main_file_was_deleted_is_damaged(store):
    one = submitted(store.root)
    (one.folder / "submission.json").unlink()
    assert [bad.id for bad in read(store).damaged] == [one.id]
    assert account(store)["submissions"] == 1


@pytest.mark.parametrize("content", [b"{}", b"\xff", b"[" * 100_000, b"null"], ids=["empty", "bytes", "deep", "null"])
def test_damaged_runs_and_attempts_are_named_and_leave_the_account_standing(store, content):
    one = submitted(store.root, SPECS[:2])
    attempted(one, 0, began=0.0, ended=3600.0)
    (store.folder(SPECS[0]) / "spec.json").write_bytes(content)
    (one.folder / "attempts" / "00001.0.json").write_text("null")
    (one.folder / "deaths.json").write_text('["x"]')
    assert account(store)["hours"]["allocated"] == 1.0
    assert account(store)["damaged_runs"] == [SPECS[0].key]


def test_a_store_that_was_moved_is_read_where_it_is(store, tmp_path_factory):
    one = submitted(store.root)
    moved = tmp_path_factory.mktemp("moved") / "results"
    store.root.rename(moved)
    assert read(Store(moved)).entries[0].submission.folder == moved / ".slurm" / one.id


def test_scratch_is_linked_from_here_so_that_every_command_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands._link(Path("results"), tmp_path / "scratch" / "results")
    assert Path("results").resolve() == tmp_path / "scratch" / "results"
    commands._link(Path("results"), tmp_path / "scratch" / "results")
    with pytest.raises(ClusterError, match="results exists, and scratch in the profile is"):
        commands._link(Path("results"), tmp_path / "elsewhere")


def test_two_simultaneous_submits_run_one_after_the_other(store):
    refused = pytest.raises(ClusterError, match="another process is submitting")
    with submission_lock(store), refused, submission_lock(store):
        pass
    with submission_lock(store):
        pass


def test_ids_of_submissions_sort_by_time_within_a_second_as_well(tmp_path, monkeypatch):
    moments = [1000.001 + 0.01 * step for step in range(50)]
    ids = []
    for moment in moments:
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        ids.append(ledger.new_id(tmp_path))
    assert ids == sorted(ids)


def test_ids_sort_alike_in_every_time_zone(tmp_path, monkeypatch):
    ids = []
    for zone, moment in (("Europe/Berlin", 1e9), ("UTC", 1e9 + 1), ("America/New_York", 1e9 + 2)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        ids.append(ledger.new_id(tmp_path))
    monkeypatch.delenv("TZ")
    time.tzset()
    assert ids == sorted(ids)


def test_submissions_are_read_oldest_first_whatever_their_folders_are_called(tmp_path):
    for name, created in (("261129-110000-a", 5.0), ("261129-100000-b", 7.0)):
        submitted(tmp_path, id=name, created=created)
    assert [one.submission.created for one in read(Store(tmp_path)).entries] == [5.0, 7.0]


def test_an_element_that_cannot_be_read_is_a_fault_of_the_site_only_where_the_file_is_not_there(store):
    one = submitted(store.root, SPECS[:2], together=2)
    one.element_file(0).unlink(missing_ok=True)
    with pytest.raises(ClusterError, match="00000.json cannot be read: FileNotFoundError") as lost:
        ledger.read_element(one, 0)
    one.element_file(0).write_text('{"runs": [{}]}')
    with pytest.raises(ClusterError, match="00000.json cannot be read: KeyError") as damaged:
        ledger.read_element(one, 0)
    assert [is_the_sites_fault(error.value) for error in (lost, damaged)] == [True, False]
