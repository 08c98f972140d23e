"""What a page could hide: the catalogue's rows, verdicts withheld for a precision, runs without trained tensors."""

import copy
import re

import pytest

from repro.collecting.catalogue import catalogue
from repro.judging.coverage import Standing
from repro.reporting import report
from repro.reporting.standings import UNCHECKED
from repro.reporting.view import view

WHY = "Its runs are in bfloat16, but control-precision is open: it must hold first."


def page(made, for_pdf=False):
    html = report._page(view(made), for_pdf=for_pdf)
    return re.sub(r"(?s)<(style|script)>.*?</\1>", "", html)


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("for_pdf", [False, True])
def test_every_row_of_the_catalogue_stands_before_the_verdicts_once_and_each_reason_once_a_work(busy, for_pdf):
    html = page(busy, for_pdf)
    (section,) = re.findall(r'(?s)<section id="coverage">.*?</section>', html)
    assert html.index(section) < html.index('<section id="verdicts">')
    words = re.findall(r"[\w-]+", text(section))
    assert [row.id for row in catalogue() if words.count(row.id) != 1] == []
    for body in section.split("<tbody>")[1:]:
        standings = re.findall(r"<b>\d+</b> ([a-z ]+)</th>", body)
        assert standings == [one for one in Standing if one in standings]
    own = {(row["work"], row["reason"]) for row in busy["coverage"] if row["standing"] in UNCHECKED}
    for reason in {reason for _, reason in own if reason}:
        assert text(section).count(f"{reason}: ".replace("'", "&#39;")) == sum(one == reason for _, one in own), reason


def test_a_claim_that_waits_is_priced_in_the_coverage(busy):
    pending = {**busy["coverage"][0], "standing": "pending", "seconds": 7_200_000.0}
    html = page({**busy, "coverage": [pending, *busy["coverage"][1:]]})
    (section,) = re.findall(r'(?s)<section id="coverage">.*?</section>', html)
    assert f"{pending['id']} (2,000 h)" in text(section)
    assert "In brackets: core-hours" in text(section)


@pytest.fixture
def withheld(small):
    """The document of one claim whose second point has its runs, in a precision that is not held yet."""
    row = small["judgements"][1]
    row.update(verdict="PENDING", answer="none", why=WHY, findings=[], missing=[])
    small["claims"][0].update(verdict="PENDING", answer="seen", points={"seen": 1, "PENDING": 1})
    return small


def test_a_verdict_withheld_for_its_precision_is_not_said_to_miss_runs(withheld):
    said = text(page(withheld))
    assert "1 withheld: Its runs are in bfloat16, but control-precision is open: it must hold first." in said
    assert "withheld for its precision" in said
    assert "Withheld: their precision is not validated against float32 yet" in said
    assert "Pending: runs are missing" not in said


def test_a_claim_that_misses_runs_is_not_said_to_be_withheld(withheld):
    withheld["judgements"][1]["missing"] = [{"key": "0", "name": "a run", "condition": "missing"}]
    said = text(page(withheld))
    assert "Seen so far: other points lack runs" in said
    assert "withheld" not in said.lower()
    withheld["claims"][0].update(answer="none", points={"PENDING": 2})
    assert "Pending: runs are missing" in text(page(withheld))
    withheld["claims"][0].update(points={"PENDING": 1, "MEASURED": 1})
    assert "Partly measured: other points lack runs" in text(page(withheld))


def test_runs_that_came_without_their_tensors_are_counted_where_the_runs_are(small):
    made = copy.deepcopy(small)
    made["runs"][0]["tensors"] = False
    said = text(page(made))
    assert "2 checks of 6 runs, 1 without their trained tensors" in said.replace(" ,", ",")
    assert "1 of 6 runs is stored without them" in said
    assert said.count("trained, without tensors") == 1
    assert "without their trained tensors" not in text(page(small))


def test_what_the_processors_worked_is_told_where_records_say_so_and_older_documents_are_still_read(small):
    small["cost"]["processor_seconds"] = 7200.0
    assert "2.0 hours of CPU time, where the records have it" in text(page(small))
    del small["cost"]["processor_seconds"]
    assert "CPU time" not in text(page(small))
