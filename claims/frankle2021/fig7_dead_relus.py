"""Figure 7: how many ReLUs are off for nearly every input."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Fraction, Measure
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

GRID = {
    scale: (
        *({"depth": depth, "width": 1} for depth in DEPTHS[scale]),
        *({"depth": WIDE_DEPTH[scale], "width": width} for width in WIDTHS[scale][1:]),
    )
    for scale in SCALES
}


@claim(
    id="dead-relus",
    sentence="With BatchNorm alone trained, this share of ReLUs has Pr[activation = 0] > 0.99, by depth and width.",
    source=Source(work="frankle2021", place="Figure 7", tag="?", reference=""),
    rule=Measure(reason="the figure's values could not be read"),
    grid=GRID,
    runs=lambda scale, seed, depth, width: {"BatchNorm": cifar(scale, seed, depth=depth, width=width)},
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_dead_relus(evidence, depth, width):
    evidence.find(sample=evidence.dead_relus("BatchNorm"))


@claim(
    id="alive-relus-when-all",
    sentence="With everything trained, activations are not disabled.",
    source=Source(work="frankle2021", place="Figure 7", tag="R", reference="near 0"),
    rule=Fraction(margin=0.02, reason="VERDICTS: 'about', in whole points"),
    grid={scale: tuple({"depth": depth} for depth in DEPTHS[scale]) for scale in SCALES} | {"pilot": ({"depth": 14},)},
    runs=lambda scale, seed, depth: {"all": cifar(scale, seed, depth=depth, trained="all")},
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_alive_relus(evidence, depth):
    evidence.find(sample=evidence.dead_relus("all"), reference=0.0)
