"""What an import refuses, with nothing taken in."""

import io
import json
import lzma
import random
import sys
import tarfile
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs import archive
from repro.runs.canonical import digest
from repro.runs.store import Store
from repro.runs.transfer import export, take_in
from tests.runs.made import SPECS, content, pack


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
    ("name", "text", "message"),
    [
        ("spec.json", b"\xff\x00\xfe", "holds no run spec"),
        ("spec.json", b"[" * 100_000, "holds no run spec"),
        ("spec.json", b"{}", "holds no run spec"),
        ("run.json", b"[" * 100_000, "run.json is not a run record"),
        ("run.json", b"{}", "run.json is not a run record"),
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
    members = content(here.folder(SPECS[0]))
    record = json.loads(members[f"{SPECS[0].key}/run.json"])
    del record["files"], record["record_sha256"]
    forged = json.dumps(record | {"record_sha256": digest(record)}).encode()
    pack(file, members | {f"{SPECS[0].key}/run.json": forged})
    with pytest.raises(StoreError, match="files is missing"):
        take_in(there, file)


@pytest.mark.parametrize(
    ("complete", "name"),
    [
        (True, "measurements/novel.json"),
        (True, "checkpoint.safetensors"),
        (False, "measurements/accuracy.json"),
        (False, "tensors.safetensors"),
    ],
)
def test_a_file_that_is_no_part_of_its_run_is_refused(here, there, file, paused, complete, name):
    folder = here.folder(SPECS[0]) if complete else paused(here, SPECS[2], epoch=1)
    pack(file, content(folder) | {f"{folder.name}/{name}": b"{}"})
    with pytest.raises(StoreError, match=f"{name}, which no export has"):
        take_in(there, file)
    assert not there.root.exists()


@pytest.mark.parametrize(
    "place",
    [
        {"epoch": "1", "step": 0}, {"epoch": 99, "step": 0}, {"epoch": -1, "step": 0}, {"epoch": 1, "step": 1e9},
        {"epoch": 1, "step": None}, {"epoch": 1, "step": 0, "parts": 3}, {"epoch": 1, "step": 0, "parts": [{}]},
        {"epoch": 1, "step": 0, "parts": [{"seconds": 1, "commit": 5}]},
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


def test_a_member_larger_than_the_disk_is_refused_before_it_is_written(there, file):
    with tarfile.open(file, "w:xz") as tar:
        info = tarfile.TarInfo(f"{SPECS[0].key}/tensors.safetensors")
        info.size = 1 << 55
        tar.fileobj.write(info.tobuf())
    with pytest.raises(StoreError, match="room for"):
        take_in(there, file)


def test_what_unpacks_to_far_more_than_it_weighs_is_refused(there, file):
    with tarfile.open(file, "w:xz", preset=1) as tar:
        info = tarfile.TarInfo(f"{SPECS[0].key}/tensors.safetensors")
        info.size = (256 << 20) + 1
        with Path("/dev/zero").open("rb") as zeros:
            tar.addfile(info, zeros)
    assert file.stat().st_size < 1 << 20
    with pytest.raises(StoreError, match="more than any run has"):
        take_in(there, file)
    assert not there.root.exists()


def test_what_needs_more_memory_than_any_export_is_refused(there, file):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 256 << 20}]
    file.write_bytes(lzma.compress(bytes(20480), filters=filters))
    with pytest.raises(StoreError, match="(?i)memory usage limit"):
        take_in(there, file)


@pytest.mark.parametrize("within", [True, False])
def test_what_follows_the_last_run_is_refused(here, there, file, within):
    export(here, SPECS, file)
    whole = lzma.decompress(file.read_bytes())
    zeros = bytes(3 << 20)
    file.write_bytes(lzma.compress(whole + zeros) if within else lzma.compress(whole) + lzma.compress(zeros))
    with pytest.raises(StoreError, match="more after its last run"):
        take_in(there, file)


def test_what_follows_is_found_where_a_piece_ends_with_the_last_run(here, there, file, finished, monkeypatch):
    noise = random.Random(0).randbytes(1 << 14).hex()  # an export of more than the 10 kB that tar fills up to
    finished(here, SPECS[2], measurements={"noise": {"text": noise}})
    export(here, SPECS[2:], file)
    monkeypatch.setattr(archive, "PIECE", file.stat().st_size)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(StoreError, match="more after its last run"):
        take_in(there, file)


def test_a_text_longer_than_any_run_has_is_refused(here, there, file, monkeypatch):
    export(here, SPECS, file)
    longest = max(path.stat().st_size for path in here.root.rglob("*.json*"))
    monkeypatch.setattr(archive, "TEXT", longest - 1)
    with pytest.raises(StoreError, match=f"{longest:,} bytes, more than any run has"):
        take_in(there, file)


def test_an_empty_member_counts_as_a_file_system_counts_it(here, there, file, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    monkeypatch.setattr(archive, "PACKED", 1)
    names = [f"measurements/m{number}.json" for number in range(300)]
    pack(file, {f"{SPECS[0].key}/{name}": b"" for name in names})
    with pytest.raises(StoreError, match="more than any run has"):
        take_in(there, file)


def test_a_record_with_a_number_larger_than_any_float_is_refused(here, there, file):
    members = content(here.folder(SPECS[0]))
    record = json.loads(members[f"{SPECS[0].key}/run.json"]) | {"seconds": 10**400}
    record.pop("record_sha256")
    forged = json.dumps(record | {"record_sha256": digest(record)}).encode()
    pack(file, members | {f"{SPECS[0].key}/run.json": forged})
    with pytest.raises(StoreError, match="seconds"):
        take_in(there, file)


def test_a_python_without_lzma_says_so_and_blames_no_file(here, there, file, monkeypatch):
    export(here, SPECS, file)
    monkeypatch.setitem(sys.modules, "lzma", None)
    for call in (lambda: take_in(there, file), lambda: export(here, SPECS, file)):
        with pytest.raises(StoreError, match="this Python was built without lzma"):
            call()


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


@pytest.mark.parametrize("name", [".", "/dev/zero", "x" * 300, "absent/file"])
def test_what_is_no_plain_file_is_not_imported(there, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="name (one|a file) that `repro export` wrote"):
        take_in(there, Path(name))
    assert not there.root.exists()


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
