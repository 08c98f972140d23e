"""Version 1's learning curve of ResNet-110, and its share of small γ."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Fraction, Point, Published
from repro.recipes import cifar

# Test accuracy, %, by epoch, read off the figure of version 1; the mean of five runs.
BATCHNORM = {75: 59.6, 85: 68.3, 125: 69.4, 158: 69.5}
EVERYTHING = {158: 93.5}
CURVE = (
    *({"trained": "batchnorm", "epoch": epoch} for epoch in BATCHNORM),
    *({"trained": "all", "epoch": epoch} for epoch in EVERYTHING),
)
OWN_NETWORKS = {"paper": "the paper's own network, data and schedule"}
ELSEWHERE = dict.fromkeys(("smoke", "pilot"), "an epoch belongs to its schedule")


def at(scale, seed, trained, epoch):
    return {trained: cifar(scale, seed, depth=110, trained=trained)}


@claim(
    id="learning-curve-110",
    sentence="ResNet-110 is at these accuracies at epochs 75, 85, 125 and 158.",
    source=Source(
        work="frankle2021",
        place="figure of version 1, learning curves",
        tag="D",
        reference="BatchNorm 59.6, 68.3, 69.4, 69.5 %; all parameters 93.5 % at 158",
        version="v1",
    ),
    rule=Point(margin=2.0, reason="RULES.md: a number read off a plot"),
    grid={"smoke": (), "pilot": (), "paper": CURVE},
    runs=at,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=ELSEWHERE,
)
def test_learning_curve(evidence, trained, epoch):
    sample = evidence.sample(
        trained,
        lambda run: run.history[epoch - 1]["test_top1"],
        label=f"ResNet-110, {trained}, epoch {epoch}",
        unit="%",
        step=0.01,
    )
    value = (BATCHNORM if trained == "batchnorm" else EVERYTHING)[epoch]
    evidence.find(sample=sample, reference=Published(value=value, replicates=5, reading_error=0.3, version="v1"))


def deep(scale, seed):
    return {"BatchNorm": cifar(scale, seed, depth=110)}


@claim(
    id="gamma-quarter-to-half",
    sentence="Between a quarter and a half of γ end near zero.",
    source=Source(work="frankle2021", place="version 1", tag="R", reference="a quarter to a half", version="v1"),
    rule=Fraction(margin=0.125, reason="the source's own range: 0.375 ± 0.125"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=deep,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=dict.fromkeys(("smoke", "pilot"), "a share belongs to its networks, data and schedule"),
    definition_open="the network and the threshold: taken are ResNet-110 and 0.01, as in Figure 4",
)
def test_quarter_to_half(evidence):
    centre = Published(value=0.375, sd=0.0, replicates=1, reading_error=0.0)
    evidence.find(sample=evidence.small_gamma("BatchNorm", 0.01, "share of |γ| < 0.01"), reference=centre)
