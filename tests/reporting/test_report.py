import copy
import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from repro.collecting.collect import collect
from repro.judging import document
from repro.judging.verdict import Verdict
from repro.reporting import report
from repro.reporting.against import changes
from repro.reporting.badge import badge
from repro.reporting.since import since
from repro.reporting.tables import as_csv, tables
from repro.reporting.view import view
from repro.runs.store import Store
from tests.reporting.test_redrawn import figure

TEXT = st.text(max_size=40) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "a & b",
        "γ ≥ 0 😀",
        "]]>",
        "{{ x }}",
        "\x00",
        "\u202eשלום",
        "x" * 5000,
        '"><svg onload=alert(1)>',
        "</title><b>",
        "0.5 → 0.25",
    ]
)
FLOAT = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e300, 1e-300])
MAYBE = st.none() | FLOAT
PAIR = st.none() | st.tuples(FLOAT, FLOAT).map(sorted)
SAMPLE = st.builds(
    lambda label, values, unit: {
        "label": label,
        "values": values,
        "seeds": list(range(len(values))),
        "unit": unit,
        "step": 0.1,
        "quantity": "test accuracy",
    },
    TEXT,
    st.lists(FLOAT, max_size=4),
    st.sampled_from(["%", "points", "share", "count", ""]),
)
OUTCOMES = ["established", "direction only", "ruled out", "undecided", "source error", "measured"]
FINDING = st.fixed_dictionaries(
    {
        "label": TEXT,
        "expected": TEXT,
        "measured": TEXT,
        "outcome": st.sampled_from(OUTCOMES),
        "why": TEXT,
        "samples": st.lists(SAMPLE, max_size=3),
        "estimate": MAYBE,
        "interval": PAIR,
        "interval_level": st.none() | st.floats(0, 1),
        "unit": st.sampled_from(["%", "points", "share", "count", ""]),
        "criterion": st.none() | st.tuples(MAYBE, MAYBE).map(list),
        "reference": MAYBE,
        "p_for": st.none() | st.floats(0, 1),
        "p_against": st.none() | st.floats(0, 1),
        "flips": PAIR,
        "more_seeds": st.none() | st.integers(1, 200),
        "would_change": TEXT,
        "degrees_of_freedom": MAYBE,
        "assumption": TEXT,
        "prediction": PAIR,
        "consistent": st.none() | st.booleans(),
    }
)
VERDICTS = [str(verdict) for verdict in Verdict if verdict is not Verdict.PILOT]


# All that the templates and drawings write.
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "article", "div", "p", "h1",
    "h2", "h3", "h4", "a", "b", "i", "strong", "small", "span", "abbr", "code", "ul", "ol", "li", "dl", "dt", "dd",
    "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details", "summary", "script",
    "svg", "g", "text", "polyline", "polygon", "circle", "path",
}  # fmt: skip


class Elements(HTMLParser):
    """The elements and attributes of a page, as a browser reads them."""

    def __init__(self, page):
        super().__init__()
        self.names, self.attributes, self.addresses = Counter(), Counter(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        self.addresses |= {value for name, value in attrs if name in ("href", "src")}


def work(text):
    """A work all of whose texts are this one."""
    settings = [{"name": text, "said": [text, text], "where": {}, "only": {}, "here": text, "standing": standing}
                for standing in ("same", "guess", "deviation", "")]  # fmt: skip
    return {
        "key": "nobody2021", "title": text, "short": text, "authors": [text, text], "venue": text, "year": 2021,
        "url": "javascript:alert(1)", "versions": [text], "companion_to": "", "tags": {"P": text},
        "scales": {"smoke": text},
        "protocol": {"networks": text, "data": text}, "order": [text], "columns": [text, text], "settings": settings,
        "disagreements": [{"about": text, "claims": ["tiny", "tiny"]}],
        "remarks": [{"claims": ["tiny"], "text": text, "scale": ""}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def pending(tmp_path_factory):
    """The document of some of this suite's own claims, judged from an empty store: everything is pending."""
    store = Store(tmp_path_factory.mktemp("empty") / "results")
    return document.document(collect(scale="smoke", keyword="depth or gamma").selected, store, "smoke").contents


def page(made, changed=None):
    return report._page(view(made, changed), for_pdf=False)


def test_a_report_is_one_page_and_one_pdf_and_the_schema(small, workplace):
    lines = report.render(small, workplace / "report")
    assert len(lines) == 3
    assert {path.name for path in (workplace / "report").iterdir()} == {
        "report.html",
        "report.pdf",
        "verdicts.schema.json",
    }


def test_the_page_needs_no_script_and_no_network(small):
    html = page(small)
    assert html.count("<script") == html.count("<script>\n") == 1
    assert "more than half of the digits" in re.sub("(?s)<script>.*?</script>", "", html)
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", html)
    assert "@import" not in html
    assert "url(http" not in html


def test_the_page_shows_sentence_source_rule_verdict_values_and_hashes(small):
    html = page(small)
    row = small["judgements"][0]
    for words in ("more than half of the digits", "nobody2021", "Figure 9", "half is half", "not seen"):
        assert words in html
    assert row["criterion_sha256"] in html
    assert row["runs"][0]["run_json_sha256"][:12] in html
    assert "80.10" in html


def test_at_smoke_scale_the_page_makes_no_statement_about_the_paper(small):
    assert "results of training are neither confirmed nor refuted by this report" in re.sub(r"\s+", " ", page(small))


def test_a_report_of_nothing_but_pending_claims_is_written(pending, workplace):
    report.render(pending, workplace)
    assert "PENDING" in (workplace / "report.html").read_text()


def test_equal_documents_give_equal_pages(small):
    assert page(small) == page(copy.deepcopy(small))


def test_the_pdf_has_a_title_the_verdict_table_and_alternative_texts(small, workplace):
    report.render(small, workplace)
    pdf = PdfReader(workplace / "report.pdf")
    text = "".join(one.extract_text() for one in pdf.pages)
    assert pdf.metadata.title == "Published claims: replication report, smoke scale"
    assert "more than half of the digits" in re.sub(r"\s+", " ", text)
    assert len(pdf.pages) > 1


def test_without_pango_the_page_is_written_and_one_line_says_what_to_install(small, workplace, monkeypatch):
    def missing(page):
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(report, "pdf", missing)
    lines = report.render(small, workplace)
    assert (workplace / "report.html").exists()
    assert not (workplace / "report.pdf").exists()
    (line,) = [line for line in lines if "no report.pdf" in line]
    assert "apt install libpango" in line


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    findings=st.lists(FINDING, max_size=3),
    verdict=st.sampled_from(VERDICTS),
    answer=st.sampled_from(["seen", "not seen", "open", "none"]),
    why=TEXT,
    kind=st.sampled_from("XPOTNFM"),
    deviations=st.lists(TEXT, max_size=2),
    values=st.lists(MAYBE, max_size=6),
)
@example([], "REPRODUCED", "seen", "", "X", [], [1e308, 1e308])
def test_arbitrary_findings_never_break_the_page(small, findings, verdict, answer, why, kind, deviations, values):
    """Nor does any text become an element, an attribute or a script of its own."""
    made = copy.deepcopy(small)
    for row in made["judgements"]:
        row.update(findings=findings, verdict=verdict, answer=answer, why=why, deviations=deviations, note=why)
        row["criterion"]["rule"]["kind"] = kind
    made["claims"][0].update(verdict=verdict, answer=answer)
    made["figures"] = [{**figure(published={why: {"1": 1e300}}), "claims": ["tiny"], "title": why, "caption": why}]
    made["works"] = [work(why)]
    for run, value in zip(made["runs"], values, strict=False):
        run["name"] = run["spec"]["dataset"] = why
        run["measures"]["top1"] = value
    html = page(made, since(small, made, why))
    assert html.count("</html>") == 1
    found = Elements(html)
    assert found.names["script"] == 1
    assert found.names.keys() <= ELEMENTS
    assert not [name for name in found.attributes if name.startswith("on")]
    assert not [one for one in found.addresses if not one.startswith(("#", "data:text/csv;"))]
    for drawn in re.findall(r"<svg .*?</svg>", html, re.DOTALL):
        ElementTree.fromstring(drawn)
    for text in (*tables(made).values(), badge(made), *changes(small, made)):
        assert text.encode("utf-8", "replace")


@pytest.mark.parametrize(("scale", "following"), [("smoke", "smoke"), ("pilot", "paper"), ("paper", "paper")])
def test_the_next_step_is_never_at_a_smaller_scale_than_the_report(small, scale, following):
    needs = [
        {"scale": name, "runs": 9, "complete": 9 if name == "pilot" else 0, "untrained": 0, "core_hours": 1.0}
        for name in ("smoke", "pilot", "paper")
    ]
    assert f" runs at {following} scale" in view({**small, "scale": scale, "scales": needs})["next_step"]


def test_no_cell_of_a_table_is_a_formula():
    cells = ["=HYPERLINK(1)", "@x", "-cmd", "+0.5 to +2 points", -1.5, "plain", "\t="]
    assert as_csv(["a"], [[cell] for cell in cells]).splitlines()[1:] == [
        "'=HYPERLINK(1)", "'@x", "'-cmd", "+0.5 to +2 points", "-1.5", "plain", "'\t=",
    ]  # fmt: skip
