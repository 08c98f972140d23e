import pytest

from repro.reporting.text import difference, gathered, number


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (82.346, "%", "82.35"),
        (0.0004, "points", "0.0004"),
        (-0.0004, "points", "−0.0004"),
        (0.12349, "share", "0.123"),
        (0.0, "points", "0.00"),
        (-0.0, "points", "0.00"),
        (12_345_678.0, "", "1.23e+07"),
        (1_234, "", "1,234"),
        (None, "", "–"),
    ],
)
def test_a_number_that_is_not_zero_never_prints_as_zero(value, unit, shown):
    assert number(value, unit) == shown


def test_networks_without_a_point_of_a_control_are_told_together():
    lacking = [f"control a: no point for {names}" for names in ("resnet-14, wrn-8-2", "resnet-8", "resnet-8")]
    assert gathered(["data: others", *lacking, "control b: no point for resnet-8", "data: others"]) == [
        ("control a: no point for ResNet-8, ResNet-14, WRN-8-2", 3),
        ("control b: no point for ResNet-8", 1),
        ("data: others", 2),
    ]
    assert gathered([]) == []


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("share of |γ| < 0.01, BatchNorm − share of |γ| < 0.01, all", "share of |γ| < 0.01: BatchNorm − all"),
        ("ticket, 92 % sparse − random mask, 92 % sparse", "ticket − random mask, 92 % sparse"),
        ("MLP, shuffled − CNN, shuffled", "MLP − CNN, shuffled"),
        ("ticket, 96 % sparse − dense network", "ticket, 96 % sparse − dense network"),
        ("CNN − CNN, shuffled", "CNN − CNN, shuffled"),
        ("all − all but γ, β", "all − all but γ, β"),
    ],
)
def test_what_both_sides_of_a_difference_have_is_said_once(label, said):
    assert difference(label) == said
