"""The rules without statistics: equality, a number as printed, a printed maximum."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repro.compare import AtMost, Exact, Outcome, Printed, agreement
from repro.errors import ClaimError
from tests.compare.made import ONE_LOOK, REASON


@pytest.mark.parametrize(("measured", "reference"), [(1120, 1120), ("established", "established"), (0, 0)])
def test_exact_equality_is_established(measured, reference):
    found = Exact(reason=REASON).compare(levels=ONE_LOOK, label="γ", measured=measured, reference=reference)
    assert found.outcome is Outcome.ESTABLISHED


@pytest.mark.parametrize(("measured", "reference"), [(1120, 1121), ("established", "ruled out"), (1, "1")])
def test_exact_inequality_is_ruled_out(measured, reference):
    found = Exact(reason=REASON).compare(levels=ONE_LOOK, label="γ", measured=measured, reference=reference)
    assert found.outcome is Outcome.RULED_OUT


def test_a_fingerprint_is_short_in_a_sentence_and_whole_beside_it():
    one, other = "a" * 64, "b" * 64
    found = Exact(reason=REASON).compare(levels=ONE_LOOK, label="images", measured=one, reference=other)
    assert (found.measured, found.expected) == (one, other)
    assert found.why == "images: aaaaaaaaaaaa… is not bbbbbbbbbbbb…."


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (174_970, "175K"),
        (175_499, "175K"),
        (174_500, "175K"),  # a half, rounded up
        (174_500, "174K"),  # a half, rounded to even
        (1_120, "1.12K"),
        (650, "650"),
        (2_620_000, "2.62M"),
        (2_624_999, "2.62M"),
        (14_000_000, "14.0M"),
        (9_600, "9.6K"),
        (0.64, "0.64"),
        (0.635, "0.64"),
        (0.645, "0.64"),  # a half, rounded to even
        (0.645, "0.65"),  # a half, rounded up
        (1_115, "1.11K"),  # a half, as Python prints 1.115, which is less than a half as a binary fraction
        (0.6449999, "0.64"),
        (8.02, "8.02"),
    ],
)
def test_number_that_rounds_to_the_printed_one_agrees(measured, text):
    assert agreement(measured, text) == "rounded"


@pytest.mark.parametrize(
    ("measured", "text"),
    [(175_501, "175K"), (1_129, "1.12K"), (2_629_999, "2.62M"), (0.646, "0.64"), (0.636, "0.63"), (0.01999, "0.01")],
)
def test_number_cut_off_agrees_only_by_truncation(measured, text):
    assert agreement(measured, text) == "truncated"


@pytest.mark.parametrize(
    ("measured", "text"),
    [(176_000, "175K"), (174_449, "175K"), (651, "650"), (649, "650"), (175, "175K"), (2_620, "2.62M"), (0.63, "0.64")],
)
def test_other_number_differs_from_the_printed_one(measured, text):
    assert agreement(measured, text) == "differs"


@pytest.mark.parametrize(
    ("measured", "text"),
    [(44_549_160, "44.6M"), (174_499, "175K"), (174_496, "175K"), (0.6345, "0.64"), (8.0246, "8.03")],
)
def test_number_that_agrees_only_after_a_rounding_on_the_way_is_rounded_twice(measured, text):
    assert agreement(measured, text) == "rounded twice"


def test_printed_number_that_was_rounded_twice_is_the_sources_slip_and_named_so():
    found = Printed(reason=REASON).compare(levels=ONE_LOOK, label="total", measured=44_549_160, printed="44.6M")
    assert found.outcome is Outcome.SOURCE_ERROR
    assert "rounded twice (44.55M → 44.6M)" in found.why
    assert "44.5M" in found.would_change


@pytest.mark.parametrize("text", ["", "about 3", "K", "nan", "Infinity"])
def test_printed_number_that_cannot_be_read_is_refused(text):
    with pytest.raises(ClaimError, match="printed number"):
        agreement(3, text)


@pytest.mark.parametrize("rule", [Exact, Printed, AtMost])
def test_exact_rules_are_distinguished_by_their_names(rule):
    assert (rule.kind, rule.name) == ("X", rule.__name__)


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(st.integers(0, 10**9), st.integers(0, 3))
@example(157_749_675, 2)  # 157749.67K: a half that lies below itself as a binary fraction
def test_number_printed_by_python_agrees_with_itself(measured, digits):
    assert agreement(measured, f"{measured / 1000:.{digits}f}K") == "rounded"


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [(1_124, Outcome.ESTABLISHED), (1_129, Outcome.SOURCE_ERROR), (1_200, Outcome.RULED_OUT)],
    ids=["rounded", "truncated", "different"],
)
def test_printed_number_is_judged_by_how_it_agrees(measured, outcome):
    found = Printed(reason=REASON).compare(levels=ONE_LOOK, label="BatchNorm", measured=measured, printed="1.12K")
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("implied", "outcome"),
    [
        (5.0, Outcome.SOURCE_ERROR),
        (4.391, Outcome.RULED_OUT),
        (4.399, Outcome.RULED_OUT),
        (4.3848, Outcome.RULED_OUT),
    ],
    ids=["contradicts itself", "agrees with itself", "agrees by truncation", "agrees rounded twice"],
)
def test_printed_number_that_differs_is_the_sources_error_only_if_its_own_numbers_give_another(implied, outcome):
    rule = Printed(reason=REASON)
    found = rule.compare(levels=ONE_LOOK, label="output %", measured=6.0, printed="4.39", implied=implied)
    assert found.outcome is outcome
    slip = outcome is Outcome.SOURCE_ERROR
    assert ("nor does 5, which the source's other numbers give" in found.why) == slip


def test_a_number_that_the_sources_other_numbers_give_is_said_to_be_no_measurement():
    rule = Printed(reason=REASON)
    found = rule.compare(levels=ONE_LOOK, label="factor", measured=7.8966, printed="4", implied=7.8966)
    assert found.outcome is Outcome.SOURCE_ERROR
    assert found.measured == "7.8966, by the source's other numbers"
    assert found.why == "factor: 7.8966 is what the source's other numbers give, and does not agree with 4."


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [
        (0.10, Outcome.ESTABLISHED),
        (0.64, Outcome.ESTABLISHED),
        (0.6449, Outcome.ESTABLISHED),
        (0.645, Outcome.ESTABLISHED),
        (0.646, Outcome.RULED_OUT),
        (0.70, Outcome.RULED_OUT),
    ],
)
def test_maximum_holds_for_what_rounds_to_it_or_less(measured, outcome):
    found = AtMost(reason=REASON).compare(levels=ONE_LOOK, label="share", measured=measured, printed="0.64")
    assert found.outcome is outcome
