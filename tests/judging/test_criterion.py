"""Criteria: the hash of a rule covers everything that the verdict depends on besides the runs."""

import dataclasses

import pytest

from repro.check import JUDGING_CODE, judging_code
from repro.claim import LOOKS
from repro.compare import RULES_VERSION, Measure, Point
from repro.judging.judge import judge_check
from repro.provenance import PACKAGE
from repro.recipes import cifar
from tests.judging.cases import EXACT, REASON, one_depth


def test_changed_margin_changes_the_criterion(make):
    assert make().criterion_sha256 != make(rule=Point(margin=1.1, reason=REASON)).criterion_sha256


@pytest.mark.parametrize(
    "change",
    [
        {"grid": ({"depth": 14},)},
        {"grid": ({"depth": 14}, {"depth": 56})},
        {"runs": lambda scale, seed, depth: {"batchnorm": cifar(scale, seed, depth=depth, trained="output")}},
        {"runs": lambda scale, seed, depth: {"other": cifar(scale, seed, depth=depth)}},
        {"untestable": ("smoke",)},
        {"primary": True, "primaries": 6},
        {"same_as": "another"},
        {"definition_open": "unit or channel"},
    ],
    ids=["point dropped", "point changed", "recipe", "arm", "scales", "primary", "repeated", "definition"],
)
def test_changed_grid_recipe_or_frame_changes_the_criterion(make, change):
    """A dropped depth once removed a failing point without a trace."""
    known = {"runs": one_depth, "grid": ({"depth": 14}, {"depth": 32}), "params": {"depth": 14}}
    assert make(**known).criterion_sha256 != make(**(known | change)).criterion_sha256


@pytest.mark.parametrize(
    "change",
    [
        {"work": "another"},
        {"place": "Figure 2"},
        {"tag": "D"},
        {"reference": "83 %"},
        {"version": "v2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_source_changes_the_criterion(make, change):
    check = make()
    source = dataclasses.replace(check.claim.source, **change)
    other = dataclasses.replace(check, claim=dataclasses.replace(check.claim, source=source))
    assert check.criterion_sha256 != other.criterion_sha256


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"rule": EXACT}, {"rule": Measure(reason=REASON)}),
        ({}, {"looks": {**LOOKS, "paper": (3, 5)}}),
        ({}, {"depends_on": ("control-one",)}),
    ],
    ids=["rule of the same fields", "looks", "controls"],
)
def test_changed_rule_looks_or_controls_change_the_criterion(make, before, after):
    assert make(**before).criterion_sha256 != make(**(before | after)).criterion_sha256


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RULES_VERSION", RULES_VERSION + 1),
        ("nominal_alpha", lambda looks: 0.02),
        ("against_level", lambda *_, **__: 0.01),
    ],
    ids=["version of the rules", "level for", "level against"],
)
def test_changed_version_of_the_rules_or_level_changes_the_criterion(make, monkeypatch, name, value):
    before = make().criterion_sha256
    monkeypatch.setattr(f"repro.check.{name}", value)
    assert make().criterion_sha256 != before


@pytest.mark.parametrize(("name", "content"), [("one.py", "x = 2\n"), ("two.py", "x = 1\n")], ids=["bytes", "name"])
def test_changed_byte_or_name_of_a_module_changes_the_digest_of_the_judging_code(monkeypatch, tmp_path, name, content):
    monkeypatch.setattr("repro.check.PACKAGE", tmp_path)
    monkeypatch.setattr("repro.check.JUDGING_CODE", ("*.py",))
    (tmp_path / "one.py").write_text("x = 1\n")
    before = judging_code.__wrapped__()
    (tmp_path / "one.py").rename(tmp_path / name)
    (tmp_path / name).write_text(content)
    assert judging_code.__wrapped__() != before


def test_changed_judging_code_changes_the_criterion(make, monkeypatch, tmp_path):
    before = make().criterion_sha256
    monkeypatch.setattr("repro.check.judging_code", lambda: "0" * 64)
    assert make().criterion_sha256 != before


def test_judging_code_is_every_module_between_runs_and_verdict():
    named = {path.relative_to(PACKAGE).as_posix() for place in JUDGING_CODE for path in PACKAGE.glob(place)}
    tellers = {
        "__init__", "copies", "coverage", "distances",
        "document", "document_types", "expectation", "explain", "imagined", "measures", "multiverse",
        "preregister", "protocol", "redrawn", "schema",
        "unjudged", "verdicts_json", "verify",
    }  # fmt: skip
    judging = {f"judging/{path.name}" for path in PACKAGE.glob("judging/*.py") if path.stem not in tellers}
    assert judging <= named and {"compare/trend.py", "statistics/levels.py"} <= named


def test_changed_claim_file_changes_the_criterion(make, tmp_path):
    check = make()
    other = tmp_path / "claims" / "paper" / "another.py"
    other.write_text(check.file.read_text() + "# changed\n")
    before, after = check.criterion, dataclasses.replace(check, file=other).criterion
    assert before["claim_file_sha256"] != after["claim_file_sha256"]


def test_row_carries_the_hash_of_its_criterion(store, make):
    check = make()
    row = judge_check(check, store, {})
    assert (row.criterion, row.criterion_sha256) == (check.criterion, check.criterion_sha256)
