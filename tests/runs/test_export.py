"""What an export writes, refuses and replaces."""

from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs.store import TENSORS, Store
from repro.runs.transfer import export, take_in
from tests.runs.made import SPECS


def test_exporting_twice_gives_the_same_bytes(here, file, tmp_path):
    export(here, SPECS, file)
    export(here, SPECS, tmp_path / "again.tar.xz")
    assert file.read_bytes() == (tmp_path / "again.tar.xz").read_bytes()


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


@pytest.mark.parametrize("name", ["", ".", "/dev/null", "x" * 300, "link", "a/b\0"])
def test_an_export_replaces_plain_files_alone(here, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("target").write_text("kept")
    Path("link").symlink_to("target")
    with pytest.raises(StoreError, match="--to"):
        export(here, SPECS, Path(name))
    assert Path("target").read_text() == "kept" and Path("link").is_symlink()


def test_an_export_replaces_an_export_and_no_other_file(tmp_path, finished):
    store, spec = Store(tmp_path / "here"), cifar("smoke", 0, depth=8)
    finished(store, spec)
    other = tmp_path / "claim.py"
    other.write_text("a claim")
    with pytest.raises(StoreError, match=r"claim\.py is not an export.*--to"):
        export(store, [spec], other)
    assert other.read_text() == "a claim"
    assert export(store, [spec], tmp_path / "runs") == export(store, [spec], tmp_path / "runs") == 1


def test_tensors_over_a_size_are_left_out_and_the_run_is_still_whole(here, there, file):
    size = (here.folder(SPECS[0]) / TENSORS).stat().st_size
    export(here, SPECS, file, most=size)
    assert take_in(there, file) == {"new": 2}
    assert all(run.has_tensors for run in there.runs())
    export(here, SPECS, file, most=size - 1)
    lighter = Store(there.root.with_name("lighter"))
    assert take_in(lighter, file) == {"new": 2}
    for run in lighter.runs():
        run.check()
        assert not run.has_tensors and run.digest == here.run(run.spec).digest
        with pytest.raises(StoreError, match="came without its trained tensors; .* train it again: repro run"):
            run.read(TENSORS)


def test_tensors_that_were_left_out_come_with_a_later_import(here, there, file):
    export(here, SPECS, file, most=0)
    take_in(there, file)
    assert export(there, SPECS, file) == 2  # what is not there is not asked for
    export(here, SPECS, file)
    assert take_in(there, file) == {"tensors added": 2}
    assert take_in(there, file) == {"equal": 2}
    for run in there.runs():
        assert run.has_tensors
        run.check()


def test_tensors_once_there_are_kept(here, file):
    export(here, SPECS, file, most=0)
    assert take_in(here, file) == {"equal": 2}
    assert all(run.has_tensors for run in here.runs())
