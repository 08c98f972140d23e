"""The PDFs, read back with pypdf."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream

from repro.reporting import pdf, report
from repro.reporting.view import view
from tests.reporting.test_redrawn import figure

ALTERNATIVE = "Figure 2, by depth: accuracy, % against depth: BatchNorm from 80.1 to 20.1."


@pytest.fixture
def drawn(small):
    return {**small, "figures": [{**figure(), "claims": ["tiny"]}]}


def elements(reader):
    """Every element of the structure tree."""
    rest = [reader.trailer["/Root"]["/StructTreeRoot"]["/K"]]
    while rest:
        one = rest.pop().get_object()
        if isinstance(one, list):
            rest += [kid for kid in one if not isinstance(kid, int)]
        elif "/S" in one:
            yield one
            rest += [one["/K"]] if "/K" in one and not isinstance(one["/K"], int) else []


LEVELS = {f"/H{level}" for level in range(1, 7)}


def walk(element):
    """Elements in reading order."""
    for kid in kids(element):
        if isinstance(kid, dict) and "/S" in kid:
            yield kid
            yield from walk(kid)


def kids(element):
    return [kid.get_object() for kid in element.get("/K", []) if not isinstance(kid, int)]


def titles(outline):
    for one in outline:
        if isinstance(one, list):
            yield from titles(one)
        else:
            yield one.title


def test_the_pdf_is_tagged_has_alternative_texts_and_bookmarks(drawn, workplace):
    report.render(drawn, workplace)
    reader = PdfReader(workplace / "report.pdf")
    tags = list(elements(reader))
    assert b'pdfuaid:part="1"' in reader.xmp_metadata.stream.get_data()
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert {"/Document", "/H1", "/H2", "/Table", "/TH", "/TD", "/Figure"} <= {one["/S"] for one in tags}
    alternatives = [one.get("/Alt") for one in tags if one["/S"] == "/Figure"]
    assert all(alternatives)
    assert ALTERNATIVE in alternatives
    assert "tiny A small network knows more than half of the digits." in set(titles(reader.outline))
    assert reader.pages[0].extract_text().count("1 of ") == 1


def test_every_header_of_a_table_has_its_scope_and_every_cell_names_headers_of_the_index(drawn, workplace):
    report.render(drawn, workplace)
    reader = PdfReader(workplace / "report.pdf")
    cells = [one for one in elements(reader) if one["/S"] in ("/TH", "/TD") and "/A" in one]
    scopes = Counter(one["/A"]["/Scope"] for one in cells if one["/S"] == "/TH")
    html = report._page(view(drawn), for_pdf=True)
    assert scopes["/Row"] == html.count('scope="row"')
    assert scopes["/Column"] == html.count('scope="col"') + html.count('scope="colgroup"')
    index = reader.trailer["/Root"]["/StructTreeRoot"]["/IDTree"]["/Names"]
    names = index[::2]
    assert names == sorted(names)
    assert [one.get_object()["/ID"] for one in index[1::2]] == names
    assert {name for one in cells if one["/S"] == "/TD" for name in one["/A"]["/Headers"]} <= set(names)


def test_page_numbers_and_running_heads_are_no_content_and_all_else_belongs_to_the_tree(drawn, workplace):
    report.render(drawn, workplace)
    reader = PdfReader(workplace / "report.pdf")
    known = {one.indirect_reference.idnum for one in elements(reader)}
    owners = reader.trailer["/Root"]["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    for page, owned in zip(reader.pages, owners[1::2], strict=False):
        marks = [operands for operands, operator in ContentStream(page.get_contents(), reader).operations
                 if operator == b"BDC"]  # fmt: skip
        contents = [one["/MCID"] for tag, one in marks if tag != "/Artifact"]
        assert {owned[mark].idnum for mark in contents} <= known
        assert any(tag == "/Artifact" and one["/Type"] == "/Pagination" for tag, one in marks)


def test_the_pdf_keeps_the_clauses_of_pdf_ua_that_can_be_read_from_it(drawn, workplace):
    """Those of ISO 14289-1 that concern a document without forms, media and signatures."""
    report.render(drawn, workplace)
    reader = PdfReader(workplace / "report.pdf")
    root, tags = reader.trailer["/Root"], list(elements(reader))
    assert root["/MarkInfo"]["/Marked"] == root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712 (7.1)
    assert reader.xmp_metadata.dc_title["x-default"] == reader.metadata.title  # 7.1
    levels = [int(one["/S"][2]) for one in walk(root["/StructTreeRoot"]) if one["/S"] in LEVELS]
    assert levels[0] == 1  # 7.4.2
    assert all(after <= before + 1 for before, after in pairwise(levels))
    lists = [one for one in tags if one["/S"] == "/L"]
    assert {kid["/S"] for one in lists for kid in kids(one)} <= {"/LI", "/L", "/Caption"}  # 7.6
    for page in reader.pages:
        assert page["/Tabs"] == "/S"  # 7.18.3
        for note in [note.get_object() for note in page.get("/Annots", [])]:
            assert (bool(note["/Contents"]), note["/F"]) == (True, 4)  # 7.18.1
            assert "/StructParent" in note  # 7.18.5


def fonts(reader):
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            yield font.get_object()["/BaseFont"], inner.get_object()["/FontDescriptor"].get_object()


def test_every_font_of_the_pdf_is_embedded_and_one_of_ours(drawn, workplace):
    report.render(drawn, workplace)
    for name, described in fonts(PdfReader(workplace / "report.pdf")):
        assert {"/FontFile2", "/FontFile3"} & described.keys()
        assert re.fullmatch(r"/[A-Z]{6}\+Report(-Mono|-Bold|-Italic)?", name)


def test_a_machine_without_fonts_makes_the_same_pdf(drawn, workplace):
    (workplace / "fonts.conf").write_text("<fontconfig/>")
    (workplace / "verdicts.json").write_text(json.dumps(drawn))
    code = "import json, sys; from pathlib import Path; from repro.reporting import report\n" \
           "report.render(json.loads(Path('verdicts.json').read_text()), Path('bare'))"  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "FONTCONFIG_FILE": "fonts.conf"})
    report.render(drawn, workplace / "here")
    assert (workplace / "bare" / "report.pdf").read_bytes() == (workplace / "here" / "report.pdf").read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere libraries are searched for in other ways")
def test_a_pdf_starts_no_other_process(drawn, workplace):
    (workplace / "verdicts.json").write_text(json.dumps(drawn))
    code = (
        "import ctypes.util, json, sys; from pathlib import Path; from repro.reporting import report\n"
        "search = ctypes.util.find_library\n"
        "sys.addaudithook(lambda event, words: event == 'subprocess.Popen' and sys.exit(f'started {words[1]}'))\n"
        "report.render(json.loads(Path('verdicts.json').read_text()), Path('made'))\n"
        "assert ctypes.util.find_library is search"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (workplace / "made" / "report.pdf").exists()


def test_a_missing_font_leaves_the_page_whole_and_says_what_to_install(small, workplace, monkeypatch):
    monkeypatch.setattr(pdf, "_fonts", lambda: workplace)
    lines = report.render(small, workplace)
    assert (workplace / "report.html").exists()
    assert not (workplace / "report.pdf").exists()
    assert any("DejaVuSans.ttf is missing; install matplotlib again" in line for line in lines)


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


def test_the_first_pages_of_a_report_on_several_papers_name_every_claim(busy, workplace):
    """What stood beside a figure was once cut off where the page ended."""
    report.render(busy, workplace)
    pages = PdfReader(workplace / "report.pdf").pages[:2]
    text = "".join("".join(page.extract_text().split()) for page in pages)
    named = [one["id"] for group in view(busy)["answers"] for one in group["claims"]]
    assert [name for name in named if name not in text] == []
