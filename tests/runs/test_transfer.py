import io
import tarfile

import pytest

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
    assert "Nothing was taken in" in str(error.value)
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
def test_a_file_that_lacks_its_last_bytes_is_refused(here, there, file, lost):
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
