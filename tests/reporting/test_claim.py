"""A claim's section: what it says in a line, and what it leaves to its figure and its table."""

import copy
import csv
import io
from urllib.parse import unquote

import pytest

from repro.reporting.claim import section
from repro.reporting.reasons import brief, measured, unmoved
from repro.reporting.view import view
from tests.reporting.test_hidden import page


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("CNN is 93.70 %; its interval [89.20, 98.20], 90 % over all looks, the reference's own error included, lies "
         "across the edge of [92.00, 96.00].",
         "CNN is 93.70 %; its interval [89.20, 98.20] lies across the edge of [92.00, 96.00]."),
        ("a − b is +1.85 points (Welch); its bounds, 90 % over all looks, are [−3.47, 7.16]: they lie on both sides.",
         "a − b is +1.85 points; its bounds are [−3.47, 7.16]: they lie on both sides."),
        ("8 → 14: 79.09 % → 84.87 %. Trend p = 0.061 (opposite 0.96); the weakest step is 8 to 14, +1.85 points, "
         "at least −5.49 points (90 % over all looks, Welch); a drop of 1 points is allowed.",
         "Trend p = 0.061 (opposite 0.96); the weakest step is 8 to 14, +1.85 points, at least −5.49 points; a drop of "
         "1 points is allowed."),
    ],
)  # fmt: skip
def test_a_reason_leaves_out_what_every_interval_shares(why, said):
    assert brief(why) == said


@pytest.fixture
def shown(small):
    """The section of the one claim, after changes of its judgements."""

    def make(**changed):
        made = copy.deepcopy(small)
        for row in made["judgements"]:
            row.update(changed)
        return view(made)["groups"][0]["claims"][0]

    return make


def test_a_claim_of_several_points_counts_them_once_and_tells_networks_and_data(shown):
    assert shown()["line"] == "1 of 2 grid points seen, 1 not seen: +30.10, −29.90 points."
    assert shown()["on"] == "ResNet-8, 14 on digits"


def test_of_a_claim_that_waits_the_points_that_are_judged_stand_on_the_first_page(small):
    made = copy.deepcopy(small)
    made["claims"][0].update(verdict="PENDING", answer="none", points={"PENDING": 1, "REPRODUCED": 1})
    first, second = made["judgements"]
    first.update(verdict="REPRODUCED", answer="none")
    second.update(verdict="PENDING", answer="none", missing=[{"key": "0", "name": "a run", "condition": "missing"}])
    (group,) = view(made)["answers"]
    assert group["words"] == "Partly judged: other points lack runs"
    assert group["claims"][0]["brief"] == "depth 8: reproduced, +30.10 points"
    second.update(verdict="INCONCLUSIVE")
    assert view(made)["answers"][0]["claims"][0]["brief"] == "1 of 2 grid points reproduced, 1 inconclusive"


def saved(address):
    """The rows that a link saves as CSV, without their heading."""
    return list(csv.reader(io.StringIO(unquote(address.partition(",")[2]))))[1:]


def test_the_figure_of_a_claim_saves_every_seed_and_what_was_decided(shown, small):
    made = shown()
    rows = saved(made["save"]["csv"])
    assert len(made["figures"]) == 2
    findings = [(row["check"], finding) for row in small["judgements"] for finding in row["findings"]]
    seeds = [(name, seed, float(value)) for name, _, seed, value, *_ in rows if seed]
    assert seeds == [(check.partition("=")[2].rstrip("]").join(["depth ", ""]), str(seed), pytest.approx(value))
                     for check, finding in findings for sample in finding["samples"]
                     for seed, value in zip(sample["seeds"], sample["values"], strict=True)]  # fmt: skip
    decided = [[float(one) for one in row[3:6]] for row in rows if not row[2]]
    assert decided == [pytest.approx([finding["estimate"], *finding["interval"]], rel=1e-4) for _, finding in findings]


def test_a_run_that_two_points_wait_for_is_counted_once(small):
    entry, rows = {**small["claims"][0], "verdict": "PENDING"}, copy.deepcopy(small["judgements"])
    for row, keys in zip(rows, (("a", "b"), ("b", "c")), strict=True):
        row |= {"findings": [], "verdict": "PENDING", "answer": "none",
                "missing": [{"key": key, "name": key, "condition": "missing"} for key in keys]}  # fmt: skip
    assert section(entry, rows, {entry["claim"]: "x"}, {}, {})["line"] == "both grid points; 3 runs missing."


def test_a_table_says_in_which_columns_cells_do_not_agree():
    cells = [("total", 2), ("output", 1), ("shortcut", 0)]
    findings = [
        {"label": label, "outcome": "source error" if at < apart else "established"}
        for label, apart in cells for at in range(4)
    ]  # fmt: skip
    assert measured("X", findings) == "9 of 12 agree; the others: 2 of total, 1 of output"


def test_a_label_too_wide_for_its_figure_gives_way_to_its_point(shown, small):
    row = copy.deepcopy(small["judgements"][0])
    row["findings"][0]["label"] = "logistic regression, shuffled − logistic regression"
    other = copy.deepcopy(small["judgements"][1])
    made = section(small["claims"][0], [row, other], {small["claims"][0]["claim"]: "x"}, {}, {})
    for figure in made["figures"]:
        assert "…" not in figure
        assert ">depth 8<" in figure


def test_a_sweep_beside_a_verdict_saves_its_numbers(shown):
    sweep = {"label": "clamped", "x_label": "threshold", "y_label": "top-1, %", "x": [0.01, 0.1],
             "lines": {"BatchNorm": [80.0, 70.0]}}  # fmt: skip
    rows = saved(shown(sweeps=[sweep])["save_sweeps"]["csv"])
    assert rows[:2] == [["depth 8: clamped", "BatchNorm", "mean", "0.01", "80", ""],
                        ["depth 8: clamped", "BatchNorm", "mean", "0.1", "70", ""]]  # fmt: skip


def test_controls_that_wait_are_counted_in_one_line(shown):
    controls = {"control-a": "holds", "control-b": "pending", "control-c": "pending"}
    line = shown(controls=controls)["controls_line"]
    assert line == "1 of 3 controls hold. Not holding: control-b, control-c (pending)."


@pytest.mark.parametrize("first", [True, False], ids=["first point", "last point"])
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("failed", "failed"),
        ("no point for resnet-8", "not run on its networks"),
        ("open", "open"),
    ],
)
def test_a_control_that_does_not_hold_at_one_point_is_not_hidden_by_another(small, first, state, words):
    rows = copy.deepcopy(small["judgements"][:2])
    for row, one in zip(rows, (state, "holds") if first else ("holds", state), strict=True):
        row["controls"] = {"control-a": one, "control-b": "holds"}
    made = section(small["claims"][0], rows, {small["claims"][0]["claim"]: "x"}, {}, {})
    assert made["controls_line"] == f"1 of 2 controls hold. Not holding: control-a (1 of 2 points: {words})."


def test_points_whose_controls_do_not_hold_for_different_networks_are_counted_together(small):
    states = ["no point for resnet-8", "no point for resnet-20", "pending", "holds", "no point for wrn-8-1"]
    rows = [{**copy.deepcopy(small["judgements"][0]), "controls": {"control-a": state}} for state in states]
    made = section(small["claims"][0], rows, {small["claims"][0]["claim"]: "x"}, {}, {})
    told = "3 of 5 points: not run on its networks; 1 of 5 points: pending"
    assert made["controls_line"] == f"0 of 1 controls hold. Not holding: control-a ({told})."


def test_what_would_change_a_point_is_not_said_of_the_claim(small):
    rows = copy.deepcopy(small["judgements"][:2])
    rows[0]["would_change"] = "It would be not seen if seed 2 were left out."
    rows[1]["would_change"] = "No single one of the 3 seeds decides it."
    made = section({**small["claims"][0], "would_change": ""}, rows, {small["claims"][0]["claim"]: "x"}, {}, {})
    assert made["would_change"] == "Depth 8 alone would be not seen if seed 2 were left out."
    assert made["unmoved"] == ["No single one of the 3 seeds decides it at depth 14."]


def test_a_point_is_called_by_what_it_compares_where_that_tells_the_points_apart(small):
    rows = copy.deepcopy(small["judgements"][:2])
    for row, label in zip(rows, ("one − another", "a third − another"), strict=True):
        row["findings"] = [{**row["findings"][0], "label": label}]
        row["would_change"] = "It would be open if seed 2 were left out."
    entry = small["claims"][0]
    given = {**entry, "would_change": f"It would be seen without the point [{rows[1]['check'].partition('[')[2]}."}
    made = section(given, rows, {entry["claim"]: "x"}, {}, {})
    assert made["would_change"] == "It would be seen without the point a third − another."
    assert made["changes"][0] == "One − another alone would be open if seed 2 were left out."
    rows[1]["findings"][0]["label"] = "one − another"
    assert "depth 8 alone" in section(given, rows, {entry["claim"]: "x"}, {}, {})["changes"][0].lower()


def test_a_p_value_over_some_of_the_points_says_so(small):
    rows = copy.deepcopy(small["judgements"][:2])
    assert section(small["claims"][0], rows, {small["claims"][0]["claim"]: "x"}, {}, {})["p_over"] == ""
    rows[1].update(verdict="PENDING", p_for=None, p_against=None, findings=[], seeds=3)
    rows[0]["seeds"] = 5
    made = section(small["claims"][0], rows, {small["claims"][0]["claim"]: "x"}, {}, {})
    assert (made["p_over"], made["seeds"]) == ("over 1 of 2 points", "5 seeds")


def test_marks_stand_with_the_points_that_have_them(small):
    rows = copy.deepcopy(small["judgements"][:2])
    rows[0]["marks"], rows[1]["marks"] = ["provisional", "rule not on record with its runs"], ["provisional"]
    made = section(small["claims"][0], rows, {small["claims"][0]["claim"]: "x"}, {}, {})
    assert [row["marks"] for row in made["rows"]] == [["rule not on record with its runs"], []]


def test_a_run_of_two_arms_is_listed_under_both_and_values_name_their_point(small):
    rows = copy.deepcopy(small["judgements"][:2])
    run = rows[0]["runs"][0]
    rows[1]["runs"].append({**run, "arm": "another"})
    made = section(small["claims"][0], rows, {small["claims"][0]["claim"]: "x"}, {}, {})
    assert {arm for arm, _, _, runs in made["runs"] if run["key"] in {one["key"] for one in runs}} == {
        run["arm"],
        "another",
    }
    assert {sample["label"].partition(": ")[0] for sample in made["values"]} == {"depth 8", "depth 14"}


def test_a_point_is_spelled_without_its_rules_own_parameters(small):
    entry, rows = small["claims"][0], copy.deepcopy(small["judgements"])
    (name,) = (key for key in rows[0]["criterion"]["rule"] if key in ("margin", "gap", "limit"))
    entry = {**entry, "would_change": f"It would be seen without the point [depth=14,{name}=2.0]."}
    assert section(entry, rows, {entry["claim"]: "x"}, {}, {})["would_change"].endswith("without the point depth 14.")


def test_what_no_seed_decides_is_said_once_for_all_points():
    texts = ["No single one of the 2 points decides it.", "No single one of the 3 seeds decides it at depth 8.",
             "No single one of the 3 seeds decides it at depth 14."]  # fmt: skip
    assert unmoved(texts) == [texts[0], "No single one of the 3 seeds decides it at depth 8; depth 14."]


def test_the_figure_of_a_change_is_titled_as_the_change_is_taken(shown, small):
    """A change is after minus before, and its samples stand in the order of time."""
    row = copy.deepcopy(small["judgements"][0])
    row["findings"][0]["samples"] = [
        {**row["findings"][0]["samples"][0], "label": name} for name in ("plain", "pooled")
    ]
    titles = {}
    for kind in ("O", "N"):
        row["criterion"]["rule"]["kind"] = kind
        made = section(small["claims"][0], [copy.deepcopy(row)], {small["claims"][0]["claim"]: "x"}, {}, {})
        titles[kind] = next(part for part in made["figures"][1].split(">") if " minus " in part).partition("<")[0]
    assert titles == {"O": "plain minus pooled", "N": "pooled minus plain"}


def test_gaps_that_points_have_of_their_own_are_told_as_a_range(shown, small):
    entry, rows = small["claims"][0], copy.deepcopy(small["judgements"])
    for row, gap in zip(rows, (2.4, 11.5), strict=True):
        row["criterion"]["rule"] = {"kind": "O", "name": "Ordering", "gap": 2.4, "reason": "x"}
        row["params"]["gap"] = gap
    assert section(entry, rows, {entry["claim"]: "x"}, {}, {})["margins"] == "2.40 to 11.50"


@pytest.mark.parametrize(
    ("unit", "margin"), [("%", ("1.00", " points")), ("share", ("100.00", " points")), ("", ("1.00", ""))]
)
def test_a_claim_that_waits_for_runs_has_its_margin_with_a_unit(small, unit, margin):
    entry, rows = {**small["claims"][0], "unit": unit}, copy.deepcopy(small["judgements"])
    for row in rows:
        row |= {"findings": [], "verdict": "PENDING"}
        row["criterion"]["rule"] = {"kind": "T", "name": "Trend", "margin": 1.0, "reason": "x"}
    made = section(entry, rows, {entry["claim"]: "x"}, {}, {})
    assert (made["margins"], made["unit"]) == margin


def test_a_claim_that_no_number_of_seeds_decides_stands_apart(small):
    made = copy.deepcopy(small)
    for row in (made["claims"][0], *made["judgements"]):
        row.update(verdict="INCONCLUSIVE", answer="none")
    findings = [finding for row in made["judgements"] for finding in row["findings"]]
    for finding in findings:
        finding.update(outcome="undecided", more_seeds=None)
    assert [group["words"] for group in view(made)["answers"]] == ["Inconclusive, and not even 200 seeds would decide"]
    findings[0]["more_seeds"] = 9
    assert [group["words"] for group in view(made)["answers"]] == ["Inconclusive: the runs cannot decide"]


def test_the_arm_of_an_untrained_network_has_a_name_that_cannot_be_misread(shown, small):
    finding = copy.deepcopy(small["judgements"][0]["findings"][0])
    finding.update(label="BatchNorm − nothing", why="BatchNorm − nothing is +3 points.")
    finding["samples"][0]["label"] = "nothing"
    (own,) = shown(findings=[finding])["rows"][0]["findings"]
    assert (own["label"], own["why"]) == ("BatchNorm − untrained", "BatchNorm − untrained is +3 points.")
    assert own["samples"][0]["label"] == "untrained"


def test_a_whole_claims_p_against_says_by_what_it_is_multiplied(shown, small):
    criterion = small["judgements"][0]["criterion"]
    assert shown()["p_times"] == "Bonferroni: times 2 points"
    assert shown(criterion={**criterion, "looks": [3, 5, 8]})["p_times"] == "Bonferroni: times 3 looks and 2 points"


def test_the_level_that_a_p_value_must_pass_stands_beside_it(small):
    made = copy.deepcopy(small)
    made["judgements"][0].update(accept=0.02134, against=0.0001)
    assert "level 0.0213" in page(made)


def test_flags_are_explained_where_they_occur(small):
    made = copy.deepcopy(small)
    assert "the code of that time gives the same results" not in page(made)
    made["judgements"][0]["marks"] = ["judging code changed, same results"]
    assert "the code of that time gives the same results" in page(made)


def test_the_criterion_stands_beside_what_the_source_says_where_all_points_have_the_same(small):
    rows = copy.deepcopy(small["judgements"][:2])
    anchors = {small["claims"][0]["claim"]: "x"}
    wanted = rows[0]["findings"][0]["expected"]
    assert wanted and section(small["claims"][0], rows, anchors, {}, {})["asked"] == wanted
    rows[1]["findings"][0]["expected"] = "> 3 points"
    assert section(small["claims"][0], rows, anchors, {}, {})["asked"] == ""
