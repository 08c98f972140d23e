"""Control: networks with BatchNorm are trained well enough to compare others with them."""

from repro.claim import Source, claim
from repro.compare import Ordering
from repro.recipes import LAYERED_DEPTHS, SCALES, layered

# Test accuracy on CIFAR-10, %, of these networks in the README of github.com/kuangliu/pytorch-cifar (commit 00166a3):
# 350 epochs, learning rate 0.1, times 0.1 at 150 and 250. ResNet-34 is not in it, so that ResNet-18's is taken.
PRINTED = {18: 93.02, 34: 93.02, 50: 93.62, 101: 93.75}
DIGITS = 97.0  # scikit-learn's example, as in control-full-training
CHANCE = 10.0  # of ten classes, where no source prints anything
ALLOWED = 5.0  # points below, as there


@claim(
    id="control-layers-full-training",
    sentence="With BatchNorm, training from γ = 1, β = 0 ends no more than 5 points below a public accuracy.",
    source=Source(
        work="control",
        place="claims/RULES.md, controls; README of pytorch-cifar, or scikit-learn's example at smoke",
        tag="R",
        reference="93.02 to 93.75 % by network; 97 % for the digits",
    ),
    rule=Ordering(gap=0.0, reason="what is allowed is subtracted from the public accuracy beforehand"),
    grid={scale: tuple({"depth": depth} for depth in LAYERED_DEPTHS[scale]) for scale in SCALES},
    runs=lambda scale, seed, depth: {"BatchNorm": layered(scale, seed, depth=depth)},
    depends_on=(),
    testable={
        "smoke": "the digits have a published accuracy of their own",
        "paper": "a public accuracy of the same networks on the same data, at the same learning rate",
    },
    untestable={"pilot": "no source prints an accuracy of ResNet-8 on CIFAR-10; it is shown beside chance"},
    per_network=True,
)
def test_full_training_layers(evidence, depth):
    published = {"smoke": DIGITS - ALLOWED, "pilot": CHANCE}.get(evidence.scale) or PRINTED[depth] - ALLOWED
    evidence.find(higher=evidence.accuracy("BatchNorm", f"ResNet-{depth}"), lower=published)
