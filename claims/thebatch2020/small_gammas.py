"""The Batch's account of γ: nearly half end near zero, and pruning them costs nothing."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Fraction, NoChange
from repro.recipes import GAMMA_DEPTH, SCALES, cifar

SMALL = 0.01  # |γ| below this counts as near zero (frankle2021, Figure 4)
GRID = {scale: ({"depth": GAMMA_DEPTH[scale]},) for scale in SCALES}


def runs(scale, seed, depth):
    return {"BatchNorm": cifar(scale, seed, depth=depth)}


@claim(
    id="gamma-nearly-half",
    sentence="Nearly half of γ are near zero.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="nearly half"),
    rule=Fraction(margin=1 / 12, reason="VERDICTS: a worded fraction"),
    grid=GRID,
    runs=runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_nearly_half(evidence, depth):
    evidence.find(sample=evidence.small_gamma("BatchNorm", SMALL, f"share of |γ| < {SMALL}"), reference=0.5)


@claim(
    id="thebatch-pruning-negligible",
    sentence="Pruning the features whose γ is near zero had a negligible effect on accuracy.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="negligible"),
    rule=NoChange(margin=1.0, reason="VERDICTS' smallest margin, as the source gives no number"),
    grid=GRID,
    runs=runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_pruning_negligible(evidence, depth):
    evidence.find(before=evidence.accuracy("BatchNorm"), after=evidence.clamped_accuracy("BatchNorm", SMALL))
