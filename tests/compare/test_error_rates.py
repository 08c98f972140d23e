"""Error rates through the looks, the truth being on the edge: the table of `tests.simulate` in a small version."""

import numpy as np
import pytest

from repro.compare import Outcome, replicate
from tests.compare.made import THREE_LOOKS
from tests.simulate import GRIDS, TRUTHS, bound, fraction, no_change, ordering, published_point, rates, trend

REPLICATIONS = 12_000
AT_MOST = 0.06  # 5 %, and the error of the simulation
EDGES = {f"{truth.rule}: {truth.what}": truth for truth in TRUTHS}


@pytest.mark.parametrize("edge", EDGES)
def test_truth_on_the_edge_is_accepted_and_rejected_in_five_percent_at_most(edge):
    accepted, rejected = rates(EDGES[edge], 1, REPLICATIONS)
    assert accepted <= AT_MOST
    assert rejected <= AT_MOST


GRID_EDGES = {
    "Point": published_point(0.8, 0.3, known_sd=False),
    "Point, published sd": published_point(0.5, 0.3, known_sd=True),
    "NoChange": no_change(0.5),
    "Ordering": ordering(0.3, 0.8, 3.5),
    "Trend": trend((50.0, 60.0, 59.0), (0.3, 0.3, 0.8)),
    "FractionBound": bound("Beta", 0.11, 0.5),
    "Fraction": fraction(0.27, 0.02, 0.02),
}


@pytest.mark.parametrize("points", GRIDS[1:])
@pytest.mark.parametrize("edge", GRID_EDGES)
def test_claim_whose_points_all_lie_on_the_edge_is_rejected_in_five_percent_at_most(edge, points):
    assert rates(GRID_EDGES[edge], points, 2000)[1] <= AT_MOST + 0.01  # fewer replications, a larger error


@pytest.mark.parametrize(
    ("edge", "which"),
    [("Point", 0), ("Point", 1), ("FractionBound", 0), ("Fraction", 0)],
    ids=["point accepted", "point rejected", "bound accepted", "fraction accepted"],
)
def test_rules_of_the_first_edition_fail_where_these_hold(edge, which):
    """Without this the rates above could be small for want of power in the simulation."""
    assert rates(GRID_EDGES[edge], 1, REPLICATIONS, edition="before")[which] > 0.08


def test_first_edition_rejects_claims_of_many_points():
    assert rates(GRID_EDGES["Ordering"], 12, 1000, edition="before")[1] > 0.3


def test_one_spread_for_all_levels_accepts_a_drop_between_the_wide_ones():
    uneven = trend((50.0, 60.0, 59.0, 70.0, 71.0, 72.0, 73.0), (0.3, 0.8, 0.8, 0.3, 0.3, 0.3, 0.3))
    assert rates(uneven, 1, 2000, edition="before")[0] > 0.15
    assert rates(uneven, 1, 2000)[0] <= AT_MOST


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_direction_alone_is_said_of_a_gain_that_is_there_and_too_small(gain):
    """PARTIAL says that the size is ruled out: with the true gain at the gap it may be said in 5 % at most."""
    rng = np.random.default_rng(0)
    higher, lower = rng.normal(gain, 0.3, (4000, 8)), rng.normal(0, 0.3, (4000, 8))
    ends = replicate.through_looks(
        lambda n, rows: replicate.ordering(higher[rows, :n], lower[rows, :n], gain), 4000, (3, 5, 8), THREE_LOOKS
    )
    assert ends[Outcome.DIRECTION_ONLY].mean() + ends[Outcome.RULED_OUT].mean() <= AT_MOST
