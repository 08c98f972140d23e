"""A page as PDF/UA-1 or PDF/A-3a: tagged, with table headers' scope and embedded fonts that no machine chooses.

The fonts are DejaVu, which come inside matplotlib: Bitstream's licence and the public domain, both of which allow to
embed them.
"""

import base64
import contextlib
import ctypes.util
import datetime
import io
import re
import warnings
from importlib.util import find_spec
from pathlib import Path

from repro.reporting.lettering import whole_words
from repro.reporting.tagging import finish

EPOCH = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)  # equal documents give equal bytes
DRAWING = re.compile(
    r'<svg xmlns="http://www.w3.org/2000/svg" class="figure"[^>]*><title>(.*?)</title>.*?</svg>', re.DOTALL
)
PERCENT = re.compile(r"(?<=\d) %")
NORM = re.compile(r"(?<=\|)(?=\w\|)|(?<=\|\w)(?=\|)")
FACES = (
    ("Report", "DejaVuSans.ttf", "normal", 400),
    ("Report", "DejaVuSans-Bold.ttf", "normal", 700),
    ("Report", "DejaVuSans-Oblique.ttf", "italic", 400),
    ("Report Mono", "DejaVuSansMono.ttf", "normal", 400),
)  # by family: file, style, weight
BOXES = ("top-left", "top-right", "bottom-right")  # of a page's margin, as print.css fills them


def pdf(page: str, verdicts: bytes | None = None) -> bytes:
    """A page as PDF/UA-1; with the bytes of verdicts.json as PDF/A-3a that holds them. The page loads no other file.

    Raises:
        OSError: a library that WeasyPrint needs, or a font, is not installed.
    """
    _load_libraries()
    from weasyprint import CSS, HTML, Attachment
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

    attached = [] if verdicts is None else [
        Attachment(string=verdicts, name="verdicts.json", description="what the report was made from",
                   relationship="Source", created=EPOCH, modified=EPOCH)
    ]  # fmt: skip
    fonts = FontConfiguration()
    faces = CSS(string=_faces(_fonts()), font_config=fonts, url_fetcher=URLFetcher(allowed_protocols=("file",)))
    with warnings.catch_warnings(), whole_words():
        warnings.filterwarnings(
            "ignore", "unclosed file .*icc", ResourceWarning
        )  # WeasyPrint leaves it to be collected
        made: bytes = HTML(
            string=_as_images(_glued(page)), url_fetcher=URLFetcher(allowed_protocols=("data",))
        ).write_pdf(
            stylesheets=[faces],
            font_config=fonts,
            finisher=finish,
            pdf_tags=True,
            pdf_variant="pdf/ua-1" if verdicts is None else "pdf/a-3a",
            pdf_identifier=None if verdicts is None else b"repro",  # PDF/A asks for one: everything is written twice
            attachments=attached,
        )
    return made


def _load_libraries() -> None:
    """Lets WeasyPrint find its libraries by their files' names, which it tries after other ones.

    For each other name, ctypes would ask ldconfig and a compiler, a process each: a quarter of a second. Where the
    loader does not find the files, WeasyPrint's own import, which follows, searches as ever.
    """

    def nowhere(name: str) -> str | None:  # noqa: ARG001
        return None

    search, ctypes.util.find_library = ctypes.util.find_library, nowhere
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what to install is told by that import
            import weasyprint  # noqa: F401
    except OSError:
        pass
    finally:
        ctypes.util.find_library = search


def _fonts() -> Path:
    found = find_spec("matplotlib")  # not imported: that takes half a second
    if found is None or not found.submodule_search_locations:
        raise OSError("matplotlib, which holds the fonts, is not installed")
    return Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


def _faces(folder: Path) -> str:
    """A style sheet that declares the fonts and uses them alone, whatever the page names."""
    for _, file, _, _ in FACES:
        if not (folder / file).is_file():
            raise OSError(f"the font {folder / file} is missing; install matplotlib again")
    rules = [
        f'@font-face {{ font-family: "{family}"; src: url("{(folder / file).as_uri()}"); font-style: {style}; '
        f"font-weight: {weight}; }}"
        for family, file, style, weight in FACES
    ]
    margins = " ".join(f'@{box} {{ font-family: "Report" !important; }}' for box in BOXES)
    return "\n".join(
        [
            *rules,
            'html { font-family: "Report" !important; } code, .claim h4 .id { font-family: "Report Mono" !important; }',
            f"@page {{ {margins} }}",
        ]
    )


def _as_images(page: str) -> str:
    """A page whose drawings are images: WeasyPrint then does not match its styles against each of their elements."""

    def image(match: re.Match[str]) -> str:
        drawing = match[0].replace('font-family="sans-serif"', 'font-family="Report"', 1)
        address = base64.b64encode(drawing.encode()).decode()
        return f'<img class="figure" alt="{match[1]}" src="data:image/svg+xml;base64,{address}">'

    return DRAWING.sub(image, page)


def _glued(page: str) -> str:
    """A page whose lines break neither between a number and its percent sign nor inside |γ|."""
    return NORM.sub("\u2060", PERCENT.sub("\u00a0%", page))
