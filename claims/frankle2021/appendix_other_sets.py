"""The appendix: other sets of trained parameters, as measurements."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure
from repro.recipes import cifar

SETS = ("output", "shortcut", "batchnorm+output", "batchnorm+shortcut")
UNREADABLE = {
    "smoke": "no source that could be read prints a number",
    "pilot": "no source that could be read prints a number",
    "paper": "no source that could be read prints a number",
}


def runs(scale, seed, depth, trained):
    return {trained: cifar(scale, seed, depth=depth, trained=trained)}


@claim(
    id="other-trainable-sets",
    sentence="Output layer or shortcuts alone, and BatchNorm with either of them, reach these accuracies.",
    source=Source(work="frankle2021", place="appendix", tag="?", reference=""),
    rule=Measure(reason="no source that could be read prints a number"),
    grid={
        "smoke": (),
        "pilot": (),
        "paper": tuple({"depth": depth, "trained": trained} for depth in (14, 110) for trained in SETS),
    },
    runs=runs,
    depends_on=CONTROLS,
    untestable=UNREADABLE,
)
def test_other_trainable_sets(evidence, depth, trained):
    evidence.find(sample=evidence.accuracy(trained, f"ResNet-{depth}, {trained}"))
