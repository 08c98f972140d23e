"""What-ifs: the numbers behind the slider, and that no word of the verdict follows it."""

import json

import pytest

from repro.reporting.what_if import what_if


def finding(interval=(80.0, 84.0), reference=83.0, criterion=(81.0, 85.0)):
    return {"interval": interval and list(interval), "reference": reference, "criterion": list(criterion)}


def test_a_points_distances_are_those_of_its_interval_from_the_value():
    made = what_if("P", [finding()])
    assert json.loads(made["distances"]) == [[-3.0, 1.0]]
    assert (made["start"], made["end"], made["factor"]) == (2.0, 5.0, False)


def test_an_orderings_distances_are_those_of_its_interval_from_0():
    made = what_if("O", [finding(reference=None, criterion=(5.0, None))])
    assert (json.loads(made["distances"]), made["start"]) == ([[80.0, 84.0]], 5.0)


def test_points_with_several_margins_are_measured_in_their_own():
    made = what_if("O", [finding((8.0, 12.0), None, (4.0, None)), finding((8.0, 12.0), None, (2.0, None))])
    assert (json.loads(made["distances"]), made["start"], made["factor"]) == ([[2.0, 3.0], [4.0, 6.0]], 1.0, True)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("X", [finding()]),
        ("T", [finding()]),
        ("P", []),
        ("P", [finding(interval=None)]),
        ("P", [finding(reference=None)]),
        ("P", [finding(criterion=(81.0, None))]),
        ("P", [finding(interval=(-1e300, 1e300))]),
        ("O", [finding(criterion=(0.0, None)), finding(criterion=(4.0, None))]),
    ],
)
def test_without_an_interval_or_a_margin_there_is_no_slider(kind, found):
    assert what_if(kind, found) is None
