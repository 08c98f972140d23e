"""Figure 5: the share of small γ grows with depth and with width, wherever the threshold is put."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Trend
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

THRESHOLDS = (0.01, 0.03, 0.1)


def runs(scale, seed, along):
    if along == "depth":
        return {f"ResNet-{depth}": cifar(scale, seed, depth=depth) for depth in DEPTHS[scale]}
    depth = WIDE_DEPTH[scale]
    return {f"WRN-{depth}-{width}": cifar(scale, seed, depth=depth, width=width) for width in WIDTHS[scale]}


@claim(
    id="gamma-sparsity-grows",
    sentence="The share of small γ rises with depth and with width, at every threshold.",
    source=Source(work="frankle2021", place="Figure 5", tag="R", reference="rises"),
    rule=Trend(margin=0.01, reason="VERDICTS: one point, as for numbers printed to one decimal"),
    grid=dict.fromkeys(SCALES, ({"along": "depth"}, {"along": "width"})) | {"pilot": ({"along": "depth"},)},
    runs=runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_gamma_sparsity_grows(evidence, along):
    arms = runs(evidence.scale, 0, along)
    for threshold in THRESHOLDS:
        evidence.find(levels=[evidence.small_gamma(arm, threshold, f"{arm}, < {threshold}") for arm in arms])
