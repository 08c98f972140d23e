"""Figure 5: the share of small γ grows with depth and with width."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Trend
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

SMALL = 0.01  # |γ| below this counts as near zero (Figure 4)
THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)


def runs(scale, seed, along):
    if along == "depth":
        return {f"ResNet-{depth}": cifar(scale, seed, depth=depth) for depth in DEPTHS[scale]}
    depth = WIDE_DEPTH[scale]
    return {f"WRN-{depth}-{width}": cifar(scale, seed, depth=depth, width=width) for width in WIDTHS[scale]}


@claim(
    id="gamma-sparsity-grows",
    sentence="The share of small γ rises with depth and with width.",
    source=Source(work="frankle2021", place="Figure 5", tag="R", reference="rises"),
    rule=Trend(margin=0.01, reason="RULES.md: the smallest margin, one point, as the source says 'rises' alone"),
    # The two widths of smoke and pilot have no trend over three seeds: the smallest p is 1/20.
    grid=dict.fromkeys(SCALES, ({"along": "depth"},)) | {"paper": ({"along": "depth"}, {"along": "width"})},
    runs=runs,
    depends_on=CONTROLS,
    testable={
        "smoke": "a direction that is said of BatchNorm-only ResNets in general",
        "pilot": "a direction that is said of BatchNorm-only ResNets in general",
        "paper": "the figure's own networks, data and schedule",
    },
    definition_open="at which threshold the share rises: judged at |γ| < 0.01, as in Figure 4, drawn at five",
    note="The slide at this figure puts it as a question.",
)
def test_gamma_sparsity_grows(evidence, along):
    arms = tuple(runs(evidence.scale, 0, along))
    evidence.find(samples=[evidence.small_gamma(arm, SMALL, f"{arm}, < {SMALL}") for arm in arms])
    shares = {arm: [evidence.small_gamma(arm, threshold).values for threshold in THRESHOLDS] for arm in arms}
    evidence.show(
        label=f"along {along}, by threshold",
        x_label="threshold",
        y_label="share of |γ| below",
        x=THRESHOLDS,
        lines={arm: tuple(sum(values) / len(values) for values in found) for arm, found in shares.items()},
    )
