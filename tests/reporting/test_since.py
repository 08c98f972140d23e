"""The section of a report that says what changed since another one."""

import copy
import re

import pytest
from pypdf import PdfReader

from repro.reporting import report
from repro.reporting.since import since
from repro.reporting.view import view
from tests.reporting.test_pdf import titles


@pytest.fixture
def older(small):
    """The same document with another word, number, criterion, digest and one run more."""
    made = copy.deepcopy(small)
    row = made["judgements"][1]
    row.update(answer="seen", criterion_sha256="0" * 64)
    row["findings"][0].update(estimate=3.0, measured="+3.00 points")
    made["runs"][0]["digest"] = "1" * 64
    made["runs"].append({**made["runs"][0], "key": "another", "name": "a run that is gone"})
    return made


def section(made, changed):
    html = report._page(view(made, changed), for_pdf=False)
    found = re.search(r'<section id="changed">.*?</section>', html, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else ""


def test_a_report_that_is_compared_with_none_has_no_such_section(small):
    assert section(small, None) == ""


def test_the_section_tells_words_numbers_criteria_and_runs_then_and_now(small, older):
    said = section(small, since(older, small, "last-week"))
    assert "What changed since last-week" in said
    number = small["judgements"][1]["findings"][0]["measured"]
    assert f"+3.00 points {number}" in said
    assert re.search(r"tiny\[depth=14\] SMOKE seen.* SMOKE not seen", said)
    assert f"000000000000 {small['judgements'][1]['criterion_sha256'][:12]}" in said
    assert f"111111111111 {small['runs'][0]['digest'][:12]}" in said
    assert "a run that is gone trained not there" in said


def test_each_change_leads_to_its_claim(small, older):
    html = report._page(view(small, since(older, small, "last-week")), for_pdf=False)
    assert '<a href="#tiny">tiny[depth=14]</a>' in html


def test_equal_reports_are_said_to_be_equal(small):
    assert "No word, number, criterion or run has changed." in section(small, since(small, small, "copy"))


def test_the_pdf_has_the_section_and_its_bookmark(small, older, workplace):
    report.render_against(small, older, "last-week", workplace)
    reader = PdfReader(workplace / "report-against.pdf")
    assert "What changed since last-week" in set(titles(reader.outline))
    assert "a run that is gone" in "".join(page.extract_text() for page in reader.pages)


def test_what_is_not_listed_is_counted(small):
    older = copy.deepcopy(small)
    older["runs"] = [{**small["runs"][0], "key": str(i), "name": f"run {i}"} for i in range(20)]
    assert "14 more, not listed." in section(small, since(older, small, "last-week"))
