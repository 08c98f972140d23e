"""Drawings of findings: what stands on their axes."""

import re

import pytest

from repro.reporting.figures import trends


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
