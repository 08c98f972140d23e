"""What a verdict covers: the points tested here beside the paper's, remarks, provisional controls, the next step."""

import copy

import pytest

from repro.reporting.front import next_step, provisional
from repro.reporting.scope import scope
from repro.reporting.view import view
from tests.reporting.test_hidden import page, text


def rows_at(*points, rule=("name", "margin")):
    runs = [{"name": "resnet-8 all"}, {"name": "resnet-14 all"}]
    return [{"params": point, "criterion": {"rule": dict.fromkeys(rule)}, "runs": runs} for point in points]


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ([{"init": "binary"}], [{"init": "he"}, {"init": "orthogonal"}, {"init": "binary"}],
         "Tested: init binary; at the paper’s scale: init he, orthogonal, binary."),
        ([{"depth": 8, "width": 1}], [{"depth": depth, "width": 1} for depth in (14, 32, 56, 110, 218)],
         "Tested: depth 8; at the paper’s scale: depth 14, 32, …, 218 (5 points)."),
        ([{"depth": 8, "width": 2}], [{"depth": 14, "width": 1}],
         "Tested: depth 8, width 2; at the paper’s scale: depth 14, width 1."),
        ([{}], [{"along": "depth"}, {"along": "width"}],
         "Tested: one point; at the paper’s scale: along depth, width."),
        ([{"depth": 14}, {"depth": 32}], [{"depth": 14}], ""),
        ([{"depth": 8, "margin": 1}], [{"depth": 8, "margin": 2}], ""),
        ([{}], [{}], ""),
    ],
)  # fmt: skip
def test_the_points_here_are_told_beside_those_of_the_paper_where_any_is_missing(here, there, said):
    entry = {"paper_points": there, "paper_networks": ["resnet-14"], "tested": True}
    whole, brief = scope(entry, rows_at(*here), "pilot")
    assert whole == said
    assert scope({**entry, "tested": False}, rows_at(*here), "pilot")[0] == said.replace("Tested", "Run here")
    assert brief in ((f"1 grid point; at the paper’s scale {len(there)}", said) if said else ("",))
    assert (len(there) == 1) == (brief == said) or not said


def test_networks_are_told_where_points_have_no_name():
    entry = {"paper_points": [{}], "paper_networks": ["resnet-14", "resnet-866"], "tested": True}
    said = "Tested on ResNet-8, 14; at the paper’s scale, on ResNet-14, 866."
    assert scope(entry, rows_at({}), "pilot") == (said, said)
    assert scope(entry, [{**rows_at({})[0], "runs": []}], "pilot") == ("", "")
    here = [{**rows_at({})[0], "runs": [{"name": "resnet-14 all seed 0"}]}]
    assert scope(entry, here, "paper")[0] == "Tested so far on ResNet-14; still to come: ResNet-866."


def test_a_remark_stands_with_its_claim_at_its_scale_alone(small):
    made = copy.deepcopy(small)
    name = made["claims"][0]["claim"]
    remarks = [
        {"claims": [name], "text": "Here as well.", "scale": ""},
        {"claims": [name], "text": "At the pilot alone.", "scale": "pilot"},
        {"claims": ["another"], "text": "Of another claim.", "scale": ""},
    ]
    work = {"key": "control", "title": "x", "short": "x", "authors": [], "venue": "", "year": 2021, "url": "",
            "versions": [], "companion_to": "", "tags": {}, "scales": {}, "protocol": {}, "columns": [], "order": [],
            "settings": [], "disagreements": [], "remarks": remarks}  # fmt: skip
    made["works"] = [work]
    assert view(made)["groups"][0]["claims"][0]["remarks"] == ["Here as well."]
    said = text(page(made))
    assert "Remark. Here as well." in said and "pilot alone" not in said and "another claim" not in said
    assert "With a remark" in said and "With a remark" not in text(page(small))


def test_a_provisional_verdict_names_the_control_and_the_networks():
    rows = [
        {"marks": ["provisional"], "controls": {"control-a": "holds", "control-b": "no point for resnet-14"}},
        {"marks": ["provisional"], "controls": {"control-b": "no point for resnet-8, wrn-8-2", "control-c": "open"}},
        {"marks": [], "controls": {"control-d": "open"}},
    ]
    assert provisional(rows) == "control-b was not run on ResNet-8, ResNet-14, WRN-8-2; control-c is open"


def test_the_next_step_names_the_cheapest_verdict_of_this_scale():
    needs = [{"scale": "paper", "runs": 9, "complete": 4, "core_hours": 200.0}]
    rows = [{"id": name, "standing": "pending", "seconds": 3600.0 * cost} for name, cost in (("a", 90), ("b", 35))]
    rows.append({"id": "done", "standing": "judged", "seconds": 1.0})
    made = {"scale": "paper", "scales": needs, "coverage": rows}
    assert next_step(made) == (
        "5 runs at paper scale that this store lacks, about 200 core-hours; the cheapest verdict, b, takes about 35.0 "
        "core-hours alone."
    )
    assert next_step({**made, "scale": "pilot"}) == (
        "5 runs at paper scale that this store lacks, about 200 core-hours."
    )
    assert next_step({**made, "scales": [{**needs[0], "complete": 9}]}) == ""
