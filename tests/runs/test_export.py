"""What an export writes, refuses and replaces."""

from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.recipes import cifar
from repro.runs.store import Store
from repro.runs.transfer import export
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
    with pytest.raises(StoreError, match=r"claim\.py is no export.*--to"):
        export(store, [spec], other)
    assert other.read_text() == "a claim"
    assert export(store, [spec], tmp_path / "runs") == export(store, [spec], tmp_path / "runs") == 1
