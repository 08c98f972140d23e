"""The abstract's finding: BatchNorm's success may derive primarily from improved weight initialisation."""

from repro.claim import Source, claim
from repro.compare import Ordering, Sample
from repro.recipes import LAYERED_DEPTHS, layered

CONTROLS = (
    "control-judge",
    "control-data",
    "control-frozen",
    "control-shuffled-labels",
    "control-layers-full-training",
)
# "set once" has no layer in BatchNorm's place. Before training, each convolution is rescaled and shifted so that its
# outputs on the run's first batch have mean 0 and variance 1; from there on nothing normalises.
LAYERS = {"BatchNorm": "batchnorm", "none": "none", "set once": "batchnorm-once"}
GENERAL = "said of BatchNorm's success in general; no network, data set or size is named"


def runs(scale, seed, depth):
    return {arm: layered(scale, seed, depth=depth, norm=norm) for arm, norm in LAYERS.items()}


def halfway(low, high):
    """The accuracy half-way from one arm to another, seed by seed."""
    return Sample(
        label=f"half-way from {low.label} to {high.label}",
        values=tuple((a + b) / 2 for a, b in zip(low.values, high.values, strict=True)),
        seeds=low.seeds,
        unit=low.unit,
        step=max(low.step, high.step) / 2,
        runs=tuple(f"{a}+{b}" for a, b in zip(low.runs, high.runs, strict=True)),
    )


@claim(
    id="better-initialization",
    sentence="BatchNorm's success may derive primarily from improved weight initialisation.",
    source=Source(work="peerthum2023", place="abstract", tag="P", reference="primarily"),
    rule=Ordering(
        gap=0.0,
        reason="'primarily' is more than half: BatchNorm gains over none, and its first batch's statistics, put into "
        "the weights once, bring more than half of that gain",
    ),
    grid={
        "smoke": tuple({"depth": depth} for depth in LAYERED_DEPTHS["smoke"]),
        "pilot": (),
        "paper": tuple({"depth": depth} for depth in LAYERED_DEPTHS["paper"]),
    },
    runs=runs,
    depends_on=CONTROLS,
    testable={"smoke": GENERAL, "paper": "the paper's own networks"},
    untestable={"pilot": "it needs two more arms of ResNet-8, and the pilot's core-hours leave room for one"},
    definition_open="what 'improved weight initialisation' is: taken is that each convolution's outputs on the first "
    "batch have the mean and variance that BatchNorm gives them; and optimiser, schedule, data set and initial γ and "
    "β: taken are frankle2021's protocol for CIFAR-10 and PyTorch's γ = 1, β = 0",
    note="A direct test of the sentence, not the paper's own experiment, whose numbers could not be read. 'Set once' "
    "has a bias in each convolution, which 'none' has not.",
)
def test_better_initialization(evidence, depth):
    none, batchnorm = evidence.accuracy("none"), evidence.accuracy("BatchNorm")
    evidence.find(higher=batchnorm, lower=none)
    evidence.find(higher=evidence.accuracy("set once"), lower=halfway(none, batchnorm))
