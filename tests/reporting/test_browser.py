"""The page in Chromium: at four widths, dark and light, with its script."""

import html
import json
import re
import shutil
import subprocess

import pytest

from repro.reporting import report
from tests.reporting.test_redrawn import figure

CHROMIUM = shutil.which("chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
         "--virtual-time-budget=6000", "--dump-dom")  # fmt: skip

# Runs in the page, and leaves what it found as text in a <pre>.
PROBE = """<script>addEventListener("load", () => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const seen = (one) => one.getBoundingClientRect().height > 0;
  const found = {
    width: innerWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    background: getComputedStyle(document.documentElement).backgroundColor,
    beyond: [...document.querySelectorAll("body *")].filter((one) => seen(one) && !one.closest(".scroll")
      && !one.closest("svg") && one.getBoundingClientRect().right > innerWidth + 1)
      .map((one) => one.outerHTML.slice(0, 80)),
    unfocusable: [...document.querySelectorAll(".scroll")].filter((one) => one.tabIndex !== 0).length,
    smallest: Math.min(...[...document.querySelectorAll("svg text")].filter(seen).map((one) =>
      parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getBoundingClientRect().width
      / one.ownerSVGElement.viewBox.baseVal.width)),
    requests: performance.getEntriesByType("resource").map((one) => one.name),
    claims: document.querySelectorAll("article.claim").length,
  };
  const box = document.querySelector("form.filter input");
  box.value = "no claim says this";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  found.left = [...document.querySelectorAll("article.claim")].filter((one) => !one.hidden).length;
  const left = document.createElement("pre");
  left.id = "probe";
  left.textContent = JSON.stringify(found);
  document.body.append(left);
});</script>"""
# A window of headless Chromium is never narrower than 500 px, a frame is.
FRAME = """<body style="margin:0"><iframe src="page.html" style="width:WIDTHpx;height:900px;border:0"></iframe><script>
setInterval(() => {
  const inner = document.querySelector("iframe").contentDocument.getElementById("probe");
  if (inner && !document.getElementById("probe")) document.body.append(inner.cloneNode(true));
}, 50);</script>"""


@pytest.fixture
def drawn(small):
    """The document with one figure of its work, drawn from the claim's runs."""
    plan = figure(published={"BatchNorm": {"14": 48.3, "866": 82.4}}, reading_error=0.6)
    return {**small, "figures": [{**plan, "claims": ["tiny"]}]}


def looked_at(made, folder, width, *flags):
    """What the probe found, and what the browser logged."""
    report.render(made, folder)
    page = (folder / "report.html").read_text()
    (folder / "page.html").write_text(page.replace("</body>", f"{PROBE}</body>"))
    (folder / "frame.html").write_text(FRAME.replace("WIDTH", str(width)))
    command = [
        CHROMIUM,
        *FLAGS,
        *flags,
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={max(width, 500)},900",
    ]
    address = (folder / "frame.html").as_uri()
    logged = ["--enable-logging=stderr", "--v=0"]
    shown = subprocess.run([*command, *logged, address], capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r'<pre id="probe">(.*?)</pre>', shown.stdout, re.DOTALL)
    assert found, shown.stderr[-2000:]
    return json.loads(html.unescape(found[1])), re.findall(r".*CONSOLE.*", shown.stderr)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
@pytest.mark.parametrize(("width", "dark"), [(360, True), (390, False), (768, True), (1440, False)])
def test_nothing_overflows_is_too_small_or_leaves_the_file(drawn, workplace, monkeypatch, width, dark):
    monkeypatch.setattr(report, "pdf", lambda page, verdicts=None: b"")
    found, logged = looked_at(
        drawn, workplace / "out", width, *(["--blink-settings=preferredColorScheme=0"] if dark else [])
    )
    assert (found["width"], found["dark"]) == (width, dark)
    assert (found["background"] == "rgb(255, 255, 255)") is not dark
    assert found["beyond"] == []
    assert found["unfocusable"] == 0
    assert found["smallest"] >= 11
    assert found["requests"] == []
    assert logged == []
    assert (found["claims"], found["left"]) == (1, 0)
