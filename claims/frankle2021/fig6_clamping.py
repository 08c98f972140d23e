"""Figure 6: setting small γ to zero changes nothing."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import NoChange
from repro.recipes import GAMMA_DEPTH, SCALES, cifar

SMALL = 0.01  # the threshold below which Figure 4 calls γ near zero
THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)


@claim(
    id="clamp-harmless",
    sentence="Setting every |γ| below a threshold to zero leaves accuracy as it was, up to some threshold.",
    source=Source(work="frankle2021", place="Figure 6", tag="R", reference="no change"),
    rule=NoChange(margin=1.0, reason="RULES.md: the smallest margin, as the source gives no number"),
    grid={scale: ({"depth": GAMMA_DEPTH[scale]},) for scale in SCALES},
    runs=lambda scale, seed, depth: {"BatchNorm": cifar(scale, seed, depth=depth)},
    depends_on=CONTROLS,
    testable={
        "smoke": "said of BatchNorm-only networks in general, without a number",
        "pilot": "said of BatchNorm-only networks in general, without a number",
        "paper": "the figure's own network, data and schedule",
    },
    definition_open="up to which threshold: judged at 0.01, drawn at five",
    note="How much it proves depends on the share of γ that was set to zero, which stands with the finding.",
)
def test_clamp_harmless(evidence, depth):
    clamped = {threshold: mean(evidence.small_gamma("BatchNorm", threshold)) for threshold in THRESHOLDS}
    label = f"|γ| < {SMALL}, {100 * clamped[SMALL]:.1f} % of all, set to 0"
    evidence.find(before=evidence.accuracy("BatchNorm"), after=evidence.clamped_accuracy("BatchNorm", SMALL, label))
    for y_label, values in (
        ("test accuracy, %", [mean(evidence.clamped_accuracy("BatchNorm", threshold)) for threshold in THRESHOLDS]),
        ("share of γ set to 0", clamped.values()),
    ):
        evidence.show(
            label=f"{y_label}, by threshold",
            x_label="|γ| below this set to 0",
            y_label=y_label,
            x=THRESHOLDS,
            lines={"BatchNorm": tuple(values)},
        )


def mean(sample):
    return sum(sample.values) / len(sample.values)
