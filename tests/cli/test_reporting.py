"""What ``repro report`` writes beside the page, and what changed since another report."""

import json

import pytest

from repro.cli.main import main
from repro.reporting import report


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


def test_report_against_another_says_what_changed_and_writes_nothing(judged, workplace, capsys):
    other = workplace / "other"
    other.mkdir()
    made = json.loads((judged / "verdicts.json").read_text())
    made["claims"][0]["answer"] = "open"
    (other / "verdicts.json").write_text(json.dumps(made))
    capsys.readouterr()
    assert main(["report", "--against", "other"]) == 0
    assert capsys.readouterr().out.startswith("claim tiny: SMOKE open")
    assert not (judged / "report.html").exists()


def test_report_against_nothing_says_what_to_make(judged, capsys):
    assert main(["report", "--against", "nowhere"]) == 2
    assert "nowhere/verdicts.json is missing" in capsys.readouterr().err
