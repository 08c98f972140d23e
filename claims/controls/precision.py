"""Control: in bfloat16, BatchNorm alone comes to the accuracy that it comes to in float32."""

from repro.claim import Source, claim
from repro.compare import NoChange
from repro.recipes import cifar

DEPTHS = (14, 56)  # a shallow and a deep network: rounding grows from layer to layer


def runs(scale, seed, depth):
    return {name: cifar(scale, seed, depth=depth, precision=name) for name in ("float32", "bfloat16")}


@claim(
    id="control-precision",
    sentence="Trained in bfloat16, BatchNorm alone ends within 1 point of the accuracy that it has in float32.",
    source=Source(
        work="control", place="claims/RULES.md, controls", tag="P", reference="the accuracy in float32, seed by seed"
    ),
    rule=NoChange(margin=1.0, reason="RULES.md: the smallest margin, which a deviation must not use up"),
    grid={"smoke": (), "pilot": (), "paper": tuple({"depth": depth} for depth in DEPTHS)},
    runs=runs,
    depends_on=(),
    testable={"paper": "the two networks, data and schedule whose verdicts a lower precision would stand in"},
    untestable={
        "smoke": "a CPU takes longer in bfloat16 than in float32, and saves nothing that would have to be justified",
        "pilot": "its 32 core-hours are spent; a lower precision is in no verdict there",
    },
)
def test_precision(evidence, depth):
    label = f"ResNet-{depth} in bfloat16, beside float32"
    evidence.find(before=evidence.accuracy("float32"), after=evidence.accuracy("bfloat16", label))
