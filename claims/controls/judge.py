"""Control: the judge, fed samples whose truth is known, gives the known answer."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact, NoChange, Ordering, Outcome, Point, Sample, Trend
from repro.recipes import SCALES

REASON = "VERDICTS: the margin of a number printed to one decimal"
POINT = Point(margin=1.0, reason=REASON)
ORDERING = Ordering(gap=2.0, reason="a gap that the samples below clear, meet half-way or miss by construction")
TREND = Trend(margin=1.0, reason=REASON)
SAME = NoChange(margin=1.0, reason=REASON)


def near(value):
    """Three values around a known mean, standard deviation 0.1."""
    return Sample(label=f"{value}", values=(value - 0.1, value, value + 0.1), seeds=(0, 1, 2), unit="%", step=0.01)


def wide(value):
    """Three values around a known mean, standard deviation 10."""
    return Sample(label=f"{value} ± 10", values=(value - 10, value, value + 10), seeds=(0, 1, 2), unit="%", step=0.01)


CASES = {
    "a mean on the value": (POINT, {"sample": near(82.0), "reference": 82.0}, Outcome.ESTABLISHED),
    "a mean far off": (POINT, {"sample": near(70.0), "reference": 82.0}, Outcome.RULED_OUT),
    "a mean on the edge": (POINT, {"sample": near(83.0), "reference": 82.0}, Outcome.UNDECIDED),
    "a mean on the value, wide": (POINT, {"sample": wide(82.0), "reference": 82.0}, Outcome.UNDECIDED),
    "far above": (ORDERING, {"higher": near(60.0), "lower": near(40.0)}, Outcome.ESTABLISHED),
    "above by half the gap": (ORDERING, {"higher": near(41.0), "lower": near(40.0)}, Outcome.DIRECTION_ONLY),
    "below": (ORDERING, {"higher": near(40.0), "lower": near(60.0)}, Outcome.RULED_OUT),
    "far above, wide": (ORDERING, {"higher": wide(45.0), "lower": wide(40.0)}, Outcome.UNDECIDED),
    "rising": (TREND, {"levels": [near(50.0), near(60.0), near(70.0)]}, Outcome.ESTABLISHED),
    "falling": (TREND, {"levels": [near(70.0), near(60.0), near(50.0)]}, Outcome.RULED_OUT),
    "level": (TREND, {"levels": [near(50.0), near(50.0), near(50.0)]}, Outcome.UNDECIDED),
    "unchanged": (SAME, {"before": near(70.0), "after": near(70.0)}, Outcome.ESTABLISHED),
    "changed": (SAME, {"before": near(70.0), "after": near(75.0)}, Outcome.RULED_OUT),
}


@claim(
    id="control-judge",
    sentence="The judge, fed synthetic samples whose truth is known, returns the known answer.",
    source=Source(work="control", place="VERDICTS, controls", tag="P", reference="13 known answers"),
    rule=Exact(reason="an answer is right or wrong"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {},
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
)
def test_judge(evidence):
    for label, (rule, quantities, truth) in CASES.items():
        answer = rule.compare(alpha=0.05, **quantities).outcome
        evidence.find(label=label, measured=str(answer), reference=str(truth))
