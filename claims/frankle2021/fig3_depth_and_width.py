"""Figures 2 and 3: deeper and wider are better, and depth is worth more than width."""

from repro.claim import CONTROLS, LOOKS, Source, claim
from repro.compare import Ordering, Trend
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

RISES = Trend(margin=1.0, reason="RULES.md: the smallest margin, as the source says 'rises' and gives no number")
ONCE = dict.fromkeys(SCALES, ({},))
DIRECTION = {
    "smoke": "a direction that is said of BatchNorm-only ResNets in general",
    "pilot": "a direction that is said of BatchNorm-only ResNets in general",
    "paper": "the paper's own networks, data and schedule",
}


def by_depth(scale, seed):
    return {f"ResNet-{depth}": cifar(scale, seed, depth=depth) for depth in DEPTHS[scale]}


def by_width(scale, seed):
    depth = WIDE_DEPTH[scale]
    return {f"WRN-{depth}-{width}": cifar(scale, seed, depth=depth, width=width) for width in WIDTHS[scale]}


@claim(
    id="deeper-is-better",
    sentence="BatchNorm-only accuracy rises with depth.",
    source=Source(work="frankle2021", place="Figure 2, left", tag="P", reference="monotone"),
    rule=RISES,
    grid=ONCE,
    runs=by_depth,
    depends_on=CONTROLS,
    testable=DIRECTION,
    primary=True,
)
def test_deeper_is_better(evidence):
    evidence.find(samples=[evidence.accuracy(arm) for arm in by_depth(evidence.scale, 0)])


@claim(
    id="wider-is-better",
    sentence="BatchNorm-only accuracy rises with width.",
    source=Source(work="frankle2021", place="Figure 2, centre", tag="P", reference="monotone"),
    rule=RISES,
    grid=ONCE,
    runs=by_width,
    depends_on=CONTROLS,
    testable=DIRECTION,
    # Smoke and pilot have two widths: with three seeds the smallest p of a trend is 1/20, with four 1/70.
    looks=LOOKS | {"smoke": (4,), "pilot": (4,)},
)
def test_wider_is_better(evidence):
    evidence.find(samples=[evidence.accuracy(arm) for arm in by_width(evidence.scale, 0)])


# Depth of a deep network and width of a wide one with about as many BatchNorm parameters. The paper's five pairs have
# 2.46K and 2.24K, 4.26K and 4.48K, 8.29K and 8.96K, 16.4K and 17.9K, 32.5K and 35.8K; that of smoke and pilot has 1.57K
# and 1.34K.
PAIRS = {
    "smoke": ({"depth": 20, "width": 2},),
    "pilot": ({"depth": 20, "width": 2},),
    "paper": tuple({"depth": d, "width": w} for d, w in ((32, 2), (56, 4), (110, 8), (218, 16), (434, 32))),
}
DEPTH_OF_WIDE = {"smoke": 8, "pilot": 8, "paper": 14}


def deep_and_wide(scale, seed, depth, width):
    return {
        "deep": cifar(scale, seed, depth=depth),
        "wide": cifar(scale, seed, depth=DEPTH_OF_WIDE[scale], width=width),
    }


def find_deep_above_wide(evidence, depth, width):
    wide = evidence.accuracy("wide", f"WRN-{DEPTH_OF_WIDE[evidence.scale]}-{width}")
    evidence.find(higher=evidence.accuracy("deep", f"ResNet-{depth}"), lower=wide)


@claim(
    id="depth-beats-width",
    sentence="At about the same number of BatchNorm parameters, ResNet-434 is 7 points above WRN-14-32.",
    source=Source(
        work="frankle2021", place="text at Figures 2 and 3, as slides report it", tag="R", reference="+7 points"
    ),
    rule=Ordering(gap=3.5, reason="half of the published gap"),
    grid=PAIRS | {"paper": PAIRS["paper"][-1:]},
    runs=deep_and_wide,
    depends_on=CONTROLS,
    testable={"paper": "the two networks that the sentence names"},
    untestable=dict.fromkeys(("smoke", "pilot"), "the sentence is about two networks by name"),
)
def test_depth_beats_width(evidence, depth, width):
    find_deep_above_wide(evidence, depth, width)


@claim(
    id="accuracy-by-bn-count",
    sentence="At about the same number of BatchNorm parameters depth beats width, at every size.",
    source=Source(
        work="frankle2021",
        place="Figure 3, as slides report it; gaps from the figure of version 1",
        tag="R",
        reference="+4.3, +3.3, +5.3, +7.7, +6.6 points for the five pairs",
    ),
    rule=Ordering(gap=1.65, reason="half of the smallest of the five gaps, ResNet-56 above WRN-14-4"),
    grid=PAIRS,
    runs=deep_and_wide,
    depends_on=CONTROLS,
    testable={
        "pilot": "the sentence is about any two networks with as many BatchNorm parameters, on CIFAR-10",
        "paper": "the figure's own networks, data and schedule",
    },
    untestable={"smoke": "the gap is one of accuracies on CIFAR-10"},
    note="Five pairs and no slope, since the sign of a difference of slopes depends on the axis, log or linear.",
)
def test_accuracy_by_bn_count(evidence, depth, width):
    find_deep_above_wide(evidence, depth, width)
