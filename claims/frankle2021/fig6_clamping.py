"""Figure 6: setting small γ to zero changes nothing."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import NoChange
from repro.recipes import GAMMA_DEPTH, SCALES, cifar

THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)


@claim(
    id="clamp-harmless",
    sentence="Setting every |γ| below a threshold to zero leaves accuracy as it was, up to some threshold.",
    source=Source(work="frankle2021", place="Figure 6", tag="R", reference="no change"),
    rule=NoChange(margin=1.0, reason="VERDICTS' smallest margin, as the source gives no number"),
    grid={scale: ({"depth": GAMMA_DEPTH[scale]},) for scale in SCALES},
    runs=lambda scale, seed, depth: {"BatchNorm": cifar(scale, seed, depth=depth)},
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    note="Judged at 0.01, the threshold below which Figure 4 calls γ near zero; the drawing shows the others.",
)
def test_clamp_harmless(evidence, depth):
    evidence.find(before=evidence.accuracy("BatchNorm"), after=evidence.clamped_accuracy("BatchNorm", 0.01))
    swept = [evidence.clamped_accuracy("BatchNorm", threshold).values for threshold in THRESHOLDS]
    evidence.show(
        label="by threshold",
        x_label="|γ| below this set to 0",
        y_label="test accuracy, %",
        x=THRESHOLDS,
        lines={"BatchNorm": tuple(sum(values) / len(values) for values in swept)},
    )
