"""Every figure of the suite's own works is drawn once the runs that its claims ask for exist."""

import pytest

from repro.collecting.collect import collect
from repro.judging.redrawn import redrawn_figures
from repro.judging.verdict import to_json
from repro.reporting.redrawn import panels
from repro.reporting.shown import shown
from tests.reporting.test_claim import saved

MEASURED = {"top1": 50.0, "thresholds": [0.001, 0.01, 0.1], "small_gamma": [0.1, 0.2, 0.3],
            "clamped_top1": [50.0, 49.0, 48.0], "parameters": {"batchnorm": 1120}, "gamma_from": -0.1,
            "gamma_bin": 0.1, "gamma_histogram": [1, 3], "gammas": 4, "dead_relus": 0.1}  # fmt: skip


@pytest.fixture(scope="module", params=["frankle2021", "greydanus2024", "hastie2009", "peerthum2023"])
def everything(request):
    """The figures of a work, and a run for every spec that its claims ask for at the paper's scale."""
    checks = collect(scale="paper", paths=[f"claims/{request.param}"]).selected
    asking = {}
    for check in checks:
        for key, spec in check.runs(check.looks[0]).items():
            asking.setdefault(key, (spec, set()))[1].add(check.claim.id)
    runs = [
        {"key": key, "name": spec.name, "claims": sorted(claims), "spec": to_json(spec), "measures": MEASURED,
         "top1_by_epoch": [50.0 + i for i in range(spec.rows)]}
        for key, (spec, claims) in asking.items() if spec.rows
    ]  # fmt: skip
    return to_json(redrawn_figures(checks)), runs


def test_every_figure_draws_every_panel_and_every_line(everything):
    figures, runs = everything
    assert figures
    for figure in figures:
        made = panels(figure, runs, "paper")
        assert len(shown(figure, runs, "paper")["drawings"]) == len(figure["panels"]), figure["id"]
        for line in figure["lines"]:
            own = [one for panel in made for one in panel.series if one.name == line["name"]]
            assert any(one.seeds or one.mean or one.curves for one in own), (figure["id"], line["name"])


def test_every_published_value_belongs_to_a_line_and_is_drawn(everything):
    figures, runs = everything
    for figure in figures:
        for plan, panel in zip(figure["panels"], panels(figure, runs, "paper"), strict=True):
            drawn = {one.name: len(one.published) for one in panel.series if one.published}
            assert drawn == {name: len(values) for name, values in plan["published"].items()}, figure["id"]


def test_the_numbers_of_every_figure_can_be_saved(everything):
    figures, runs = everything
    for figure in figures:
        address = shown(figure, runs, "paper")["save"]["csv"]
        assert address.startswith("data:text/csv;")
        assert {line["name"] for line in figure["lines"]} <= {row[1] for row in saved(address)}
