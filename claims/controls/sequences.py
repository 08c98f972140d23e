"""Controls on sequences: the data are those that are named, and nothing is learnt from shuffled labels."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact, Point, Published
from repro.recipes import SCALES, sequence

CHANCE = Published(value=10.0, sd=0.0, replicates=1, reading_error=0.0)  # of ten classes: a number without error
ONCE = dict.fromkeys(SCALES, ({},)) | {"pilot": ()}
NO_PILOT = {"pilot": "the paper's own protocol costs seconds to minutes a run"}


def logistic(scale, seed):
    return {"logistic": sequence(scale, seed, "logistic")}


@claim(
    id="m1d-control-data",
    sentence="The fingerprint of the generated examples is the one that the data set's name stands for.",
    source=Source(
        work="control", place="claims/RULES.md, controls", tag="P", reference="the fingerprint in datasets.py"
    ),
    rule=Exact(reason="SHA-256 of every number and label"),
    grid=ONCE,
    runs=logistic,
    depends_on=(),
    testable=dict.fromkeys(("smoke", "paper"), "equality of bytes, at whatever scale"),
    untestable=NO_PILOT,
    looks=ONE_LOOK,
)
def test_data(evidence):
    for split, (recorded, named) in evidence.fingerprints("logistic").items():
        evidence.find(label=f"{split} examples", measured=recorded, reference=named)


def shuffled(scale, seed):
    return {"shuffled labels": sequence(scale, seed, "residual-mlp", labels="shuffled")}


@claim(
    id="m1d-control-shuffled-labels",
    sentence="With the training labels shuffled, accuracy stays at chance.",
    source=Source(work="control", place="claims/RULES.md, controls", tag="P", reference="10 %"),
    rule=Point(
        margin=5.0, reason="what leaks less moves no verdict: the smallest gap that a claim asks for is 3 points"
    ),
    grid=ONCE,
    runs=shuffled,
    depends_on=(),
    testable=dict.fromkeys(("smoke", "paper"), "ten classes have the same chance at every scale"),
    untestable=NO_PILOT,
)
def test_shuffled_labels(evidence):
    evidence.find(sample=evidence.accuracy("shuffled labels"), reference=CHANCE)
