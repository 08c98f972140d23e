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
        "Claimed: A small network knows more than half of the digits.\nSource: nobody2021, Figure 9",
        "Reference: more than 50 % — the source's own words or table.",
        "Trained, with 3 seeds:",
        "Compared: BatchNorm − 50.",
        "  BatchNorm: resnet-8 batchnorm 12 epochs seed 0 (digits), and seeds 1 to 2",
        "Required: The lower bound of the difference must exceed 0 points (one-sided t-test: Welch’s, or",
        "Levels of a look: 0.05 for the claim, 0.025 against it",
        "Rationale: half is half.",
        "Depends on: no control.",
        "Tested at this scale: the networks and data of its runs.",
        "Expected: the source gives no size. If seeds spread with sd 0.5 points",
        "Verdict: PENDING",
    ],
)
def test_explanation_says(explained, words):
    assert words in explained()[0]


@pytest.mark.parametrize(("margin", "words"), [(1.0, "± 1 point of"), (2.0, "± 2 points of"), (0.5, "± 0.5 points of")])
def test_one_point_is_in_the_singular(margin, words):
    assert words in requirement(Point(margin=margin, reason="r"))
    assert words in requirement(NoChange(margin=margin, reason="r"))


def test_what_is_only_measured_at_a_scale_is_required_elsewhere(workplace, tiny_claim):
    text = tiny_claim.replace("testable=", "untestable=")
    (workplace / "tiny.py").write_text(text)
    (check, _) = collect(scale="smoke", paths=["tiny.py"]).selected
    (one,) = explain([check], Store(workplace / "results"), [])
    assert "Required where it can be tested: The lower bound" in one.text


def test_a_control_has_no_words_of_a_source(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim.replace('work="nobody2021"', 'work="control"'))
    (check, _) = collect(scale="smoke", paths=["tiny.py"]).selected
    (one,) = explain([check], Store(workplace / "results"), [])
    assert "Reference: more than 50 %.\n" in one.text


def test_the_later_looks_are_told_with_when_they_are_taken(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    check = collect(scale="paper", paths=["tiny.py"]).selected[0]
    (one,) = explain([check], Store(workplace / "results"), [])
    assert "Trained, with 3 seeds, or if they decide nothing 5, then 8:" in one.text


def test_measurements_are_shown_once_runs_exist(explained, workplace, fill):
    fill(workplace / "results", 8, 90.0)
    text = explained()[0]
    assert "Verdict: SMOKE, seen" in text
    assert text.count("BatchNorm − 50 is +40.10") == 1


def test_a_claim_with_several_points_is_explained_once_with_a_line_for_each_verdict(explained, workplace, fill):
    (text,) = explained("tiny")
    lines = text.splitlines()
    assert lines[0] == "tiny at scale smoke, 2 points"
    assert sum(line.startswith("Claimed: ") for line in lines) == 1
    assert [line for line in lines if line.startswith("  ")] == [
        "  depth=8; depth=14: PENDING. 3 of 3 runs are missing."
    ]
    assert lines[-1] == "One point in full: repro explain 'tiny[depth=8]'"
    fill(workplace / "results", 8, 90.0)
    verdicts = [line[: line.index(": ") + 7] for line in explained("tiny")[0].splitlines() if line.startswith("  ")]
    assert verdicts == ["  depth=8: SMOKE", "  depth=14: PENDI"]


def own(name, tmp_path, scale="paper"):
    """The text on one of the suite's own claims."""
    found = collect(scale=scale, ids=[name])
    (one,) = explain(found.selected, Store(tmp_path), list(found.checks.values()))
    return one.text


def test_a_question_is_asked_and_requires_nothing(tmp_path):
    text = own("gamma-or-beta-alone", tmp_path)
    assert "Asked: How far does γ alone get, and how far β alone?\nSource: Open questions (open-questions)" in text
    assert "Trained at each point, with 3 seeds: gamma, beta.\nMeasured at depth=14,trained=gamma, for example" in text
    assert "Required: nothing" in text
    assert text.count("no source says what to expect") == 1


def test_points_with_gaps_of_their_own_are_not_told_one_gap_for_all(tmp_path):
    text = own("m1d-ticket", tmp_path)
    assert "random mask, 92 % sparse, by more than 6.9." in text
    assert "Each difference must exceed its own gap" in text


def test_no_number_that_is_only_imagined_is_shown(tmp_path):
    assert "Compared" not in own("clamp-harmless", tmp_path)  # whose label holds a share that runs alone have


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
    ("rule", "text", "words"),
    [
        ("Point", "It is established at any margin above 1.5.",
         "With another margin: it is established at any margin above 1.5."),
        ("Ordering", "It is established for no gap.", "With another gap: it is established for no gap."),
        ("FractionBound", "It is.", "With another limit: it is."),
        ("Exact", "Any other.", "With another printed value: any other."),
        ("Measure", "", ""),
    ],
)  # fmt: skip
def test_what_would_change_a_finding_names_what_is_changed(rule, text, words):
    assert otherwise(rule, {"would_change": text}) == words


def test_an_overview_says_which_references_no_seed_reproduces(tmp_path):
    claims = Path(__file__).parents[2] / "claims" / "greydanus2024" / "table1_accuracy.py"
    found = collect(scale="paper", paths=[str(claims)], ids=["m1d-accuracy"])
    (one,) = explain(found.selected, Store(tmp_path), list(found.checks.values()))
    assert "Expected at network=cnn: The reference 94 (sd 2 over 3 runs" in one.text
    assert one.text.count("no number of seeds establishes it") == 4


def test_runs_that_are_there_on_another_copy_of_the_data_are_told_with_the_option(workplace, tiny_claim, finished):
    (workplace / "tiny.py").write_text(tiny_claim)
    store = Store(workplace / "results")
    (copied,) = collect(scale="pilot", paths=["tiny.py"], ids=["tiny[depth=8]"], copy="cifar10-jpeg").selected
    for spec in copied.runs(2).values():
        finished(store, spec)
    (original,) = collect(scale="pilot", paths=["tiny.py"], ids=["tiny[depth=8]"]).selected
    said = "Of the runs on cifar10-jpeg, 2 are in the store: --data cifar10-jpeg"
    assert said in explain([original], store, [])[0].text
    assert "Of the runs on" not in explain([copied], store, [])[0].text
