"""The page in Chromium: at four widths, dark and light, with its script and without."""

import re
import shutil
from xml.etree import ElementTree

import pytest

from repro.reporting import report
from repro.reporting.view import view

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
WIDTHS = (360, 390, 768, 1440)
LOOKS = [(theme, script) for theme in ("dark", "light") for script in (True, False)]

# Whatever ends beyond the window, outside a region that scrolls; and the smallest text of a figure, in pixels.
BEYOND = """() => [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().height > 0
  && !one.closest(".scroll, svg, nav.side") && one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll("svg text")]
  .filter((one) => one.getBoundingClientRect().height > 0)
  .map((one) => parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getBoundingClientRect().width
    / one.ownerSVGElement.viewBox.baseVal.width))"""
OPEN = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        shown = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield shown
        shown.close()


@pytest.fixture(scope="module")
def address(busy, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report._page(view(busy), for_pdf=False), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def few(busy, tmp_path_factory):
    """The address of a page with the first claim of each rule."""
    first = {}
    for row in busy["judgements"]:
        first.setdefault(row["criterion"]["rule"]["name"], row["claim"])
    own = {name: [row for row in busy[name] if row["claim"] in first.values()] for name in ("claims", "judgements")}
    path = tmp_path_factory.mktemp("few") / "report.html"
    path.write_text(report._page(view({**busy, **own, "coverage": busy["coverage"][:9]}), for_pdf=False), "utf-8")
    return path.as_uri()


@pytest.fixture
def looked_at(browser, address):
    """Opens the page; keeps what it asked for and what it logged."""
    contexts = []

    def look(width=1440, theme="light", script=True, address=address):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=script
        )
        contexts.append(context)
        page = context.new_page()
        page.asked, page.logged = [], []
        page.on("request", lambda one: page.asked.append(one.url))
        page.on("console", lambda one: page.logged.append(one.text))
        page.on("pageerror", lambda one: page.logged.append(str(one)))
        page.goto(address)
        return page

    yield look
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("theme", "script"), LOOKS)
def test_nothing_overflows_is_too_small_or_leaves_the_file(looked_at, address, theme, script):
    """Folded and unfolded, at every width: one page a theme, with its script and without, is made narrower."""
    page = looked_at(WIDTHS[-1], theme, script)
    found = {}
    for unfolded in (False, True):
        if unfolded:
            page.evaluate(OPEN)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found[width, unfolded] = page.evaluate(BEYOND)
            assert page.evaluate(SMALLEST) >= 11, width
    assert {look: beyond for look, beyond in found.items() if beyond} == {}
    assert page.asked == [address]
    assert page.logged == []
    background = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is (theme == "light")


def violations(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.evaluate(OPEN)
    found = axe.Axe().run(page).response["violations"]
    return [(one["id"], len(one["nodes"]), one["nodes"][0]["html"][:200]) for one in found]


def test_axe_finds_nothing_on_the_whole_page(looked_at):
    assert violations(looked_at(390, "dark")) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_at_any_width_on_a_page_of_one_claim_of_each_kind(looked_at, few, theme):
    """axe needs the script of the page to be on, and time in proportion to what is there."""
    page, found = looked_at(WIDTHS[-1], theme, address=few), {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found[width] = violations(page)
    assert found == {width: [] for width in WIDTHS}


def test_without_script_the_page_holds_every_claim_and_no_control(looked_at, busy):
    page = looked_at(script=False)
    assert page.evaluate("() => document.querySelectorAll('article.claim').length") == len(busy["claims"])
    assert page.evaluate("() => document.querySelectorAll('input, button, select').length") == 0


def test_a_search_hides_every_claim_that_does_not_say_it(looked_at, busy):
    page = looked_at()
    box = page.get_by_role("searchbox")
    box.fill(busy["claims"][0]["claim"])
    shown = page.evaluate("() => [...document.querySelectorAll('article.claim:not([hidden])')].map((one) => one.id)")
    assert busy["claims"][0]["claim"] in shown
    assert len(shown) < len(busy["claims"])
    box.fill("no claim says this")
    assert page.locator("article.claim:visible").count() == 0
    assert re.match("0 of ", page.locator("form.filter output").inner_text())


def test_the_side_bar_links_every_claim_with_its_verdict_and_marks_where_the_reader_is(looked_at, busy):
    page = looked_at()
    links = page.locator("nav.side .claim-link a")
    assert links.count() == len(busy["claims"])
    words = page.locator("article.claim").evaluate_all("(all) => all.map((one) => `${one.id} ${one.dataset.word}`)")
    assert links.all_text_contents() == words
    page.locator("article.claim").nth(5).evaluate("(one) => one.scrollIntoView()")
    page.wait_for_function("() => document.querySelector('nav.side .claim-link [aria-current]')")
    current = page.locator("nav.side [aria-current]").get_attribute("href")
    assert current == "#" + page.locator("article.claim").nth(5).get_attribute("id")


def test_a_table_is_sorted_up_down_and_back_within_its_groups(looked_at):
    page = looked_at()
    first = page.locator("table.verdicts tbody").first

    def rows():
        return first.locator("tr:not(.group) td.verdict").evaluate_all("(all) => all.map((one) => +one.dataset.sort)")

    before, button = rows(), page.locator("table.verdicts th button", has_text="Verdict")
    assert before != sorted(before)
    button.click()
    assert rows() == sorted(before)
    assert button.locator("..").get_attribute("aria-sort") == "ascending"
    button.click()
    assert rows() == sorted(before, reverse=True)
    button.click()
    assert rows() == before
    assert "group" in (first.locator("tr").first.get_attribute("class") or "")


def test_another_margin_is_said_to_be_no_verdict_and_changes_none(looked_at):
    page = looked_at()
    chips = page.locator(".chip").all_inner_texts()
    claim = page.locator("article.claim[data-kind=O]").first
    claim.locator("details.what-if summary").click()
    slider, said = claim.locator("input[type=range]"), claim.locator("details.what-if output")
    slider.evaluate("(one) => { one.value = one.min; one.dispatchEvent(new Event('input')); }")
    least = said.inner_text()
    slider.evaluate("(one) => { one.value = one.max; one.dispatchEvent(new Event('input')); }")
    most = said.inner_text()
    assert re.match(r"What if the gap were .*: .*above it.*\. Decided afterwards, not a verdict\.", least)
    assert "below it" in most
    assert most.endswith("Decided afterwards, not a verdict.")
    assert page.locator(".chip").all_inner_texts() == chips


def test_a_link_to_a_hidden_claim_shows_it(looked_at, busy):
    page = looked_at()
    page.get_by_role("searchbox").fill("no claim says this")
    name = page.locator("article.claim").last.get_attribute("id")
    page.evaluate("(name) => { location.hash = name; }", name)
    page.wait_for_function("(name) => !document.getElementById(name).hidden", arg=name)


@pytest.mark.parametrize("within", ["figure.redrawn", "article.claim[data-kind=O]"])
def test_each_drawing_of_a_figure_is_saved_as_svg(looked_at, within):
    page = looked_at()
    page.evaluate(OPEN)
    figure = page.locator(within).first
    link = figure.locator(".save a[download$='.svg']").first
    with page.expect_download() as saving:
        link.click()
    text = saving.value.path().read_text("utf-8")
    assert saving.value.suggested_filename == link.get_attribute("download")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert figure.locator(".save").first.locator("a[download$='.svg']").count() == figure.locator("svg").count()
