"""Figure 4 and the abstract: how many γ end near zero."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Fraction, FractionBound, Ordering, Published
from repro.recipes import GAMMA_DEPTH, SCALES, cifar

SMALL = 0.01  # |γ| below this counts as near zero (Figure 4)
THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)
GRID = {scale: ({"depth": GAMMA_DEPTH[scale]},) for scale in SCALES}
ALL_TRAINED = GRID | {"pilot": ({"depth": 14},)}  # the pilot's only network with everything trained
OWN_NETWORK = {"paper": "the figure's own network, data and schedule"}
SHARE = dict.fromkeys(("smoke", "pilot"), "a share belongs to its network, data and schedule")


def batchnorm(scale, seed, depth):
    return {"BatchNorm": cifar(scale, seed, depth=depth)}


def everything(scale, seed, depth):
    return {"all": cifar(scale, seed, depth=depth, trained="all")}


def small(evidence, arm):
    """The share of small γ of an arm; the same share at every threshold is drawn beside it."""
    shares = [evidence.small_gamma(arm, threshold).values for threshold in THRESHOLDS]
    evidence.show(
        label=f"{arm}, by threshold",
        x_label="threshold",
        y_label="share of |γ| below",
        x=THRESHOLDS,
        lines={arm: tuple(sum(values) / len(values) for values in shares)},
    )
    return evidence.small_gamma(arm, SMALL, f"share of |γ| < {SMALL}, {arm}")


@claim(
    id="gamma-third-cifar",
    sentence="In BatchNorm-only ResNet-110, 27 % of γ end with |γ| < 0.01.",
    source=Source(work="frankle2021", place="Figure 4, as slides report it", tag="R", reference="27 %"),
    rule=Fraction(margin=0.02, reason="RULES.md: a number printed to whole points"),
    grid=GRID,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORK,
    untestable=SHARE,
)
def test_gamma_third_cifar(evidence, depth):
    reference = Published(value=0.27, replicates=5, reading_error=0.005)
    evidence.find(sample=small(evidence, "BatchNorm"), reference=reference)


@claim(
    id="gamma-third-wording",
    sentence="Around a third of the random features are disabled.",
    source=Source(work="frankle2021", place="abstract", tag="P", reference="a third", version="ICLR"),
    rule=Fraction(margin=1 / 12, reason="RULES.md: a worded fraction; 1/12 below a third is a quarter"),
    grid=GRID,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORK,
    untestable=SHARE,
    primary=True,
    definition_open="when a random feature counts as disabled: judged by |γ| < 0.01, as in Figure 4",
)
def test_gamma_third_wording(evidence, depth):
    reference = Published(value=1 / 3, replicates=5, reading_error=0.0, version="ICLR")  # the margin is the wording's
    evidence.find(sample=small(evidence, "BatchNorm"), reference=reference)


@claim(
    id="gamma-not-when-all",
    sentence="With everything trained, few γ are near zero.",
    source=Source(work="frankle2021", place="Figures 4 and 5", tag="R", reference="9 %", version="v1"),
    rule=FractionBound(
        limit=0.11,
        side="at most",
        reason="9 % and the margin of a number printed to whole points; a smaller share is few as well",
    ),
    grid=ALL_TRAINED,
    runs=everything,
    depends_on=CONTROLS,
    testable=OWN_NETWORK,
    untestable=SHARE,
)
def test_gamma_not_when_all(evidence, depth):
    evidence.find(sample=small(evidence, "all"))


@claim(
    id="gamma-fewer-when-all",
    sentence="With everything trained, fewer γ are near zero than with BatchNorm alone.",
    source=Source(work="frankle2021", place="Figures 4 and 5", tag="R", reference="9 % against 27 %", version="v1"),
    rule=Ordering(gap=0.0, reason="'few' says only that there are fewer"),
    grid=ALL_TRAINED,
    runs=lambda scale, seed, depth: batchnorm(scale, seed, depth) | everything(scale, seed, depth),
    depends_on=CONTROLS,
    testable={
        "smoke": "a direction that is said of training everything in general",
        "pilot": "a direction that is said of training everything in general",
        "paper": "the figure's own network, data and schedule",
    },
)
def test_gamma_fewer_when_all(evidence, depth):
    evidence.find(higher=small(evidence, "BatchNorm"), lower=small(evidence, "all"))
