"""Control: a network trained on shuffled labels knows nothing of the test images."""

from repro.claim import Source, claim
from repro.compare import Point, Published
from repro.recipes import SCALES, WIDE_DEPTH, cifar

CHANCE = Published(value=10.0, sd=0.0, replicates=1, reading_error=0.0)  # of ten classes: a number without error


def runs(scale, seed):
    return {"shuffled labels": cifar(scale, seed, depth=WIDE_DEPTH[scale], trained="all", labels="shuffled")}


@claim(
    id="control-shuffled-labels",
    sentence="With the training labels shuffled, accuracy stays at chance.",
    source=Source(work="control", place="claims/RULES.md, controls", tag="P", reference="10 %"),
    rule=Point(
        margin=5.0,
        reason="the five points of the other control: what leaks less than that moves no verdict by more. A tighter "
        "margin would need more seeds, as 899 test images alone scatter by a point.",
    ),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=runs,
    depends_on=(),
    testable=dict.fromkeys(SCALES, "ten classes have the same chance at every scale"),
)
def test_shuffled_labels(evidence):
    evidence.find(sample=evidence.accuracy("shuffled labels"), reference=CHANCE)
