import pytest

from repro.reporting.text import number


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
