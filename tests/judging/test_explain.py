"""Explaining a check: what it claims, trains, measures and requires, in plain words."""

from pathlib import Path

import pytest

from repro.collecting.collect import collect
from repro.compare import AtMost, Exact, Fraction, Measure, NoChange, Ordering, Point, Printed, Trend
from repro.errors import ClaimError
from repro.judging.explain import explain, otherwise, requirement
from repro.runs.store import Store

RULES = [
    Exact(reason="r"),
    Printed(reason="r"),
    AtMost(reason="r"),
    Point(margin=1.25, reason="r"),
    Fraction(margin=0.125, reason="r"),
    NoChange(margin=1.25, reason="r"),
    Ordering(gap=1.25, reason="r"),
    Trend(margin=1.25, reason="r"),
    Measure(reason="r"),
]


@pytest.fixture
def explained(workplace, tiny_claim):
    """The paragraphs on a check of the claim ``tiny``."""
    (workplace / "tiny.py").write_text(tiny_claim)

    def texts(name="tiny[depth=8]"):
        chosen = collect(scale="smoke", paths=["tiny.py"], ids=[name]).selected
        return [one.text for one in explain(chosen, Store(workplace / "results"), [])]

    return texts


@pytest.mark.parametrize(
    "words",
    [
        "Claimed: A small network knows more than half of the digits. (nobody2021, Figure 9)",
        "Reference: more than 50 % — the source's own words or table.",
        "Trained, 3 seeds:",
        "  BatchNorm: resnet-8 batchnorm 12 epochs seed 0 (digits), and seeds 1 to 2",
        "Required (kind O, a = 0.05, 0.025 against): The lower bound of the difference must exceed 0 (one-sided",
        "Rationale: half is half.",
        "Depends on: no control.",
        "Tested at this scale: the networks and data of its runs.",
        "Expected: the source gives no size. If seeds spread with sd 0.5 points",
        "Verdict: PENDING",
    ],
)
def test_explanation_says(explained, words):
    assert words in explained()[0]


def test_measurements_are_shown_once_runs_exist(explained, workplace, fill):
    fill(workplace / "results", 8, 90.0)
    assert "Measured: BatchNorm − 50 is +40.10" in explained()[0] and "Verdict: SMOKE, seen" in explained()[0]


def test_a_claim_with_several_points_is_explained_once_with_a_line_each(explained):
    (text,) = explained("tiny")
    lines = text.splitlines()
    assert lines[0] == "tiny at scale smoke, 2 points"
    assert sum(line.startswith("Claimed: ") for line in lines) == 1
    assert [line.partition(". ")[0] for line in lines if line.startswith("  ")] == [
        "  depth=8: PENDING",
        "  depth=14: PENDING",
    ]
    assert lines[-1] == "One point in full: repro explain 'tiny[depth=8]'"


def test_unknown_id_is_refused_with_the_nearest(explained):
    with pytest.raises(ClaimError, match=r"'tinny\[depth=8\]'; did you mean tiny\[depth=8\]"):
        explained("tinny[depth=8]")


def test_id_like_no_other_is_refused_with_the_way_to_all(explained):
    with pytest.raises(ClaimError, match="`repro list` names all"):
        explained("xxxxxxxxxxxx")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_every_rule_has_its_sentence(rule):
    assert requirement(rule).endswith(".")


@pytest.mark.parametrize("rule", [rule for rule in RULES if hasattr(rule, "margin") or hasattr(rule, "gap")])
def test_sentence_of_a_rule_holds_its_number(rule):
    number = getattr(rule, "margin", None) or rule.gap
    assert f"{number:.3g}" in requirement(rule)


@pytest.mark.parametrize(
    ("rule", "finding", "words"),
    [
        ("Point", {"flips": [0.25, 1.5], "would_change": "of the last look"},
         "With another margin: it is established at any margin above 1.5, and ruled out at margins below 0.25."),
        ("Ordering", {"flips": None, "would_change": "It is established for no gap."},
         "With another gap: it is established for no gap."),
        ("FractionBound", {"flips": None, "would_change": "It is."}, "With another limit: it is."),
        ("Exact", {"flips": None, "would_change": "Any other."}, "With another printed value: any other."),
        ("Measure", {"flips": None, "would_change": ""}, ""),
    ],
)  # fmt: skip
def test_what_would_change_a_finding_names_what_is_changed(rule, finding, words):
    assert otherwise(rule, finding) == words


def test_an_overview_says_which_references_no_seed_reproduces(tmp_path):
    claims = Path(__file__).parents[2] / "claims" / "greydanus2024" / "table1_accuracy.py"
    found = collect(scale="paper", paths=[str(claims)], ids=["m1d-accuracy"])
    (one,) = explain(found.selected, Store(tmp_path), list(found.checks.values()))
    assert "Expected at network=cnn: The reference 94 (sd 2 over 3 runs" in one.text
    assert one.text.count("no number of seeds establishes it") == 4
