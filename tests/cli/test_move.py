"""export and import from outside."""

import tarfile

import pytest

from repro.cli.main import main


def test_an_import_counts_what_came_before_a_damaged_file(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    (workplace / "kept").mkdir()
    assert main(["export", "tiny.py", "--to", "kept"]) == 0
    last = sorted((workplace / "kept").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-50])
    capsys.readouterr()
    assert main(["import", "kept", "--results", "there"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "kept: 2 new\n"
    assert f"{last.name} is damaged" in printed.err
    assert "Nothing of it was imported." in printed.err


def test_an_export_leaves_out_what_is_larger_than_asked_for(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["export", "tiny.py", "--to", "light.tar.xz", "--tensors-up-to", "1B"]) == 0
    assert main(["import", "light.tar.xz", "--results", "there"]) == 0
    assert not list((workplace / "there").glob("*/tensors.safetensors"))
    assert len(list((workplace / "there").glob("*/run.json"))) == 3
    for word in ("", "12", "1KB", "-1kB", "1e3B"):
        with pytest.raises(SystemExit):
            main(["export", "tiny.py", "--to", "light.tar.xz", f"--tensors-up-to={word}"])
        assert "is not a size; write one such as 500kB or 2MB" in capsys.readouterr().err


def test_a_file_named_twice_is_counted_twice_and_one_without_runs_is_said_to_have_none(
    workplace, tiny_claim, fill, capsys
):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    main(["export", "tiny.py", "--to", "kept.tar.xz"])
    tarfile.open("none.tar.xz", "w:xz").close()
    capsys.readouterr()
    assert main(["import", "kept.tar.xz", "kept.tar.xz", "none.tar.xz", "--results", "there"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["kept.tar.xz: 3 new", "kept.tar.xz: 3 equal", "none.tar.xz: no run"]
