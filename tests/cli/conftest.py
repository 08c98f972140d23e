"""A folder whose one claim is judged."""

import pytest

from repro.cli.main import main


@pytest.fixture
def judged(workplace, tiny_claim, fill):
    """A folder with a claim that holds at both of its points, judged."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 85.0)
    assert main(["judge", "tiny.py"]) == 0
    return workplace
