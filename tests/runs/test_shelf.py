"""A folder of exports holds each run once, and gives back the store that it was written from."""

import pytest

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs.shelf import archives, file_name, keep
from repro.runs.store import TENSORS, Store
from repro.runs.transfer import take_in
from tests import made

SPECS = [cifar("smoke", seed, depth=8) for seed in range(3)]


@pytest.fixture
def store(tmp_path):
    """Two complete runs, and one that is paused."""
    store = Store(tmp_path / "store")
    for spec in SPECS[:2]:
        made.finished(store, spec)
    made.paused(store, SPECS[2], epoch=3)
    return store


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "evidence").mkdir()
    return tmp_path / "evidence"


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_each_run_has_a_file_that_names_it(store, folder):
    assert keep(store, SPECS, folder) == {"complete": 2, "paused": 1}
    assert names(folder) == sorted([*map(file_name, SPECS[:2]), f"paused/{file_name(SPECS[2])}"])
    assert file_name(SPECS[0]) == f"resnet-8_batchnorm_12_epochs_seed-0_digits_{SPECS[0].key[:12]}.tar.xz"


def test_the_folder_gives_back_the_store(store, folder, tmp_path):
    keep(store, SPECS, folder)
    there = Store(tmp_path / "there")
    for file in archives(folder):
        take_in(there, file)
    assert [run.sha256 for run in there.runs()] == [run.sha256 for run in store.runs()]
    assert there.position(SPECS[2]) == store.position(SPECS[2])


def test_what_is_there_already_keeps_its_bytes(store, folder):
    keep(store, SPECS, folder)
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    assert keep(store, SPECS, folder) == {"unchanged": 3}
    assert {name: (folder / name).read_bytes() for name in names(folder)} == before


def test_a_paused_run_that_was_completed_leaves_the_paused_ones(store, folder):
    keep(store, SPECS, folder)
    made.finished(store, SPECS[2])
    assert keep(store, SPECS, folder) == {"unchanged": 2, "complete": 1}
    assert names(folder) == sorted(map(file_name, SPECS))


def test_other_results_for_a_kept_run_are_refused_and_the_file_stays(store, folder, tmp_path):
    keep(store, SPECS[:1], folder)
    before = (folder / file_name(SPECS[0])).read_bytes()
    other = Store(tmp_path / "other")
    made.finished(other, SPECS[0], top1=12.5)
    with pytest.raises(StoreError, match="holds other results than"):
        keep(other, SPECS[:1], folder)
    assert (folder / file_name(SPECS[0])).read_bytes() == before
    assert names(folder) == [file_name(SPECS[0])]


def test_a_file_of_another_run_is_named_and_stays(store, folder):
    keep(store, SPECS, folder)
    first, other, kept = (folder / file_name(SPECS[0]), folder / file_name(SPECS[1]), folder / "paused")
    for wrong in (other, kept / file_name(SPECS[2])):
        first.write_bytes(wrong.read_bytes())
        with pytest.raises(StoreError) as error:
            keep(store, SPECS, folder)
        assert (
            str(error.value)
            == f"{first} does not hold a complete {SPECS[0].name}, although its name says so; move it away."
        )
        assert first.read_bytes() == wrong.read_bytes()


def test_a_folder_without_exports_is_refused(folder):
    with pytest.raises(StoreError, match="holds no"):
        list(archives(folder))


def test_a_file_that_has_what_the_store_lacks_stays_as_it_is(store, folder):
    keep(store, SPECS[:1], folder)
    file = folder / file_name(SPECS[0])
    before = file.read_bytes()
    (store.folder(SPECS[0]) / TENSORS).unlink()  # as an import of an export without them leaves it
    assert keep(store, SPECS[:1], folder) == {"unchanged": 1}
    assert file.read_bytes() == before


def test_a_file_that_has_a_measurement_which_the_store_lacks_stays_as_it_is(store, folder, tmp_path):
    run = store.run(SPECS[0])
    (run.folder / "measurements" / "novel.json").write_text("{}")
    store.add(run, ["measurements/novel.json"], {"code": "c0de"})
    keep(store, SPECS[:1], folder)
    before = (folder / file_name(SPECS[0])).read_bytes()
    other = Store(tmp_path / "other")
    made.finished(other, SPECS[0])
    assert keep(other, SPECS[:1], folder) == {"unchanged": 1}
    assert (folder / file_name(SPECS[0])).read_bytes() == before


def test_complete_runs_come_before_paused_ones(store, folder):
    keep(store, SPECS, folder)
    assert [file.parent.name for file in archives(folder)] == ["evidence", "evidence", "paused"]


def test_tensors_are_left_out_of_a_file_that_had_them_when_that_is_asked_for(store, folder, tmp_path):
    keep(store, SPECS[:1], folder)
    assert keep(store, SPECS[:1], folder, most=0) == {"complete": 1}
    there = Store(tmp_path / "there")
    take_in(there, folder / file_name(SPECS[0]))
    assert not there.run(SPECS[0]).has_tensors


def test_a_paused_run_that_is_further_on_or_complete_in_the_folder_stays(store, folder, tmp_path):
    keep(store, SPECS, folder)
    further, file = (folder / "paused" / file_name(SPECS[2])).read_bytes(), folder / "paused" / file_name(SPECS[2])
    behind = Store(tmp_path / "behind")
    made.paused(behind, SPECS[2], epoch=2)
    assert keep(behind, SPECS[2:], folder) == {"unchanged": 1}
    assert file.read_bytes() == further
    made.finished(store, SPECS[2])
    keep(store, SPECS[2:], folder)
    assert keep(behind, SPECS[2:], folder) == {"unchanged": 1}
    assert names(folder) == sorted(map(file_name, SPECS))


def test_a_paused_run_with_another_history_than_the_kept_one_is_refused(store, folder, tmp_path):
    keep(store, SPECS, folder)
    other = Store(tmp_path / "other")
    made.paused(other, SPECS[2], epoch=4, top1=12.5)
    before = names(folder)
    with pytest.raises(StoreError, match="holds another history than"):
        keep(other, SPECS[2:], folder)
    assert names(folder) == before
