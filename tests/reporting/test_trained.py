import pytest

from repro.reporting.trained import on


@pytest.mark.parametrize(
    ("runs", "data", "said"),
    [
        ({"a": "resnet-14 all", "b": "resnet-8 all"}, {"a": "digits", "b": "digits"}, "resnet-8, 14 on digits"),
        ({"a": "wrn-14-4 x", "b": "wrn-14-2 x", "c": "logistic y"}, {"a": "digits"}, "wrn-14-2, 4; logistic on digits"),
        ({str(n): f"resnet-{n} built" for n in range(1, 8)}, {}, "resnet-1, 2 … 7, built"),
        ({}, {}, ""),
    ],
)  # fmt: skip
def test_networks_and_data_are_told_in_a_few_words(runs, data, said):
    assert on(runs, data) == said
