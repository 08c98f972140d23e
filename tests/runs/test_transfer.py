"""From one store to another: import after export is the identity, and what is there already is kept or refused."""

import contextlib
import errno
import json
import math
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import StoreError
from repro.runs import arrival, transfer
from repro.runs.checkpoint import pack as checkpoint
from repro.runs.lease import Lease
from repro.runs.store import CHECKPOINT, FAILURE, HISTORY, TENSORS, Store
from repro.runs.transfer import export, take_in
from tests.made import replaced
from tests.runs.made import SPECS, content, digests, pack


def test_an_exported_store_arrives_as_it_was(here, there, file):
    assert export(here, SPECS, file) == 2
    assert take_in(there, file) == {"new": 2}
    assert digests(there) == digests(here)
    for run in there.runs():
        run.check()


def test_equal_duplicates_are_accepted_although_they_took_another_time(here, there, file, finished):
    finished(there, SPECS[0], seconds=99.0)
    before = digests(there)[SPECS[0].key]
    export(here, SPECS, file)
    assert take_in(there, file) == {"equal": 1, "new": 1}
    assert digests(there)[SPECS[0].key] == before


def test_a_damaged_file_of_an_equal_run_is_repaired(here, there, file):
    export(here, SPECS, file)
    take_in(there, file)
    (there.folder(SPECS[0]) / "history.jsonl").write_bytes(b"torn")
    assert take_in(there, file) == {"repaired": 1, "equal": 1}
    there.run(SPECS[0]).check()


@pytest.mark.parametrize("names", [[TENSORS], [TENSORS, "history.jsonl"]], ids=["all", "in part"])
def test_a_damaged_run_is_not_called_equal_where_the_file_cannot_repair_it(here, there, file, names):
    export(here, SPECS, file)
    take_in(there, file)
    for name in names:
        (there.folder(SPECS[0]) / name).write_bytes(b"torn")
    export(here, SPECS, file, most=0)
    assert take_in(there, file) == {"damaged here": 1, "equal": 1}


def test_a_run_without_tensors_is_repaired_and_gets_them(here, there, file):
    export(here, SPECS, file, most=0)
    take_in(there, file)
    (there.folder(SPECS[0]) / "history.jsonl").write_bytes(b"torn")
    assert take_in(there, file) == {"repaired": 1, "equal": 1}  # by an export that has no tensors either
    (there.folder(SPECS[0]) / "history.jsonl").write_bytes(b"torn")
    export(here, SPECS, file)
    assert take_in(there, file) == {"repaired": 1, "tensors added": 1}
    assert take_in(there, file) == {"equal": 2}


def test_measurements_that_were_deleted_with_their_folder_are_restored(here, there, file):
    export(here, SPECS, file)
    take_in(there, file)
    shutil.rmtree(there.folder(SPECS[0]) / "measurements")
    assert take_in(there, file) == {"repaired": 1, "equal": 1}
    there.run(SPECS[0]).check()


def test_a_repair_keeps_measurements_that_were_added_here(here, there, file):
    export(here, SPECS, file)
    take_in(there, file)
    folder = there.folder(SPECS[0])
    (folder / "measurements" / "extra.json").write_text("{}")
    there.add(there.run(SPECS[0]), ["measurements/extra.json"], {"code": "c0de"})
    (folder / "history.jsonl").write_bytes(b"torn")
    assert take_in(there, file) == {"repaired": 1, "equal": 1}
    run = there.run(SPECS[0])
    run.check()
    assert "measurements/extra.json" in run.record["files"]
    (folder / "measurements" / "extra.json").write_text("torn")
    assert take_in(there, file) == {"damaged here": 1, "equal": 1}  # the file never had it


def test_a_conflict_is_refused_by_name_and_nothing_is_taken_in(here, there, file, finished):
    finished(there, SPECS[1], top1=12.0)
    before = digests(there)
    export(here, SPECS, file)
    with pytest.raises(StoreError, match=r"other results than .* for resnet-8 .* seed 1 .*conflict") as error:
        take_in(there, file)
    assert "Nothing of it was imported" in str(error.value)
    assert digests(there) == before
    assert not list(there.root.glob(".import-*"))


@pytest.mark.parametrize(
    ("ours", "theirs", "status", "mark"),
    [
        (None, (3, 0), "new", 2.0),
        ((1, 5), (3, 0), "newer checkpoint", 2.0),
        ((3, 0), (3, 1), "newer checkpoint", 2.0),
        ((3, 1), (3, 0), "kept ours", 1.0),
        ((3, 0), (3, 0), "kept ours", 1.0),
    ],
)
def test_of_two_checkpoints_the_one_further_on_is_kept(here, there, file, paused, ours, theirs, status, mark):
    from safetensors.numpy import load_file

    if ours:
        paused(there, SPECS[2], epoch=ours[0], step=ours[1], mark=1.0)
    paused(here, SPECS[2], epoch=theirs[0], step=theirs[1], mark=2.0)
    export(here, [SPECS[2]], file)
    assert take_in(there, file) == {status: 1}
    assert there.condition(SPECS[2]) == "paused"
    assert load_file(there.folder(SPECS[2]) / "checkpoint.safetensors")["trained"][0] == mark


def test_a_paused_run_is_not_replaced_by_one_that_was_trained_otherwise(here, there, file, paused, finished):
    paused(there, SPECS[2], epoch=2, top1=47.0)
    before = content(there.folder(SPECS[2]))
    for make in (lambda: paused(here, SPECS[2], epoch=5), lambda: finished(here, SPECS[2])):
        make()
        export(here, [SPECS[2]], file)
        with pytest.raises(StoreError, match="other results than .*: conflict"):
            take_in(there, file)
    assert content(there.folder(SPECS[2])) == before
    finished(here, SPECS[2], top1=47.0)
    export(here, [SPECS[2]], file)
    assert take_in(there, file) == {"new": 1}


def test_a_paused_run_is_not_replaced_by_one_that_differs_in_its_last_row_alone(here, there, file, paused):
    paused(here, SPECS[2], epoch=5)
    export(here, [SPECS[2]], file)
    folder = paused(there, SPECS[2], epoch=3)
    done = replaced((folder / HISTORY).read_bytes(), b'"epoch": 3, "test_top1": 90.0', b'"epoch": 3, "test_top1": 47.0')
    (folder / HISTORY).write_bytes(done)
    (folder / CHECKPOINT).write_bytes(checkpoint(SPECS[2], {}, there.position(SPECS[2]), done))
    with pytest.raises(StoreError, match="other results than .*: conflict"):
        take_in(there, file)


def test_a_damaged_record_is_repaired_only_by_the_results_that_its_other_files_have(here, there, file, finished):
    finished(there, SPECS[0], top1=71.0)
    export(here, SPECS[:1], file)
    record = there.folder(SPECS[0]) / "run.json"
    record.write_bytes(record.read_bytes()[:-9])
    with pytest.raises(StoreError, match="run.json"):
        take_in(there, file)
    shutil.rmtree(record.parent)
    finished(there, SPECS[0])
    record.write_bytes(record.read_bytes()[:-9])
    assert take_in(there, file) == {"repaired": 1}


@pytest.mark.parametrize("ours", [math.inf, 0], ids=["with tensors", "without"])
def test_a_damaged_record_is_not_repaired_by_an_export_that_left_the_tensors_out(here, there, file, ours):
    export(here, SPECS[:1], file, most=ours)
    take_in(there, file)
    (there.folder(SPECS[0]) / "run.json").write_bytes(b"torn")
    export(here, SPECS[:1], file, most=0)
    with pytest.raises(StoreError, match=r"run\.json is not a run record"):
        take_in(there, file)


def test_a_run_that_lost_its_record_and_its_history_is_not_replaced_by_other_results(here, there, file, finished):
    folder = finished(there, SPECS[0], top1=71.0).folder
    export(here, SPECS[:1], file)
    (folder / "run.json").write_bytes(b"torn")
    (folder / HISTORY).unlink()
    shutil.rmtree(folder / "measurements")
    with pytest.raises(StoreError, match=r"run\.json is not a run record"):
        take_in(there, file)


@pytest.mark.parametrize("name", [CHECKPOINT, FAILURE])
def test_a_complete_run_that_arrives_leaves_nothing_of_a_paused_one(here, there, file, paused, name):
    folder = paused(there, SPECS[0], epoch=2)
    there.fail(SPECS[0], "RuntimeError: x", "…")
    assert (folder / name).exists()
    export(here, SPECS[:1], file)
    assert take_in(there, file) == {"new": 1}
    assert not (folder / name).exists()


@pytest.mark.parametrize("complete", [True, False])
def test_a_run_of_which_a_file_could_not_be_moved_does_not_look_whole(here, there, file, paused, monkeypatch, complete):
    if not complete:
        paused(here, SPECS[2], epoch=2)
    spec = SPECS[0] if complete else SPECS[2]
    export(here, [spec], file)
    replace = Path.replace

    def broken(path, target):
        if path.name == "spec.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(StoreError, match="cannot be written: Input/output error"):
        take_in(there, file)
    assert there.condition(spec) == "missing"


def test_a_complete_run_is_not_replaced_by_a_checkpoint(here, there, file, paused, finished):
    finished(there, SPECS[2])
    paused(here, SPECS[2], epoch=3)
    export(here, [SPECS[2]], file)
    assert take_in(there, file) == {"kept ours": 1}
    assert there.condition(SPECS[2]) == "complete"


def test_a_run_that_is_being_trained_is_not_replaced(here, there, file, monkeypatch):
    monkeypatch.setattr(arrival, "PATIENCE", 0.1)
    export(here, SPECS[:1], file)
    lease = Lease.take(there.begin(SPECS[0]))
    with pytest.raises(StoreError, match="is being trained by another process"):
        take_in(there, file)
    lease.release()


@pytest.mark.parametrize("damaged", ["spec.json", "checkpoint.safetensors", "history.jsonl"])
def test_a_damaged_paused_run_is_repaired_by_an_import(here, there, file, paused, damaged):
    folder = paused(here, SPECS[2], epoch=3)
    export(here, [SPECS[2]], file)
    sound = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    paused(there, SPECS[2], epoch=3)
    bad = there.folder(SPECS[2]) / damaged
    content = bytearray(bad.read_bytes())
    content[-9] ^= 1
    bad.write_bytes(content)
    assert take_in(there, file) == {"repaired": 1}
    assert bad.read_bytes() == sound[damaged]
    assert take_in(there, file) == {"kept ours": 1}


def test_a_flipped_bit_in_a_paused_run_is_found_by_export_and_by_import(here, there, file, paused):
    folder = paused(here, SPECS[2], epoch=1)
    path = folder / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(StoreError, match="is damaged"):
        export(here, [SPECS[2]], file)
    pack(file, content(folder))
    with pytest.raises(StoreError, match="is damaged"):
        take_in(there, file)


def test_two_imports_at_once_both_end_well(here, there, file, monkeypatch):
    export(here, SPECS, file)
    ready, found = threading.Barrier(2), []
    unpack = transfer.unpack

    def together(*arguments):
        unpack(*arguments)
        ready.wait(600)

    monkeypatch.setattr(transfer, "unpack", together)
    threads = [threading.Thread(target=lambda: found.append(take_in(there, file))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found, start=transfer.Counter()) == {"new": 2, "equal": 2}
    assert digests(there) == digests(here)


def test_a_paused_run_is_exported_as_it_was_checked_though_it_goes_on(here, there, file, paused, monkeypatch):
    paused(here, SPECS[2], epoch=1)
    read_checkpoint = transfer.read_checkpoint

    def going_on(*arguments):
        monkeypatch.setattr(transfer, "read_checkpoint", read_checkpoint)
        paused(here, SPECS[2], epoch=2)
        return read_checkpoint(*arguments)

    monkeypatch.setattr(transfer, "read_checkpoint", going_on)
    export(here, [SPECS[2]], file)
    take_in(there, file)
    assert there.position(SPECS[2])["epoch"] == 2


def test_a_run_that_is_finished_while_it_is_exported_as_paused_is_exported_complete(
    here, there, file, paused, finished, monkeypatch
):
    paused(here, SPECS[2], epoch=1)
    read_checkpoint = transfer.read_checkpoint

    def finishing(*arguments):
        finished(here, SPECS[2])
        return read_checkpoint(*arguments)

    monkeypatch.setattr(transfer, "read_checkpoint", finishing)
    export(here, [SPECS[2]], file)
    take_in(there, file)
    assert there.condition(SPECS[2]) == "complete"


def test_what_another_import_is_at_work_on_stays(here, there, file):
    export(here, SPECS, file)
    other = there.root / ".import-other"
    other.mkdir(parents=True)
    lease = Lease.take(other)
    take_in(there, file)
    assert lease.renew()


def test_the_folder_of_an_import_is_kept_from_looking_dead_until_its_end(here, there, file, monkeypatch):
    export(here, SPECS, file)
    seen = []

    @contextlib.contextmanager
    def kept(lease):
        seen.append("kept")
        yield
        seen.append("let go")

    unpack = transfer.unpack
    monkeypatch.setattr(Lease, "kept", kept)
    monkeypatch.setattr(transfer, "unpack", lambda *arguments: (seen.append("unpacked"), unpack(*arguments)))
    take_in(there, file)
    assert seen == ["kept", "unpacked", "let go"]


def test_what_a_killed_import_left_is_removed_by_the_next(here, there, file):
    export(here, SPECS, file)
    left = there.root / ".import-killed"
    left.mkdir(parents=True)
    (left / "lease.1").write_text(json.dumps({"host": "gone", "pid": 1, "started": "0", "token": ""}))
    os.utime(left / "lease.1", (0, 0))
    take_in(there, file)
    assert sorted(path.name for path in there.root.iterdir()) == sorted(spec.key for spec in SPECS[:2])


STATE = st.sampled_from(("missing", "paused", "complete"))


@settings(max_examples=20, deadline=None)
@given(st.lists(STATE, min_size=3, max_size=3).filter(lambda states: set(states) != {"missing"}), st.integers(0, 99))
def test_import_after_export_is_the_identity(states, value):
    from tests.made import finished, paused

    place = Path(tempfile.mkdtemp())
    try:
        here, there = Store(place / "here"), Store(place / "there")
        for spec, state in zip(SPECS, states, strict=True):
            if state == "complete":
                finished(here, spec, top1=float(value))
            elif state == "paused":
                paused(here, spec, epoch=value % 12, mark=float(value))
        export(here, SPECS, place / "file")
        take_in(there, place / "file")
        assert [content(there.folder(spec)) for spec in SPECS] == [content(here.folder(spec)) for spec in SPECS]
        assert [there.condition(spec) for spec in SPECS] == states
    finally:
        shutil.rmtree(place)


def test_a_damaged_paused_run_is_not_replaced_by_one_that_was_trained_otherwise(here, there, file, paused):
    paused(here, SPECS[2], epoch=5)
    export(here, [SPECS[2]], file)
    # Two rows differ: one alone might be the damage.
    bad = paused(there, SPECS[2], epoch=2, top1=47.0) / "checkpoint.safetensors"
    bad.write_bytes(bad.read_bytes()[:-1] + b"\x01")
    before = content(bad.parent)
    with pytest.raises(StoreError, match="holds other results"):
        take_in(there, file)
    assert content(bad.parent) == before


def test_a_paused_run_that_cannot_be_read_is_not_taken_for_damaged(here, there, file, paused, monkeypatch):
    paused(here, SPECS[2], epoch=5)
    export(here, [SPECS[2]], file)
    paused(there, SPECS[2], epoch=7)

    def broken(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(arrival, "read_plain", broken)
    with pytest.raises(StoreError, match=r"cannot be read \(.*Input/output error"):
        take_in(there, file)
