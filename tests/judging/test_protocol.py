"""Protocols: what the sources say of a setting, beside what the runs have."""

from dataclasses import replace

import pytest

from repro.collecting.collect import collect
from repro.collecting.works import Setting, works
from repro.errors import ClaimError
from repro.judging.protocol import _beside, beside_runs

RUNS = [{"rate": "0.1", "trained": "all", "seeds": "3"}, {"rate": "0.2", "trained": "none", "seeds": "3"}]


def setting(*said, **given):
    return Setting(name="a setting", said=said, **given)


@pytest.mark.parametrize(
    ("said", "where", "only", "standing"),
    [
        (("0.1", ""), "0.1", {"trained": "all"}, "same"),
        (("", "0.1"), "0.1", {"trained": "all"}, "guess"),
        (("0.1", "0.1"), "0.1", {"trained": "none"}, "deviation"),
        (("0.1", "0.1"), "0.1", {}, "same in 1 of 2 runs"),
        (("", "0.1"), ["0.1", "0.2"], {}, "guess"),
        (("0.1", ""), "0.1", {"trained": "batchnorm"}, ""),
    ],
)
def test_a_setting_is_the_first_sources_a_guess_or_a_deviation(said, where, only, standing):
    assert _beside(setting(*said, where={"rate": where}, only=only), RUNS).standing == standing


def test_a_setting_shows_the_values_that_the_runs_have():
    assert _beside(setting("0.1", where={"rate": "0.1"}), RUNS).here == "0.1 · 0.2"


@pytest.mark.parametrize(
    ("rates", "here"),
    [
        (["0.3", "0.1", "0.2", "0.2", "0.4"], "0.2 · 0.3 · 0.1 · 0.4"),
        (["0.3", "0.1", "0.2", "0.2", "0.4", "0.5", "0.6"], "0.2 · 0.3 · 0.1 · 0.4 · 2 more"),
        (["", "0.1"], "none · 0.1"),
    ],
)
def test_a_setting_lists_its_four_most_common_values_and_counts_the_others(rates, here):
    runs = [{"rate": rate, "trained": "all", "seeds": "3"} for rate in rates]
    assert _beside(setting("0.1", where={"rate": "0.1"}), runs).here == here


def test_a_setting_of_two_fields_shows_both_and_holds_for_runs_that_have_both():
    found = _beside(setting("0.1", where={"rate": ["0.1", "0.2"], "trained": "all"}), RUNS)
    assert (found.here, found.standing) == ("0.1; all · 0.2; none", "same in 1 of 2 runs")


def test_a_setting_told_in_words_stays_as_it_is():
    told = setting("trained", here="not trained", standing="deviation")
    assert _beside(told, RUNS) == told
    assert _beside(replace(told, only={"trained": "all"}), RUNS).here == "not trained"
    assert _beside(replace(told, only={"trained": "gamma"}), RUNS).standing == ""


def test_a_field_that_no_run_has_is_named():
    with pytest.raises(ClaimError, match="'raet'"):
        _beside(setting("0.1", where={"raet": "0.1"}), RUNS)


def standings(scale, name):
    checks = collect(scale=scale, paths=[f"claims/{name}"]).selected
    (work,) = beside_runs(works(checks), checks)
    return {one.name: one.standing for one in work.settings}


def test_the_paper_scale_is_the_protocol_of_the_first_work_as_far_as_it_was_read():
    found = standings("paper", "frankle2021")
    assert (found["networks"], found["data"], found["weight decay"]) == ("same", "same", "guess")
    assert {name for name, standing in found.items() if standing == "deviation"} == {
        "replicates at the first look",
        "hardware",
    }
    assert found["ImageNet: networks"] == "same"
    assert {standing for name, standing in found.items() if name.startswith("ImageNet")} == {"same", "guess"}


def test_smoke_scale_deviates_in_data_and_schedule():
    found = standings("smoke", "frankle2021")
    assert {found[name] for name in ("data", "augmentation", "epochs", "batch")} == {"deviation"}


def test_the_text_of_the_second_work_is_deviated_from_where_its_notebooks_or_its_runs_differ():
    found = standings("paper", "greydanus2024")
    assert {name for name, standing in found.items() if standing == "deviation"} == {
        "steps",
        "which step counts (Table 1, Figure 2)",
        "Figure 4: sparsities",
        "Figure 4: what is pruned",
        "Figure 4c to 4f: tests",
        "Figure 4e: shuffling",
        "replicates (Figure 4)",
        "Figure 5: MLP",
    }


def test_of_peerthum2023_the_abstract_says_the_networks_and_the_layers_and_the_rest_is_a_guess():
    found = standings("paper", "peerthum2023")
    assert found.pop("networks") == "same"
    assert found.pop("in BatchNorm's place").startswith("same in ")  # the other runs are set once from a first batch
    assert found.pop("replicates at the first look") == "deviation"  # frankle2021 has five
    assert set(found.values()) == {"guess"}


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_a_setting_of_runs_that_a_scale_does_not_have_is_not_trained_there(scale):
    checks = collect(scale=scale, paths=["claims/greydanus2024"]).selected
    (work,) = beside_runs(works(checks), checks)
    (found,) = [one for one in work.settings if one.name == "Figure 4: retrains"]
    assert (found.here, found.standing) == ("not trained at this scale", "")


@pytest.mark.parametrize("name", ["frankle2021", "greydanus2024"])
def test_every_setting_is_about_some_run_of_the_paper_scale(name):
    assert "" not in standings("paper", name).values()
