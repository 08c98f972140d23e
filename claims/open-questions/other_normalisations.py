"""Whether other layers do what BatchNorm does when only their γ and β are trained."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure, paired_differences
from repro.recipes import cifar

NOTHING_TO_HOLD_AGAINST = dict.fromkeys(("smoke", "pilot", "paper"), "no source says what to expect")
# GroupNorm has 8 channels a group: its authors' 16, or 32 groups, would be one group, or more groups than channels, in
# the first 16 channels of these networks. InstanceNorm and LayerNorm are its two ends, as its authors draw them.
LAYERS = ("groupnorm", "layernorm", "instancenorm", "weightnorm")


def runs(scale, seed, depth, layer):
    return {"BatchNorm": cifar(scale, seed, depth=depth), layer: cifar(scale, seed, depth=depth, norm=layer)}


@claim(
    id="other-normalisations",
    sentence="Does the same hold for GroupNorm, LayerNorm, InstanceNorm or weight normalisation?",
    source=Source(work="open-questions", place="asked by thebatch2020", tag="?", reference=""),
    rule=Measure(reason="no source says what to expect"),
    grid={
        "smoke": (),
        "pilot": (),
        "paper": tuple({"depth": depth, "layer": layer} for depth in (14, 110) for layer in LAYERS),
    },
    runs=runs,
    depends_on=CONTROLS,
    untestable=NOTHING_TO_HOLD_AGAINST,
    definition_open="the number of groups: taken are groups of 8 channels; and what weight normalisation starts from: "
    "taken is a direction of norm √2, that of He's weights, so that γ and β start as BatchNorm's do",
    note="Weight normalisation with frozen directions is γ·x + β after a frozen convolution. Switchable normalisation, "
    "which is asked for too, mixes three of these layers and is not attempted.",
)
def test_other_normalisations(evidence, depth, layer):
    other = evidence.accuracy(layer, f"ResNet-{depth}, {layer}")
    evidence.find(sample=other)
    evidence.find(sample=paired_differences(evidence.accuracy("BatchNorm"), other))
