"""The Batch's account of γ: nearly half end near zero, and pruning them costs nothing."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure, NoChange
from repro.recipes import DEPTHS, GAMMA_DEPTH, SCALES, WIDE_DEPTH, WIDTHS, cifar

SMALL = 0.01  # |γ| below this counts as near zero (frankle2021, Figure 4)
THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)
NEARLY_HALF = (0.42, 0.58)  # a worded fraction: half ± 1/12


@claim(
    id="gamma-nearly-half",
    sentence="Nearly half of γ are near zero.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="nearly half"),
    rule=Measure(reason="network and threshold are not named: the share is measured over all of them"),
    grid={
        scale: (
            *({"depth": depth, "width": 1} for depth in DEPTHS[scale]),
            *({"depth": WIDE_DEPTH[scale], "width": width} for width in WIDTHS[scale][1:]),
        )
        for scale in SCALES
    },
    runs=lambda scale, seed, depth, width: {"BatchNorm": cifar(scale, seed, depth=depth, width=width)},
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "the sentence names neither a network nor a threshold"),
)
def test_nearly_half(evidence, depth, width):
    for threshold in THRESHOLDS:
        values = evidence.small_gamma("BatchNorm", threshold).values
        inside = NEARLY_HALF[0] <= sum(values) / len(values) <= NEARLY_HALF[1]
        label = f"share of |γ| < {threshold}{', nearly half' if inside else ''}"
        evidence.find(sample=evidence.small_gamma("BatchNorm", threshold, label))


@claim(
    id="thebatch-pruning-negligible",
    sentence="Pruning the features whose γ is near zero had a negligible effect on accuracy.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="negligible"),
    rule=NoChange(margin=1.0, reason="RULES.md: the smallest margin, as the source gives no number"),
    grid={scale: ({"depth": GAMMA_DEPTH[scale]},) for scale in SCALES},
    runs=lambda scale, seed, depth: {"BatchNorm": cifar(scale, seed, depth=depth)},
    depends_on=CONTROLS,
    testable={
        "smoke": "said of BatchNorm-only networks in general, without a number",
        "pilot": "said of BatchNorm-only networks in general, without a number",
        "paper": "the paper's own network, data and schedule",
    },
    same_as="clamp-harmless",
    definition_open="which γ are near zero: judged by |γ| < 0.01",
)
def test_pruning_negligible(evidence, depth):
    after = evidence.clamped_accuracy("BatchNorm", SMALL)
    evidence.find(before=evidence.accuracy("BatchNorm"), after=after)
