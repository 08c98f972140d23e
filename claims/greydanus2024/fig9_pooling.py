"""Figure 9: what pooling is worth with little and with much data."""

from repro.claim import Source, claim
from repro.compare import NoChange, Ordering
from repro.recipes import POOLING, sequence

CONTROLS = ("control-judge", "m1d-control-data", "m1d-control-shuffled-labels")
LITTLE, MUCH = "mnist1d-1000-1000", "mnist1d-50000-1000"
ONCE = {"smoke": (), "pilot": (), "paper": ({},)}
OWN = {"paper": "the paper's own data, networks and protocol"}
NOT_BEFORE = {
    "smoke": "what pooling is worth is said of trained networks",
    "pilot": "the paper's own protocol costs seconds to minutes a run",
}


def pooled(scale, seed, dataset, kinds):
    return {
        kind: sequence(scale, seed, "pooling-cnn", protocol=POOLING, pooling=kind, dataset=dataset) for kind in kinds
    }


def little(scale, seed):
    return pooled(scale, seed, LITTLE, ("max", "none"))


def little_strided(scale, seed):
    return pooled(scale, seed, LITTLE, ("max", "stride"))


def much(scale, seed):
    return pooled(scale, seed, MUCH, ("max", "none"))


@claim(
    id="m1d-pool-small",
    sentence="With little data pooling is very effective.",
    source=Source(
        work="greydanus2024",
        place="Section 5.6 and Figure 9",
        tag="P",
        reference="1,000 examples: 78.2 % with max-pooling, 59.2 % without",
        version="notebook",
    ),
    rule=Ordering(gap=9.5, reason="half of the gap that the notebook prints"),
    grid=ONCE,
    runs=little,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
)
def test_pool_small(evidence):
    evidence.find(higher=evidence.accuracy("max", "max-pooling"), lower=evidence.accuracy("none", "no pooling"))


@claim(
    id="m1d-stride-small",
    sentence="With little data striding is not effective.",
    source=Source(
        work="greydanus2024",
        place="Section 5.6",
        tag="P",
        reference="1,000 examples: 78.2 % with max-pooling, 57.4 % with stride 2",
        version="notebook",
    ),
    rule=Ordering(gap=10.4, reason="half of the gap that the notebook prints"),
    grid=ONCE,
    runs=little_strided,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
)
def test_stride_small(evidence):
    evidence.find(higher=evidence.accuracy("max", "max-pooling"), lower=evidence.accuracy("stride", "stride 2"))


@claim(
    id="m1d-pool-large",
    sentence="With more data pooling makes not much difference.",
    source=Source(
        work="greydanus2024",
        place="Section 5.6",
        tag="P",
        reference="50,000 examples: 98.1 % with max-pooling, 96.3 % without",
        version="notebook",
    ),
    rule=NoChange(margin=2.0, reason="RULES.md: whole points; it contains the change that the notebook prints"),
    grid=ONCE,
    runs=much,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
)
def test_pool_large(evidence):
    evidence.find(before=evidence.accuracy("none", "no pooling"), after=evidence.accuracy("max", "max-pooling"))


@claim(
    id="m1d-pool-hinders",
    sentence="With much data pooling hinders performance.",
    source=Source(
        work="greydanus2024",
        place="Figure 9, caption",
        tag="P",
        reference="no pooling above pooling; the notebook prints the opposite",
    ),
    rule=Ordering(gap=0.0, reason="the caption gives a direction alone"),
    grid=ONCE,
    runs=much,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
)
def test_pool_hinders(evidence):
    evidence.find(higher=evidence.accuracy("none", "no pooling"), lower=evidence.accuracy("max", "max-pooling"))
