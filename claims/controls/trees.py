"""Controls on boosted trees: each seed's data are those that it draws, and nothing is learnt from shuffled labels."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact, Point, Published
from repro.recipes import SCALES, boosting

CHANCE = Published(value=50.0, sd=0.0, replicates=1, reading_error=0.0)  # of two classes: a number without error
ONCE = dict.fromkeys(SCALES, ({},)) | {"pilot": ()}
NO_PILOT = {"pilot": "the book's own protocol costs seconds a run"}


@claim(
    id="esl-control-data",
    sentence="The fingerprint of the examples is that of what the run's seed draws, drawn again by the judge.",
    source=Source(
        work="control", place="claims/RULES.md, controls", tag="P", reference="the fingerprint of the seed's examples"
    ),
    rule=Exact(reason="SHA-256 of every number and label"),
    grid=ONCE,
    runs=lambda scale, seed: {"stump": boosting(scale, seed, "tree")},
    depends_on=(),
    testable=dict.fromkeys(("smoke", "paper"), "equality of bytes, at whatever scale"),
    untestable=NO_PILOT,
    looks=ONE_LOOK,
)
def test_data(evidence):
    for split, (recorded, named) in evidence.fingerprints("stump").items():
        evidence.find(label=f"{split} examples", measured=recorded, reference=named)


@claim(
    id="esl-control-shuffled-labels",
    sentence="With the training labels shuffled, accuracy stays at chance.",
    source=Source(work="control", place="claims/RULES.md, controls", tag="P", reference="50 %"),
    rule=Point(margin=5.0, reason="what leaks less moves no verdict: the gap of the main claim is 9.4 points"),
    grid=ONCE,
    runs=lambda scale, seed: {"shuffled labels": boosting(scale, seed, "adaboost-m1", labels="shuffled")},
    depends_on=(),
    testable=dict.fromkeys(("smoke", "paper"), "two classes have the same chance at every scale"),
    untestable=NO_PILOT,
)
def test_shuffled_labels(evidence):
    evidence.find(sample=evidence.accuracy("shuffled labels"), reference=CHANCE)
