"""The forest plot: what it draws, in grey where the data are others, and what it saves."""

import csv
import io
from urllib.parse import unquote

from repro.reporting.forest import forest
from tests.reporting.conftest import finding

CRITERION = {"rule": {"kind": "P", "margin": 2.0}}
DISTANCE = {"check": "a-number[depth=14]", "label": "a network", "unit": "%", "published": 82.0, "margin": 2.0,
            "estimate": 71.0, "interval": [70.0, 72.0], "prediction": [79.0, 85.0]}  # fmt: skip


def made(scale="paper", *, tested=True, kind="P", distances=()):
    claim = {"id": "a-number", "kind": kind, "tested": tested, "same_as": None}
    found = finding("P", "established") | {"criterion": [80.0, 84.0]}
    row = {"check": "a-number[depth=14]", "claim": "a-number", "params": {"depth": 14, "margin": 2.0},
           "criterion": CRITERION, "findings": [found]}  # fmt: skip
    return forest([claim], {"a-number": [row]}, distances, scale)


def rows(drawn):
    return list(csv.DictReader(io.StringIO(unquote(drawn["save"]["csv"].partition(",")[2]))))


def test_a_claim_that_is_not_about_a_number_or_not_tested_is_not_drawn():
    assert made(tested=False) is None
    assert made(kind="O") is None


def test_interval_prediction_and_distance_are_drawn_and_saved_with_their_point():
    drawn = made()
    assert "a-number · depth 14: -0.5 margins, established" in drawn["drawings"][0]
    assert ">a-number · depth 14</text>" in drawn["drawings"][0]  # also where its lane is the only one
    assert drawn["drawings"][0].count('stroke-dasharray="1.5 1.5"') == 1
    assert drawn["save"]["name"] == "forest"
    (row,) = rows(drawn)
    assert [row[name] for name in ("point", "published", "margin", "measured", "interval_low", "prediction_high")] == [
        "depth 14", "82.0", "2.0", "81.0", "80.0", "85.0",
    ]  # fmt: skip


def test_at_a_scale_of_other_data_it_is_grey_and_says_so():
    assert 'class="i"' in made()["drawings"][0].replace("<text", "")
    grey = made("smoke")
    assert 'class="s1"' in grey["drawings"][0]
    assert "Grey: data, networks or schedules" in grey["caption"]
    assert "Grey" not in made()["caption"]


def test_a_distance_is_drawn_grey_apart_from_what_is_tested_and_never_said_to_hold():
    drawn = made("pilot", distances=[DISTANCE])
    tested, other = drawn["drawings"]
    assert 'class="s1"' not in tested
    assert 'class="s1"' in other
    assert "a-number · depth 14: -5.5 margins, measured on other data" in other
    assert [(row["measured"], row["outcome"]) for row in rows(drawn)] == [
        ("81.0", "established"), ("71.0", "measured on other data"),
    ]  # fmt: skip


def test_a_claim_that_its_scale_cannot_test_is_drawn_from_its_distance_alone():
    (drawing,) = made("smoke", tested=False, distances=[DISTANCE])["drawings"]
    assert "established" not in drawing
    assert "measured on other data" in drawing
