"""export and import from outside."""

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
