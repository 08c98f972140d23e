import io
import json
import os
import shutil
import tarfile
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs import transfer
from repro.runs.lease import Lease
from repro.runs.store import Store
from repro.runs.transfer import export, take_in

SPECS = [cifar("smoke", seed, depth=8) for seed in range(3)]


@pytest.fixture
def here(tmp_path, finished):
    """A store with two complete runs."""
    store = Store(tmp_path / "here")
    for spec in SPECS[:2]:
        finished(store, spec)
    return store


@pytest.fixture
def there(tmp_path):
    return Store(tmp_path / "there")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs.tar.xz"


def digests(store):
    return {run.spec.key: run.sha256 for run in store.runs()}


def test_an_exported_store_arrives_as_it_was(here, there, file):
    assert export(here, SPECS, file) == 2
    assert take_in(there, file) == {"new": 2}
    assert digests(there) == digests(here)
    for run in there.runs():
        run.check()


def test_exporting_twice_gives_the_same_bytes(here, file, tmp_path):
    export(here, SPECS, file)
    export(here, SPECS, tmp_path / "again.tar.xz")
    assert file.read_bytes() == (tmp_path / "again.tar.xz").read_bytes()


def test_equal_duplicates_are_accepted_although_they_took_another_time(here, there, file, finished):
    finished(there, SPECS[0], seconds=99.0)
    before = digests(there)[SPECS[0].key]
    export(here, SPECS, file)
    assert take_in(there, file) == {"equal": 1, "new": 1}
    assert digests(there)[SPECS[0].key] == before


def test_a_conflict_is_refused_by_name_and_nothing_is_taken_in(here, there, file, finished):
    finished(there, SPECS[1], top1=12.0)
    before = digests(there)
    export(here, SPECS, file)
    with pytest.raises(StoreError, match=r"other results than .* for resnet-8 .* seed 1 .*conflict") as error:
        take_in(there, file)
    assert "Nothing of it was imported" in str(error.value)
    assert digests(there) == before
    assert not list(there.root.glob(".import-*"))


def test_a_changed_run_is_not_exported(here, file):
    (here.folder(SPECS[0]) / "history.jsonl").write_text("{}\n")
    with pytest.raises(StoreError, match="was changed after the run"):
        export(here, SPECS, file)
    assert not file.exists()


def test_a_paused_run_without_its_history_is_refused_by_name(here, file, paused):
    (paused(here, SPECS[2], epoch=1) / "history.jsonl").unlink()
    with pytest.raises(StoreError, match=r"history\.jsonl cannot be read"):
        export(here, SPECS, file)
    assert not file.exists()


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"not xz", lambda b: b[:200] + b"x" + b[201:]]
)
def test_a_damaged_file_is_refused_and_nothing_is_taken_in(here, there, file, damage):
    export(here, SPECS, file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StoreError, match="damaged"):
        take_in(there, file)
    assert list(there.runs()) == []


@pytest.mark.parametrize("lost", [1, 12, 48])
def test_a_truncated_file_is_refused(here, there, file, lost):
    export(here, SPECS, file)
    file.write_bytes(file.read_bytes()[:-lost])
    with pytest.raises(StoreError, match="is damaged"):
        take_in(there, file)
    assert list(there.runs()) == []


@pytest.mark.parametrize("content", [None, b"not xz"], ids=["absent", "damaged"])
def test_a_failed_import_makes_no_store(there, file, content):
    if content:
        file.write_bytes(content)
    with pytest.raises(StoreError):
        take_in(there, file)
    assert not there.root.exists()


def test_a_failed_import_leaves_an_empty_store_where_it_was(there, file):
    there.root.mkdir()
    with pytest.raises(StoreError):
        take_in(there, file)
    assert list(there.root.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "evil", "a/b/c/d"])
def test_a_file_that_would_land_elsewhere_is_refused(there, file, name, tmp_path):
    with tarfile.open(file, "w:xz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(StoreError, match="which no export has"):
        take_in(there, file)
    assert not list(tmp_path.rglob("*evil"))


def test_a_link_is_refused(there, file):
    with tarfile.open(file, "w:xz") as tar:
        info = tarfile.TarInfo("key/spec.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(StoreError, match="which no export has"):
        take_in(there, file)


@pytest.mark.parametrize(
    ("ours", "theirs", "status", "mark"),
    [
        (None, (3, 0), "new", 2.0),
        ((1, 5), (3, 0), "newer checkpoint", 2.0),
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


def test_a_complete_run_is_not_replaced_by_a_checkpoint(here, there, file, paused, finished):
    finished(there, SPECS[2])
    paused(here, SPECS[2], epoch=3)
    export(here, [SPECS[2]], file)
    assert take_in(there, file) == {"kept ours": 1}
    assert there.condition(SPECS[2]) == "complete"


def test_a_run_that_is_being_trained_is_not_replaced(here, there, file, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 0.1)
    export(here, SPECS[:1], file)
    lease = Lease.take(there.begin(SPECS[0]))
    with pytest.raises(StoreError, match="is being trained by another process"):
        take_in(there, file)
    lease.release()


def pack(file, members):
    """An export with any members: name to content."""
    with tarfile.open(file, "w:xz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def content(folder):
    return {f"{folder.name}/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*.*")}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("spec.json", b"\xff\x00\xfe", "holds no run spec"),
        ("spec.json", b"[" * 100_000, "holds no run spec"),
        ("spec.json", b"{}", "holds no run spec"),
        ("run.json", b"[" * 100_000, "run.json is no run record"),
        ("run.json", b"{}", "run.json is no run record"),
        ("history.jsonl", b"", "history.jsonl was changed"),
    ],
)
def test_a_damaged_member_is_reported_with_the_file_it_came_in(here, there, file, name, text, message):
    members = content(here.folder(SPECS[0]))
    pack(file, members | {f"{SPECS[0].key}/{name}": text})
    with pytest.raises(StoreError, match=message) as error:
        take_in(there, file)
    assert str(file) in str(error.value)
    assert ".import-" not in str(error.value)
    assert not there.root.exists()


def test_a_record_without_files_is_refused(here, there, file):
    from repro.runs.canonical import digest

    members = content(here.folder(SPECS[0]))
    record = json.loads(members[f"{SPECS[0].key}/run.json"])
    del record["files"], record["record_sha256"]
    forged = json.dumps(record | {"record_sha256": digest(record)}).encode()
    pack(file, members | {f"{SPECS[0].key}/run.json": forged})
    with pytest.raises(StoreError, match="files is missing"):
        take_in(there, file)


@pytest.mark.parametrize(
    "place",
    [
        {"epoch": "1", "step": 0}, {"epoch": 99, "step": 0}, {"epoch": -1, "step": 0}, {"epoch": 1, "step": 1e9},
        {"epoch": 1, "step": None}, {"epoch": 1, "step": 0, "parts": 3}, {"epoch": 1, "step": 0, "parts": [{}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_checkpoint_at_no_place_of_its_run_is_refused(here, there, file, paused, place):
    from repro.runs.checkpoint import pack as checkpoint

    folder = paused(here, SPECS[2], epoch=1)
    whole = {"diverged": False, "parts": [], "criteria": {}} | place
    history = (folder / "history.jsonl").read_bytes()
    (folder / "checkpoint.safetensors").write_bytes(checkpoint(SPECS[2], {}, whole, history))
    pack(file, content(folder))
    with pytest.raises(StoreError, match="checkpoint.safetensors is damaged") as error:
        take_in(there, file)
    assert str(file) in str(error.value)
    with pytest.raises(StoreError, match="no complete or paused run"):
        export(here, [SPECS[2]], file)


def test_a_flipped_bit_in_a_paused_run_is_found_by_export_and_by_import(here, there, file, paused):
    folder = paused(here, SPECS[2], epoch=1)
    path = folder / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(StoreError, match="is damaged"):
        export(here, [SPECS[2]], file)
    pack(file, content(folder))
    with pytest.raises(StoreError, match="is damaged"):
        take_in(there, file)


def test_a_member_larger_than_the_disk_is_refused_before_it_is_written(there, file):
    with tarfile.open(file, "w:xz") as tar:
        info = tarfile.TarInfo(f"{SPECS[0].key}/tensors.safetensors")
        info.size = 1 << 55
        tar.addfile(info)
    with pytest.raises(StoreError, match="room for"):
        take_in(there, file)


def test_a_header_larger_than_any_is_refused_unread(there, file):
    with tarfile.open(file, "w:xz") as tar:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 1 << 30
        tar.addfile(info)
    with pytest.raises(StoreError, match="a header of 1073741824 bytes"):
        take_in(there, file)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_plain_file_is_refused(there, file, kind):
    with tarfile.open(file, "w:xz") as tar:
        info = tarfile.TarInfo(f"{SPECS[0].key}/spec.json")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(StoreError, match="which no export has"):
        take_in(there, file)


def test_a_member_that_comes_twice_is_refused(here, there, file):
    members = content(here.folder(SPECS[0]))
    with tarfile.open(file, "w:xz") as tar:
        for name in [*members, f"{SPECS[0].key}/spec.json"]:
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(StoreError, match="which no export has"):
        take_in(there, file)


@pytest.mark.parametrize("name", ["", ".", "/dev/null", "x" * 300, "link", "a/b\0"])
def test_an_export_replaces_plain_files_alone(here, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("target").write_text("kept")
    Path("link").symlink_to("target")
    with pytest.raises(StoreError, match="--to"):
        export(here, SPECS, Path(name))
    assert Path("target").read_text() == "kept" and Path("link").is_symlink()


@pytest.mark.parametrize("name", [".", "/dev/zero", "x" * 300, "absent/file"])
def test_what_is_no_plain_file_is_not_imported(there, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="name (one|a file) that `repro export` wrote"):
        take_in(there, Path(name))
    assert not there.root.exists()


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


def test_an_export_replaces_an_export_and_no_other_file(tmp_path, finished):
    store, spec = Store(tmp_path / "here"), cifar("smoke", 0, depth=8)
    finished(store, spec)
    other = tmp_path / "claim.py"
    other.write_text("a claim")
    with pytest.raises(StoreError, match=r"claim\.py is no export.*--to"):
        export(store, [spec], other)
    assert other.read_text() == "a claim"
    assert export(store, [spec], tmp_path / "runs") == export(store, [spec], tmp_path / "runs") == 1


def test_a_disk_that_is_full_is_not_blamed_on_the_file(tmp_path, finished, monkeypatch):
    there, spec = Store(tmp_path / "there"), cifar("smoke", 0, depth=8)
    finished(there, spec)
    export(there, [spec], tmp_path / "runs.tar.xz")
    opened = Path.open

    def full(path, mode="r", **more):
        return opened(Path("/dev/full") if mode == "wb" else path, mode, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match=r"cannot be written: No space left on device\. Free some space"):
        take_in(Store(tmp_path / "here"), tmp_path / "runs.tar.xz")
