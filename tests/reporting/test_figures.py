"""Drawings of findings: what stands on their axes."""

import re
from urllib.parse import unquote

import pytest

from repro.reporting.axes import axis
from repro.reporting.figures import MOST_DRAWINGS, of_claim, trends


@pytest.mark.parametrize(
    ("labels", "ticks", "title"),
    [
        (["ResNet-8, < 0.01", "ResNet-14, < 0.01", "ResNet-20, < 0.01"], ["ResNet-8", "14", "20"], "< 0.01"),
        (["WRN-8-1", "WRN-8-2"], ["WRN-8-1", "WRN-8-2"], ""),
        (["few", "some", "many"], ["few", "some", "many"], ""),
    ],
)
def test_levels_of_a_trend_are_named_so_that_all_fit(labels, ticks, title):
    samples = [{"label": label, "values": [10.0 + i], "unit": "%", "quantity": ""} for i, label in enumerate(labels)]
    (drawing,) = trends([(" → ".join(labels), {"samples": samples})], "words")
    texts = [text.replace("&lt;", "<") for text in re.findall(r"<text[^>]*>([^<]+)<", drawing)]
    assert [text for text in texts if text in ticks] == ticks
    assert texts[0] == title or not title


@pytest.mark.parametrize("value", [26.13298, -0.004, 0.0])
def test_one_value_has_ticks_that_a_reader_can_say(value):
    found = axis([value], 0, 100)
    assert all(len(words) <= 7 for _, words in found.ticks)
    assert found.low < value < found.high
    assert found.place(value) == pytest.approx(50)


def test_drawings_beyond_the_most_are_counted_and_their_numbers_saved():
    sweep = {"label": "clamped", "x_label": "threshold", "y_label": "%", "x": [0.1, 0.2], "lines": {"": [10.0, 20.0]}}
    rows = [{"params": {"depth": depth}, "criterion": {"rule": {}}, "findings": [], "sweeps": [sweep]}
            for depth in range(8, 8 + MOST_DRAWINGS + 2)]  # fmt: skip
    made = of_claim("a-claim", "M", rows)
    assert (len(made["sweeps"]), made["sweeps_more"], made["figures_more"]) == (MOST_DRAWINGS, 2, 0)
    assert all(f"depth {row['params']['depth']}" in unquote(made["save_sweeps"]["csv"]) for row in rows)
