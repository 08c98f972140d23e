"""The own error of a published value: how large it is, what it predicts, and when it exceeds the margin."""

import math

import numpy as np
import pytest
from scipy import stats

from repro.compare import Levels, Outcome, Published, own_error, undecidable
from tests.compare.made import (
    around,
    digitised,
    point,
    sample,
)


@pytest.mark.parametrize("accept", [0.05, 0.0213])
@pytest.mark.parametrize("sd", [None, 0.0])
def test_the_own_error_of_a_reference_without_a_spread_is_that_of_its_reading(sd, accept):
    error = own_error(Published(value=1.0, sd=sd, replicates=5, reading_error=0.3), accept)
    assert error == pytest.approx(0.3 / math.sqrt(3) * stats.norm.ppf(1 - accept))
    assert own_error(Published(value=1.0, sd=sd, replicates=5, reading_error=0.0), accept) == 0.0


def test_the_own_error_of_a_reference_without_a_reading_error_is_that_of_its_replicates():
    error = own_error(Published(value=1.0, sd=3.0, replicates=4, reading_error=0.0))
    assert error == pytest.approx(3.0 / 2 * stats.t.ppf(0.95, 3))


@pytest.mark.parametrize(
    ("u", "sd", "shown"), [(0.0, 0.0, False), (0.3, 0.0, True), (0.0, None, True), (0.0, 1.0, True)]
)
def test_a_prediction_is_made_only_from_a_reference_with_an_error(u, sd, shown):
    found = point(around(82.0), 2.0, digitised(82.5, u, sd))
    assert (found.prediction is not None) == (found.consistent is not None) == shown
    assert ("the reference's own error included" in found.why) == shown


@pytest.mark.parametrize(("sd", "words"), [(None, "no sd over 3 runs"), (2.0, "sd 2 over 3 runs")])
def test_a_reference_that_exceeds_the_margin_is_told_with_what_is_known_of_it(sd, words):
    reference = Published(value=32.0, sd=sd, replicates=3, reading_error=0.5)
    assert f"The reference 32 ({words}, reading error 0.5) is itself uncertain" in undecidable(reference, 0.4)


@pytest.mark.parametrize("sd", [None, 0.0])
def test_a_reference_at_whose_error_the_margin_lies_is_undecidable(sd):
    reference = Published(value=32.0, sd=sd, replicates=3, reading_error=0.5)
    assert undecidable(reference, own_error(reference))
    assert not undecidable(reference, own_error(reference) * 1.001)


def test_spread_of_ours_does_not_establish_what_seeds_that_agree_cannot():
    reference = Published(value=32.0, sd=1.0, replicates=3, reading_error=0.5)
    levels = Levels(accept=0.0213, against=0.0213)
    assert undecidable(reference, 2.0, levels.accept)
    close, wide = (32 + spread * np.array([-1, -1, -1, -1, 1, 1, 1, 1]) for spread in (0.2, 1.0))
    for values in (close, wide):
        found = point(sample(values, step=0), 2.0, reference, levels)
        assert (found.outcome, found.more_seeds) == (Outcome.UNDECIDED, None)
        assert found.flips[1] > 2.0
    assert 30 < found.interval[0] < found.interval[1] < 34  # by its degrees of freedom
    assert "lies, though the reference's own error exceeds the margin, inside [30.00, 34.00]" in found.why


def test_a_prediction_is_the_two_sided_t_interval_of_95_percent_around_the_published_value():
    values = np.array([81.0, 82.0, 83.5])
    low, high = point(sample(values, step=0), 2.0, digitised(80.0, 0.0)).prediction
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) * math.sqrt(1 / 3 + 1 / 5)
    assert (low, high) == pytest.approx((80 - half, 80 + half))
