"""Control: the judge, fed samples whose truth is known, gives the known answer."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import (
    Exact,
    Fraction,
    FractionBound,
    Levels,
    NoChange,
    Ordering,
    Outcome,
    Point,
    Published,
    Sample,
    Trend,
)
from repro.recipes import SCALES

LEVELS = Levels(accept=0.05, against=0.05)
REASON = "a margin that the samples below keep, cross or miss by construction"
POINT = Point(margin=1.0, reason=REASON)
SHARE = Fraction(margin=0.1, reason=REASON)
FEW = FractionBound(limit=0.05, side="at most", reason=REASON)
ORDERING = Ordering(gap=2.0, reason="a gap that the samples below clear, meet half-way or miss by construction")
TREND = Trend(margin=1.0, reason=REASON)
SAME = NoChange(margin=1.0, reason=REASON)


def three(low, middle, high, unit="%", step=0.01):
    return Sample(label=f"{middle}", values=(low, middle, high), seeds=(0, 1, 2), unit=unit, step=step)


def near(value):
    """Three values around a known mean, standard deviation 0.1."""
    return three(value - 0.1, value, value + 0.1)


def wide(value):
    """Three values around a known mean, standard deviation 10."""
    return three(value - 10, value, value + 10)


def shares(*values):
    """Three shares, by default as coarse as one in a thousand."""
    return three(*values, unit="share", step=0.001)


def known(value):
    """A reference without an error of its own."""
    return Published(value=value, sd=0.0, replicates=1, reading_error=0.0)


VAGUE = Published(value=82.0, sd=2.0, replicates=3, reading_error=0.0)
CASES = {
    "a mean on the value": (POINT, {"sample": near(82.0), "reference": known(82.0)}, Outcome.ESTABLISHED),
    "a mean far off": (POINT, {"sample": near(70.0), "reference": known(82.0)}, Outcome.RULED_OUT),
    "a mean on the edge": (POINT, {"sample": near(83.0), "reference": known(82.0)}, Outcome.UNDECIDED),
    "a mean on the value, wide": (POINT, {"sample": wide(82.0), "reference": known(82.0)}, Outcome.UNDECIDED),
    "a mean on a vague value": (POINT, {"sample": near(82.0), "reference": VAGUE}, Outcome.UNDECIDED),
    "a mean far off a vague value": (POINT, {"sample": near(60.0), "reference": VAGUE}, Outcome.RULED_OUT),
    "a share on the value": (
        SHARE,
        {"sample": shares(0.33, 0.34, 0.35), "reference": known(1 / 3)},
        Outcome.ESTABLISHED,
    ),
    "a share far off": (SHARE, {"sample": shares(0.60, 0.61, 0.62), "reference": known(1 / 3)}, Outcome.RULED_OUT),
    "few": (FEW, {"sample": shares(0.010, 0.011, 0.012)}, Outcome.ESTABLISHED),
    "not few": (FEW, {"sample": shares(0.20, 0.21, 0.22)}, Outcome.RULED_OUT),
    "few but for one, skewed": (FEW, {"sample": shares(0.0, 0.001, 0.12)}, Outcome.UNDECIDED),
    "far above": (ORDERING, {"higher": near(60.0), "lower": near(40.0)}, Outcome.ESTABLISHED),
    "above by half the gap": (ORDERING, {"higher": near(41.0), "lower": near(40.0)}, Outcome.DIRECTION_ONLY),
    "below": (ORDERING, {"higher": near(40.0), "lower": near(60.0)}, Outcome.RULED_OUT),
    "far above, wide": (ORDERING, {"higher": wide(45.0), "lower": wide(40.0)}, Outcome.UNDECIDED),
    "rising": (TREND, {"samples": [near(50.0), near(60.0), near(70.0)]}, Outcome.ESTABLISHED),
    "falling": (TREND, {"samples": [near(70.0), near(60.0), near(50.0)]}, Outcome.RULED_OUT),
    "level": (TREND, {"samples": [near(50.0), near(50.0), near(50.0)]}, Outcome.UNDECIDED),
    "unchanged": (SAME, {"before": near(70.0), "after": near(70.0)}, Outcome.ESTABLISHED),
    "changed": (SAME, {"before": near(70.0), "after": near(75.0)}, Outcome.RULED_OUT),
    "changed as published": (SAME, {"before": near(70.0), "after": near(75.0), "centre": 5.0}, Outcome.ESTABLISHED),
}


@claim(
    id="control-judge",
    sentence="The judge, fed synthetic samples whose truth is known, returns the known answer.",
    source=Source(work="control", place="claims/RULES.md, controls", tag="P", reference=f"{len(CASES)} known answers"),
    rule=Exact(reason="an answer is right or wrong"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {},
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
)
def test_judge(evidence):
    for label, (rule, quantities, truth) in CASES.items():
        answer = rule.compare(levels=LEVELS, **quantities).outcome
        evidence.find(label=label, measured=str(answer), reference=str(truth))
