"""Figure 4 and the abstract: how many γ end near zero."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Fraction
from repro.recipes import GAMMA_DEPTH, SCALES, cifar

SMALL = 0.01  # |γ| below this counts as near zero (Figure 4)
THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)
GRID = {scale: ({"depth": GAMMA_DEPTH[scale]},) for scale in SCALES}


def batchnorm(scale, seed, depth):
    return {"BatchNorm": cifar(scale, seed, depth=depth)}


def everything(scale, seed, depth):
    return {"all": cifar(scale, seed, depth=depth, trained="all")}


def find(evidence, arm, reference):
    evidence.find(sample=evidence.small_gamma(arm, SMALL, f"share of |γ| < {SMALL}, {arm}"), reference=reference)
    shares = [evidence.small_gamma(arm, threshold).values for threshold in THRESHOLDS]
    evidence.show(
        label="by threshold",
        x_label="threshold",
        y_label="share of |γ| below",
        x=THRESHOLDS,
        lines={arm: tuple(sum(values) / len(values) for values in shares)},
    )


@claim(
    id="gamma-third-cifar",
    sentence="In BatchNorm-only ResNet-110, 27 % of γ end with |γ| < 0.01.",
    source=Source(work="frankle2021", place="Figure 4, as slides report it", tag="R", reference="27 %"),
    rule=Fraction(margin=0.02, reason="VERDICTS: a number printed to whole points"),
    grid=GRID,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_gamma_third_cifar(evidence, depth):
    find(evidence, "BatchNorm", 0.27)


@claim(
    id="gamma-third-wording",
    sentence="Around a third of the random features are disabled.",
    source=Source(work="frankle2021", place="abstract", tag="P", reference="a third"),
    rule=Fraction(margin=1 / 12, reason="VERDICTS: a worded fraction"),
    grid=GRID,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    primary=True,
)
def test_gamma_third_wording(evidence, depth):
    find(evidence, "BatchNorm", 1 / 3)


@claim(
    id="gamma-not-when-all",
    sentence="With everything trained, few γ are near zero.",
    source=Source(work="frankle2021", place="Figures 4 and 5; version 1 says 9 %", tag="R", reference="9 %"),
    rule=Fraction(margin=0.02, reason="VERDICTS: a number printed to whole points"),
    grid=GRID | {"pilot": ({"depth": 14},)},
    runs=everything,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_gamma_not_when_all(evidence, depth):
    find(evidence, "all", 0.09)
