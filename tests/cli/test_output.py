"""What commands print and how they end."""

import pytest

from repro.cli.output import worst


@pytest.mark.parametrize(
    ("codes", "found"),
    [((0, 0), 0), ((0, 1), 1), ((1, 3), 3), ((3, 2, 1), 2), ((2,), 2)],
)
def test_a_failure_counts_more_than_what_is_pending_and_that_more_than_a_claim_that_does_not_hold(codes, found):
    assert worst(*codes) == found
