"""The abstract: what each half of BatchNorm, normalisation and γ·x + β, gives over no such layer."""

from repro.claim import Source, claim
from repro.compare import Measure, Ordering, paired_differences
from repro.recipes import BATCHES, LAYERED_DEPTHS, SCALES, layered

CONTROLS = (
    "control-judge",
    "control-data",
    "control-frozen",
    "control-shuffled-labels",
    "control-layers-full-training",
)
# Layer in BatchNorm's place and what is trained. "normalisation" is the paper's BatchNorm-minus: BatchNorm whose γ = 1
# and β = 0 never move is the same function of the same trained parameters. "γ·x + β" is its AffineLayer.
ARMS = {
    "none": ("none", "all"),
    "γ·x + β": ("affine", "all"),
    "normalisation": ("batchnorm", "all-but-batchnorm"),
    "BatchNorm": ("batchnorm", "all"),
}
PROTOCOL = (
    "optimiser, schedule, data set and initial γ and β: taken are frankle2021's protocol for CIFAR-10 and PyTorch's "
    "γ = 1, β = 0; and whether a convolution without BatchNorm has a bias: taken is none"
)
GENERAL = "said of BatchNorm in convolutional networks in general; no network, data set or size is named"


def arms(scale, seed, depth, batch, names):
    return {
        name: layered(scale, seed, depth=depth, norm=ARMS[name][0], trained=ARMS[name][1], batch_size=batch)
        for name in names
    }


@claim(
    id="batchnorm-over-none",
    sentence="BatchNorm increases accuracy over no such layer.",
    source=Source(work="peerthum2023", place="abstract", tag="P", reference="higher"),
    rule=Ordering(gap=0.0, reason="the abstract gives no number"),
    # At the batch size that the protocol's learning rate was chosen for; the others are measured below.
    grid={scale: tuple({"depth": depth} for depth in LAYERED_DEPTHS[scale]) for scale in SCALES},
    runs=lambda scale, seed, depth: arms(scale, seed, depth, None, ("BatchNorm", "none")),
    depends_on=CONTROLS,
    testable={
        "smoke": GENERAL,
        "pilot": GENERAL,
        "paper": "the paper's own networks",
    },
    definition_open=PROTOCOL,
    note="The abstract takes this as known. It is what the other two claims explain, so it is tested first.",
)
def test_batchnorm_over_none(evidence, depth):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("none"))


@claim(
    id="normalization-vs-affine",
    sentence="How much of BatchNorm's gain normalisation alone gives, and how much γ·x + β alone.",
    source=Source(work="peerthum2023", place="abstract; values not readable", tag="?", reference=""),
    # An ordering of the two halves would need the abstract to say which gives more, and it does not. The gains are
    # given in points, as a share of BatchNorm's gain has no meaning where that is near 0.
    rule=Measure(reason="the abstract does not say which half gives more, and no number could be read"),
    grid={
        "smoke": tuple({"depth": d, "batch": b} for d in LAYERED_DEPTHS["smoke"] for b in BATCHES["smoke"]),
        "pilot": (),
        "paper": tuple({"depth": d, "batch": b} for d in LAYERED_DEPTHS["paper"] for b in BATCHES["paper"]),
    },
    runs=lambda scale, seed, depth, batch: arms(scale, seed, depth, batch, ARMS),
    depends_on=CONTROLS,
    untestable={
        "smoke": "the abstract gives neither a direction nor a number",
        "pilot": "a measurement; the core-hours that the pilot has left go to what has a direction",
        "paper": "the abstract gives neither a direction nor a number",
    },
    definition_open=f"{PROTOCOL}; whether the learning rate follows the batch size: taken is one rate for all",
)
def test_normalization_vs_affine(evidence, depth, batch):
    none = evidence.accuracy("none")
    for name in ("BatchNorm", "normalisation", "γ·x + β"):
        evidence.find(sample=paired_differences(none, evidence.accuracy(name)))
