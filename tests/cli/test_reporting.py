"""What ``repro report`` writes beside the page, and what changed since another report."""

import errno
import json
import os
import shutil

import pytest

from repro.cli.main import main
from repro.reporting import report
from repro.runs import files


@pytest.fixture
def judged(workplace, tiny_claim, fill, monkeypatch):
    """A judged report in ``report``; PDFs are not made."""
    monkeypatch.setattr(report, "pdf", lambda page, verdicts=None: verdicts or b"")
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 70.0)
    main(["judge", "tiny.py"])
    return workplace / "report"


def test_report_writes_tables_a_badge_and_an_archive_when_asked(judged, capsys):
    assert main(["report", "--csv", "--archive"]) == 0
    shown = capsys.readouterr().out
    for name in ("claims.csv", "findings.csv", "runs.csv", "badge.svg", "report-archive.pdf"):
        assert (judged / name).exists()
        assert name in shown
    assert json.loads((judged / "report-archive.pdf").read_bytes()) == json.loads(
        (judged / "verdicts.json").read_bytes()
    )


def test_report_alone_writes_the_page_only(judged):
    main(["report"])
    names = {path.name for path in judged.iterdir()}
    assert names == {"report.html", "report.pdf", "verdicts.json", "verdicts.schema.json"}


def test_report_against_another_says_what_changed_and_leaves_the_report_as_it_is(judged, workplace, capsys):
    main(["report"])
    before = (judged / "report.html").read_bytes()
    other = workplace / "other"
    other.mkdir()
    made = json.loads((judged / "verdicts.json").read_text())
    made["claims"][0]["answer"] = "open"
    (other / "verdicts.json").write_text(json.dumps(made))
    capsys.readouterr()
    assert main(["report", "--against", "other"]) == 0
    assert capsys.readouterr().out.startswith("claim tiny: SMOKE open")
    assert (judged / "report.html").read_bytes() == before
    assert "What changed since other" in (judged / "report-against.html").read_text()


def test_report_against_nothing_says_what_to_make(judged, capsys):
    assert main(["report", "--against", "nowhere"]) == 2
    assert "nowhere/verdicts.json is missing" in capsys.readouterr().err


def test_a_report_over_a_store_that_changed_since_is_stale_row_by_row(judged, workplace, capsys):
    assert main(["report", "--results", "results"]) == 0
    assert "STALE" not in (judged / "report.html").read_text()
    row = json.loads((judged / "verdicts.json").read_text())["judgements"][1]
    record = workplace / "results" / row["runs"][0]["key"] / "run.json"
    record.write_text(record.read_text() + "\n")
    shutil.rmtree(workplace / "results" / row["runs"][1]["key"])
    capsys.readouterr()
    assert main(["report", "--results", "results", "--csv"]) == 3
    shown = capsys.readouterr().out
    (line,) = [line for line in shown.splitlines() if line.startswith("STALE")]
    gone, changed = row["runs"][1]["name"], row["runs"][0]["name"]
    assert line == f"STALE {row['check']}: 1 run gone, such as {gone}; 1 run changed, such as {changed}"
    assert "STALE</span>" in (judged / "report.html").read_text()
    assert "STALE" in (judged / "claims.csv").read_text()


def test_a_verdict_that_waits_for_a_run_that_is_there_now_is_stale(workplace, tiny_claim, fill, monkeypatch, capsys):
    monkeypatch.setattr(report, "pdf", lambda page, verdicts=None: b"")
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    main(["judge", "tiny.py"])
    fill(workplace / "results", 14, 80.0)
    assert main(["report", "--results", "results"]) == 3
    assert "STALE tiny[depth=14]: 3 runs added, such as " in capsys.readouterr().out


def test_a_full_disk_leaves_nothing_half_written(judged, monkeypatch, capsys):
    main(["report"])
    before = {path.name: path.read_bytes() for path in judged.iterdir()}
    written = files._write_through

    def full(path, content):
        path.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_write_through", full)
    monkeypatch.setattr(report, "pdf", lambda page, verdicts=None: b"another")
    capsys.readouterr()
    assert main(["report", "--csv"]) == 2
    assert "report.html cannot be written: No space left on device. Free some space" in capsys.readouterr().err
    monkeypatch.setattr(files, "_write_through", written)
    assert {path.name: path.read_bytes() for path in judged.iterdir()} == before


def test_a_document_of_an_older_schema_is_refused_by_its_version(judged, capsys):
    made = json.loads((judged / "verdicts.json").read_text())
    (judged / "verdicts.json").write_text(json.dumps({**made, "schema_version": made["schema_version"] - 1}))
    assert main(["report"]) == 2
    said = capsys.readouterr().err
    assert f"has schema version {made['schema_version'] - 1}; this suite reads {made['schema_version']}" in said
    assert "repro judge" in said
    assert not (judged / "report.html").exists()
