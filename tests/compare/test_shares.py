"""Shares as angles and as logarithms, on which they are compared near 0 and 1."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.compare import FractionBound, Published
from repro.compare.shares import angle, as_angle, as_angles, edge, log_mean, share
from tests.compare.made import ONE_LOOK, sample

REPEATABLE = settings(deadline=None, derandomize=True, database=None, max_examples=50)


@REPEATABLE
@given(st.floats(0, 1))
def test_an_angle_is_that_of_its_share(value):
    assert share(angle(value)) == pytest.approx(value)
    assert angle(value) == pytest.approx(np.arcsin(np.sqrt(value)))


@pytest.mark.parametrize(("turn", "value", "end"), [(angle, -0.1, 0.0), (angle, 1.1, math.pi / 2), (share, -0.1, 0.0)])
def test_what_lies_beyond_an_end_is_at_the_end(turn, value, end):
    assert turn(value) == end
    assert share(2.0) == 1.0


@pytest.mark.parametrize(("value", "found"), [(0.0, -math.inf), (-0.1, -math.inf), (1.0, math.inf), (1.1, math.inf)])
def test_an_edge_beyond_which_no_share_lies_is_endless(value, found):
    assert edge(value) == found
    assert edge(0.25) == pytest.approx(math.pi / 6)


@pytest.mark.parametrize("sd", [None, 0.02])
def test_the_errors_of_a_published_share_are_as_wide_as_around_it(sd):
    turned = as_angle(Published(value=0.1, sd=sd, replicates=3, reading_error=0.01))
    assert turned.value == angle(0.1)
    assert turned.reading_error == pytest.approx((angle(0.11) - angle(0.09)) / 2)
    assert turned.sd == (None if sd is None else pytest.approx((angle(0.12) - angle(0.08)) / 2))


def test_the_step_of_angles_is_that_at_their_mean():
    turned = as_angles(sample((0.2, 0.4), unit="share", step=0.1))
    assert turned.values == (angle(0.2), angle(0.4))
    assert turned.step == pytest.approx(angle(0.35) - angle(0.25))


@pytest.mark.parametrize("seeds", [None, 12])
def test_the_logarithm_of_a_mean_is_by_coxs_method(seeds):
    values = np.array([0.01, 0.03, 0.08])
    found, logs = log_mean(sample(values, unit="share", step=1e-9), seeds), np.log(values)
    n, variance = seeds or 3, logs.var(ddof=1)
    assert found.estimate == pytest.approx(logs.mean() + variance / 2)
    assert found.error == pytest.approx(math.sqrt(variance / n + variance**2 / (2 * (n - 1))))
    assert (found.degrees_of_freedom, found.seeds) == (n - 1, n)


def test_the_logarithm_of_no_share_is_that_of_half_a_step_with_the_spread_of_rounding():
    found = log_mean(sample((0.0, 0.0, 0.0), unit="share", step=0.01))
    variance = 2**2 / 12  # the step over the mean, which is half a step
    assert found.estimate == pytest.approx(math.log(0.005) + variance / 2)
    assert log_mean(sample((0.5,), unit="share")).error == 0.0


def test_no_limit_beyond_every_share_is_named():
    shares = sample((0.999, 1.0, 0.998), unit="share", step=0.001)
    found = FractionBound(limit=0.5, side="at least", reason="few").compare(levels=ONE_LOOK, sample=shares)
    assert found.would_change.endswith("and no limit rules it out.")
