"""What every rule owes its reader: numbers, one line of why, what would change it, and no verdict from one seed."""

import dataclasses
import math

import numpy as np
import pytest

from repro.compare import AtMost, Exact, Finding, Fraction, FractionBound, Measure, Outcome, Printed
from tests.compare.made import (
    ONE_LOOK,
    REASON,
    WIDE,
    around,
    known,
    no_change,
    ordering,
    point,
    rising_by,
    sample,
    trend,
)


def one(value, label="x"):
    return sample([value], label=label)


FINDINGS_OF_ONE_SEED = {
    "Point, on the value": lambda: point(one(82)),
    "Point, far off": lambda: point(one(10)),
    "Fraction": lambda: Fraction(margin=0.1, reason=REASON).compare(
        levels=ONE_LOOK, sample=one(0.9), reference=known(0.3)
    ),
    "NoChange, none": lambda: no_change(one(70), one(70)),
    "NoChange, large": lambda: no_change(one(70), one(20)),
    "Ordering, far above": lambda: ordering(one(90), one(10)),
    "Ordering, far below": lambda: ordering(one(10), one(90)),
    "Ordering, above a number": lambda: ordering(one(90), 10.0),
    "Trend, rising": lambda: trend([one(10 * level) for level in range(6)]),
    "Trend, falling": lambda: trend([one(-10 * level) for level in range(6)]),
}
FINDINGS = {
    "Exact": lambda: Exact(reason=REASON).compare(levels=ONE_LOOK, label="count", measured=3, reference=4),
    "Printed": lambda: Printed(reason=REASON).compare(levels=ONE_LOOK, label="count", measured=1129, printed="1.12K"),
    "AtMost": lambda: AtMost(reason=REASON).compare(levels=ONE_LOOK, label="share", measured=0.7, printed="0.64"),
    "Point": lambda: point(around(82.3)),
    "Fraction": lambda: Fraction(margin=0.1, reason=REASON).compare(
        levels=ONE_LOOK, sample=around(0.3, (-0.01, 0.0, 0.01), unit="share"), reference=known(1 / 3)
    ),
    "Fraction near 1": lambda: Fraction(margin=0.02, reason=REASON).compare(
        levels=ONE_LOOK, sample=sample((0.97, 0.98, 1.0), unit="share"), reference=known(0.99)
    ),
    "FractionBound": lambda: FractionBound(limit=0.05, side="at most", reason=REASON).compare(
        levels=ONE_LOOK, sample=sample((0.0, 0.0, 0.0), unit="share", step=0.001)
    ),
    "NoChange": lambda: no_change(around(70), around(71)),
    "Ordering": lambda: ordering(around(41), around(40), 2.0),
    "Ordering, a number": lambda: ordering(around(41), 10.0),
    "Trend": lambda: trend(rising_by(50, 60, 70)),
    "Measure": lambda: Measure(reason=REASON).compare(levels=ONE_LOOK, sample=around(82)),
    "Measure of one seed": lambda: Measure(reason=REASON).compare(levels=ONE_LOOK, sample=one(82)),
}


def numbers(found: Finding):
    """Every number in a finding but the ends of its criterion, which may be infinite."""
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    for name, value in fields.items():
        if name == "criterion":
            continue
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, float | int):
                yield item


@pytest.mark.parametrize("rule", FINDINGS_OF_ONE_SEED)
def test_one_seed_is_never_decisive(rule):
    assert FINDINGS_OF_ONE_SEED[rule]().outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("rule", FINDINGS_OF_ONE_SEED)
def test_one_seed_leaves_no_nan_and_no_infinity_in_a_finding(rule):
    assert all(math.isfinite(number) for number in numbers(FINDINGS_OF_ONE_SEED[rule]()))


@pytest.mark.parametrize("rule", ["Point, on the value", "NoChange, none", "Ordering, far above"])
def test_one_seed_shows_no_infinity_to_the_reader(rule):
    found = FINDINGS_OF_ONE_SEED[rule]()
    assert "inf" not in f"{found.why} {found.measured} {found.expected}"


@pytest.mark.parametrize("rule", FINDINGS)
def test_finding_says_why_in_one_line_with_numbers(rule):
    why = FINDINGS[rule]().why
    assert why.endswith(".")
    assert "\n" not in why
    assert any(character.isdigit() for character in why)


@pytest.mark.parametrize("rule", [rule for rule in FINDINGS if "Measure" not in rule])
def test_finding_says_in_one_sentence_what_would_change_it(rule):
    text = FINDINGS[rule]().would_change
    assert text.endswith(".")
    assert any(character.isdigit() for character in text)


@pytest.mark.parametrize("rule", FINDINGS_OF_ONE_SEED)
def test_one_seed_is_advised_to_add_a_second(rule):
    assert "second seed" in FINDINGS_OF_ONE_SEED[rule]().would_change


@pytest.mark.parametrize("rule", FINDINGS)
def test_finding_has_only_finite_numbers(rule):
    assert all(math.isfinite(number) for number in numbers(FINDINGS[rule]()))


@pytest.mark.parametrize(
    "found",
    [
        lambda: point(around(82, (-2, 0, 2))),
        lambda: no_change(around(70), around(70.3, (-2, 0, 2))),
        lambda: ordering(around(45, WIDE), around(40, WIDE)),
        lambda: trend(rising_by(50, 60, 59.5, spread=(-0.8, 0.0, 0.8))),
    ],
    ids=["Point", "NoChange", "Ordering", "Trend"],
)
def test_undecided_finding_says_how_many_seeds_would_decide(found):
    """VERDICTS: INCONCLUSIVE "says how many more seeds would"."""
    found = found()
    assert found.outcome is Outcome.UNDECIDED
    assert found.more_seeds is not None
    assert found.more_seeds > 3


@pytest.mark.parametrize(
    ("means", "spread"),
    [((50, 60, 59.5), 0.8), ((50, 51, 52), 2.0), ((50, 50.5, 50.2, 51), 0.8)],
    ids=["drop not settled", "trend not settled", "neither settled"],
)
def test_number_of_seeds_that_a_trend_requests_decides_it(means, spread):
    def with_seeds(n):
        z = np.arange(n) - (n - 1) / 2
        return trend([sample(mean + spread * z / z.std(ddof=1), step=1e-9) for mean in means])

    named = with_seeds(3).more_seeds
    assert with_seeds(named).outcome is Outcome.ESTABLISHED


@pytest.mark.parametrize("rule", ["Point", "Ordering", "NoChange"])
def test_decided_finding_requests_no_seeds(rule):
    decided = {
        "Point": point(around(82)),
        "Ordering": ordering(around(60), around(40)),
        "NoChange": no_change(around(70), around(70.1)),
    }
    assert decided[rule].more_seeds is None
