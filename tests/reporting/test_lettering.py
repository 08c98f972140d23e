"""The words of drawings in a PDF: whole, and where their anchor says."""

import io
from itertools import pairwise

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream

from repro.reporting import svg
from repro.reporting.pdf import _glued, pdf

DIGIT = 0.636  # of a digit of DejaVu Sans, in sizes of the font


@pytest.fixture(scope="module")
def places():
    """Where each string starts that the PDF of a drawing shows, in units of the drawing, in its order."""
    words = [svg.text(100, 40, "12345", anchor=anchor) for anchor in ("start", "middle", "end")]
    drawing = svg.drawing(100, [*words, svg.text(20, 90, "up", turned=True)], "three words and one turned")
    head = '<html lang="en"><head><title>t</title></head>'
    reader = PdfReader(io.BytesIO(pdf(f"{head}<body><h1>h</h1>{drawing}</body></html>")))
    (page,) = reader.pages
    operations = ContentStream(page.get_contents(), reader).operations
    shown = [(before[-2:], after) for (before, first), (after, then) in pairwise(operations)
             if first == b"Tm" and then in (b"Tf", b"Tj", b"TJ")]  # fmt: skip
    return [tuple(map(float, place)) for place, _ in shown]


def test_a_label_is_one_string(places):
    assert len(places) == 1 + 4  # the heading and four labels


def test_a_label_starts_at_its_point_or_ends_there_or_has_its_middle_there(places):
    start, middle, end = [x for x, y in places if y == 40]
    assert start == 100
    assert start - end == pytest.approx(5 * DIGIT * svg.FONT, abs=0.1)
    assert middle == pytest.approx((start + end) / 2, abs=0.01)


def test_a_drawing_outside_a_report_is_left_to_weasyprint(places):
    from weasyprint.svg import TAGS

    assert TAGS["text"].__module__.startswith("weasyprint.")


@pytest.mark.parametrize("words", ["logistic regression, shuffled", "MMMM WWWW", "|γ| < 0.01 set to 0", "0 % ± 2.00 %"])
def test_words_are_never_wider_than_estimated_in_the_widest_font(words):
    """Else a legend or a label would run into the next."""
    import matplotlib
    from PIL import ImageFont

    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 100)
    assert (
        font.getlength(words) / 100 * svg.FONT <= svg.width_of(words) <= 1.35 * font.getlength(words) / 100 * svg.FONT
    )


def test_words_that_do_not_fit_are_cut_to_their_room():
    cut = svg.cut("logistic regression, shuffled", 100)
    assert cut.endswith("…")
    assert svg.width_of(cut) <= 100 < svg.width_of(cut[:-1] + "xx…")


def test_in_print_a_line_breaks_neither_before_a_percent_sign_nor_inside_a_norm():
    assert _glued("<p>82 % of |γ| and a | b</p>") == "<p>82\u00a0% of |\u2060γ\u2060| and a | b</p>"
