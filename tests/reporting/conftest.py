"""A document of one claim, judged from made-up runs."""

import pytest

from repro.collecting.collect import collect
from repro.judging import document
from repro.runs.store import Store


@pytest.fixture
def small(workplace, tiny_claim, fill):
    """The document of one claim, which holds at depth 8 and not at depth 14."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 20.0)
    checks = collect(scale="smoke", paths=["tiny.py"]).selected
    return document.document(checks, Store(workplace / "results"), "smoke")[0]
