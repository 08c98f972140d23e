"""Figures of a work, drawn again from made-up runs."""

import csv
import io
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from repro.errors import ClaimError
from repro.judging import redrawn as plans
from repro.reporting import redrawn
from repro.reporting.forest import in_margins
from repro.reporting.panel import draw, table
from repro.reporting.percent import in_percent
from repro.reporting.shown import shown

CLAIMS = Path(__file__).parents[2] / "claims"


def run(depth, seed, top1, trained="batchnorm", **measures):
    measured = {"top1": top1, "thresholds": [0.01, 0.1], "small_gamma": [0.25, 0.5], "clamped_top1": [top1, top1 - 3],
                "parameters": {"batchnorm": 80 * depth}, "gamma_from": -0.1, "gamma_bin": 0.1,
                "gamma_histogram": [1, 3], "gammas": 4, "dead_relus": None, **measures}  # fmt: skip
    return {
        "key": f"{depth}-{seed}-{trained}",
        "name": f"net {depth} {trained} {seed}",
        "claims": ["mine", "others"],
        "spec": {"depth": depth, "width": 1, "trained": trained, "seed": seed, "dataset": "digits"},
        "measures": measured,
        "top1_by_epoch": [top1 / 2, top1],
    }


def figure(line=None, **panel):
    given = {"title": "by depth", "kind": "points", "x_label": "depth", "y_label": "accuracy, %", "x": "depth",
             "y": "top1",
             "threshold": 0.0, "percent": False, "change": False, "where": {}, "published": {},
             "reading_error": 0.0}  # fmt: skip
    own = {"name": "BatchNorm", "where": {"trained": "batchnorm"}, "minus": {}}
    return {"id": "two", "work": "nobody2021", "place": "Figure 2", "title": "Accuracy", "caption": "",
            "claims": ["mine"], "lead": True, "lines": [own | (line or {})], "panels": [given | panel]}  # fmt: skip


RUNS = [run(8, 0, 40.0), run(8, 1, 44.0), run(14, 0, 60.0), run(14, 0, 90.0, trained="all")]


def one(plan, runs=RUNS, scale="paper"):
    return redrawn.panels(plan, runs, scale)[0].series[0]


def test_every_seed_is_a_point_and_the_line_goes_through_the_means():
    series = one(figure())
    assert [(x, y) for x, y, _ in series.seeds] == [(8, 40), (8, 44), (14, 60)]
    assert series.mean == ((8, 42), (14, 60))


def test_runs_behind_other_claims_are_not_drawn():
    assert one({**figure(), "claims": ["another"]}).seeds == ()


def test_a_share_is_drawn_in_percent_at_the_threshold_of_the_panel():
    series = one(figure(y="small_gamma", threshold=0.1, percent=True))
    assert series.mean == ((8, 50), (14, 50))


def test_a_gain_is_the_difference_of_runs_that_are_equal_otherwise():
    line = {"where": {"trained": "all"}, "minus": {"trained": "batchnorm"}}
    assert [(x, y) for x, y, _ in one(figure(line)).seeds] == [(14, 30.0)]


def test_a_gain_is_drawn_from_zero_and_counts_the_runs_of_both_arms():
    plan = figure({"where": {"trained": "all"}, "minus": {"trained": "batchnorm"}})
    (panel,) = redrawn.panels(plan, RUNS, "paper")
    assert panel.span[0] == 0
    assert shown(plan, RUNS, "paper")["note"] == "2 runs on digits"


def test_a_panel_that_repeats_a_place_of_another_is_not_drawn():
    plan = figure()
    plan["panels"] = [plan["panels"][0], {**plan["panels"][0], "title": "again", "where": {"depth": 8}}]
    assert [panel.title for panel in redrawn.panels(plan, RUNS, "paper")] == [plan["panels"][0]["title"]]
    plan["panels"][1]["published"] = {"BatchNorm": {"8": 41.0}}
    assert len(redrawn.panels(plan, RUNS, "paper")) == 2


def test_clamping_is_drawn_as_a_change_with_the_range_of_the_seeds():
    series = one(figure(kind="thresholds", y="clamped_top1", change=True))
    assert series.mean == ((0.01, 0), (0.1, -3))
    assert series.band == ((0.01, 0, 0), (0.1, -3, -3))


def test_a_histogram_holds_the_shares_of_all_its_runs():
    series = one(figure(kind="histogram"))
    assert [y for _, y in series.mean[1:-2]] == [25, 75]


def test_a_histograms_shares_are_of_all_gammas_those_beyond_its_bins_among_them():
    series = one(figure(kind="histogram"), [run(8, 0, 40.0, gammas=5), run(8, 1, 40.0, gammas=11)])
    assert [y for _, y in series.mean[1:-2]] == [12.5, 37.5]


def test_a_curve_has_a_line_a_seed():
    assert one(figure(kind="curve")).curves[0] == ((50, 20.0), (100, 40.0))


def test_retrains_are_drawn_by_sparsity_without_the_tests_after_them():
    ticket = run(8, 0, 60.0)
    ticket["spec"] |= {"levels": 5, "retrains": [1, 2, 4]}
    ticket["top1_by_epoch"] = [50.0, 55.0, 60.0, 1.0]
    assert one(figure(kind="retrains"), [ticket]).curves == (((0, 50.0), (25, 55.0), (75, 60.0)),)


def test_many_curves_are_their_mean_and_range():
    series = one(figure(kind="curve"), [run(8, seed, 40.0 + seed) for seed in range(21)])
    assert series.curves == (((50, 25.0), (100, 50.0)),)
    assert series.band == ((50, 20, 30), (100, 40, 60))


def test_a_value_of_a_scale_selects_its_runs():
    plan = figure(where={"depth": {"smoke": 8, "paper": 14}})
    assert {x for x, _, _ in one(plan, scale="smoke").seeds} == {8}
    assert {x for x, _, _ in one(plan, scale="paper").seeds} == {14}


def test_published_values_are_hollow_and_in_the_csv():
    panel = redrawn.panels(
        figure(published={"BatchNorm": {"14": 48.3, "866": 82.4}}, reading_error=0.6), RUNS, "paper"
    )[0]
    drawn = ElementTree.fromstring(draw(panel, "words & <b>"))
    hollow = [mark for group in drawn.iter() if (group.get("class") or "").endswith(" h") for mark in group]
    assert len(hollow) == 3  # two values, and the legend's
    rows = list(csv.DictReader(io.StringIO(table([panel]))))
    assert [(row["x"], row["y"]) for row in rows if row["what"] == "published"] == [("14", "48.3"), ("866", "82.4")]
    assert sum(row["what"] == "seed" for row in rows) == 3


def test_below_the_papers_scale_a_figure_is_grey_and_says_that_its_data_are_others():
    for scale in ("smoke", "pilot"):
        made = shown(figure(), RUNS, scale)
        assert "#0072b2" not in made["drawings"][0]
        assert made["note"] == "other data or schedule: 3 runs on digits"
    assert "#0072b2" in shown(figure(), RUNS, "paper")["drawings"][0]


def test_without_runs_or_values_nothing_is_drawn():
    assert shown(figure(), [], "paper")["drawings"] == []


def test_no_text_of_a_figure_is_below_11_pixels_on_a_phone_of_360():
    drawn = ElementTree.fromstring(shown(figure(), RUNS, "paper")["drawings"][0])
    width = float(drawn.get("viewBox").split()[2])
    assert float(drawn.get("font-size")) * (360 - 40) / width >= 11


def test_the_suites_own_figures_cite_claims_of_its_catalogue():
    known = {row["id"] for row in tomllib.loads((CLAIMS / "catalogue.toml").read_text())["row"]}
    found = plans._read(CLAIMS / "frankle2021" / plans.NAME)
    assert sum(figure.lead for figure in found) == 1
    assert {name for figure in found for name in figure.claims} <= known


def test_published_accuracies_of_the_figure_are_those_that_the_claims_are_held_against():
    given = {}
    source = (CLAIMS / "frankle2021" / "fig2_accuracy.py").read_text()
    for name in ("BY_DEPTH", "BY_WIDTH"):
        given[name] = eval(source.partition(f"{name} = ")[2].partition("\n")[0])  # a dictionary of numbers
    accuracy = plans._read(CLAIMS / "frankle2021" / plans.NAME)[0]
    by_depth, by_width = (
        {float(x): y for x, y in panel.published["BatchNorm alone"].items()} for panel in accuracy.panels
    )
    assert by_depth == given["BY_DEPTH"]
    assert by_width == given["BY_WIDTH"] | {1: 48.3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[figure]]\nid = "a"', "missing required field"),
        ('[[figure]]\nid="a"\nplace=""\ntitle=""\ncaption=""\nclaims=[]\ncolour="red"', "'colour'"),
        ("[[figure", "cannot be read"),
    ],
)
def test_a_broken_figures_toml_is_named(tmp_path, text, words):
    (tmp_path / plans.NAME).write_text(text)
    with pytest.raises(ClaimError, match=words):
        plans._read(tmp_path / plans.NAME)


def test_in_margins_the_published_value_is_0_and_the_margin_1():
    finding = {"reference": 82.0, "criterion": [80.0, 84.0], "estimate": 83.0, "interval": [82.0, 85.0],
               "prediction": [78.0, 86.0], "outcome": "x"}  # fmt: skip
    scaled = in_margins(finding)
    assert (scaled["estimate"], scaled["interval"], scaled["prediction"]) == (0.5, [0.0, 1.5], [-2.0, 2.0])
    assert in_margins({**finding, "criterion": [0.0, None]}) is None


@pytest.mark.parametrize(
    ("kind", "text", "read"),
    [
        ("F", "share of |γ| < 0.01, all: 0.015.", "share of |γ| < 0.01, all: 1.5 %."),
        ("F", "0.270 ± 0.050", "27 % ± 5 points"),
        ("O", "is −0.002 (Welch); bounds are [−0.011, 0.008]", "is −0.2 points (Welch); bounds are [−1.1, 0.8]"),
        (
            "T",
            "a, < 0.01: 0.015 → 0.029. Trend p = 0.62; a drop of 0.015",
            "a, < 0.01: 1.5 % → 2.9 %. Trend p = 0.62; a drop of 1.5 points",
        ),
    ],
)
def test_shares_are_read_in_percent_and_their_differences_in_points(kind, text, read):
    finding = {"unit": "share", "why": text, "expected": "", "measured": "0.5", "would_change": "", "samples": [],
               "estimate": 0.25, "interval": [0.2, 0.3], "prediction": None, "criterion": [0, None], "reference": None,
               "flips": None}  # fmt: skip
    row = in_percent({"criterion": {"rule": {"kind": kind}}, "findings": [finding], "why": text})
    assert row["why"] == row["findings"][0]["why"] == read
    assert row["findings"][0]["interval"] == [20, 30]
    assert row["findings"][0]["criterion"] == [0, None]
