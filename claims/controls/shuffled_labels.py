"""Control: a network trained on shuffled labels knows nothing of the test images."""

from repro.claim import Source, claim
from repro.compare import Point
from repro.recipes import SCALES, WIDE_DEPTH, cifar


def runs(scale, seed):
    return {"shuffled labels": cifar(scale, seed, depth=WIDE_DEPTH[scale], trained="all", labels="shuffled")}


@claim(
    id="control-shuffled-labels",
    sentence="With the training labels shuffled, accuracy stays at chance.",
    source=Source(work="control", place="VERDICTS, controls", tag="P", reference="10 %"),
    rule=Point(
        margin=5.0,
        reason="the five points of the other control: what leaks less than that moves no verdict by more. A tighter "
        "margin would need more seeds, as 899 test images alone scatter by a point.",
    ),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=runs,
    depends_on=(),
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_shuffled_labels(evidence):
    evidence.find(sample=evidence.accuracy("shuffled labels"), reference=10.0)
