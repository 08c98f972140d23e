"""The PDFs, read back with pypdf."""

import json

import pytest
from pypdf import PdfReader

from repro.reporting import report
from tests.reporting.test_redrawn import figure

ALTERNATIVE = "Figure 2, by depth: accuracy, % against depth: BatchNorm from 80.1 to 20.1."


@pytest.fixture
def drawn(small):
    return {**small, "figures": [{**figure(), "claims": ["tiny"]}]}


def structure(reader):
    """Every element of the structure tree: its kind, alternative text and attributes."""
    found, rest = [], [reader.trailer["/Root"]["/StructTreeRoot"]]
    while rest:
        one = rest.pop().get_object()
        if isinstance(one, list):
            rest += one
        elif isinstance(one, dict):
            if "/S" in one:
                found.append((one["/S"], one.get("/Alt"), one.get("/A")))
            if "/K" in one and not isinstance(one["/K"], int):
                rest.append(one["/K"])
    return found


def titles(outline):
    for one in outline:
        if isinstance(one, list):
            yield from titles(one)
        else:
            yield one.title


def test_the_pdf_is_tagged_has_alternative_texts_and_bookmarks(drawn, workplace):
    report.render(drawn, workplace)
    reader = PdfReader(workplace / "report.pdf")
    tags = structure(reader)
    assert b'pdfuaid:part="1"' in reader.xmp_metadata.stream.get_data()
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert {"/Document", "/H1", "/H2", "/Table", "/TH", "/TD", "/Figure"} <= {kind for kind, _, _ in tags}
    alternatives = [alternative for kind, alternative, _ in tags if kind == "/Figure"]
    assert all(alternatives)
    assert ALTERNATIVE in alternatives
    assert "tiny A small network knows more than half of the digits." in set(titles(reader.outline))
    assert reader.pages[0].extract_text().count("1 of ") == 1


def test_every_font_of_the_pdf_is_embedded(drawn, workplace):
    report.render(drawn, workplace)
    for page in PdfReader(workplace / "report.pdf").pages:
        for font in page["/Resources"]["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            described = inner.get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & described.get_object().keys()


def test_the_archive_holds_verdicts_json_and_is_the_same_each_time(drawn, workplace):
    report.archive(drawn, workplace)
    first = (workplace / "report-archive.pdf").read_bytes()
    reader = PdfReader(workplace / "report-archive.pdf")
    (attached,) = reader.attachments["verdicts.json"]
    assert json.loads(attached) == json.loads(json.dumps(drawn))
    assert b'pdfaid:part="3"' in reader.xmp_metadata.stream.get_data()
    report.archive(drawn, workplace)
    assert (workplace / "report-archive.pdf").read_bytes() == first


def test_equal_documents_give_equal_bytes(drawn, workplace):
    report.render(drawn, workplace / "a")
    report.render(json.loads(json.dumps(drawn)), workplace / "b")
    report.beside(drawn, workplace / "a")
    report.beside(drawn, workplace / "b")
    for path in (workplace / "a").iterdir():
        assert path.read_bytes() == (workplace / "b" / path.name).read_bytes(), path.name
