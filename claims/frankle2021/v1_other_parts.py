"""A figure of version 1: what the shortcut and output layers can do without, and on top of, BatchNorm."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import NoChange, Ordering, Trend
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

ONCE = dict.fromkeys(SCALES, ({},)) | {"pilot": ()}
MARGIN = Trend(margin=1.0, reason="VERDICTS: accuracies printed to one decimal")


def by_depth(scale, seed):
    return {f"ResNet-{depth}": cifar(scale, seed, depth=depth, trained="shortcut+output") for depth in DEPTHS[scale]}


@claim(
    id="without-bn-depth-fails",
    sentence="Training shortcut and output layers alone gets worse with depth.",
    source=Source(work="frankle2021", place="figure of version 1", tag="D", reference="48.9 % (14) to 13.1 % (866)"),
    rule=MARGIN,
    grid=ONCE,
    runs=by_depth,
    depends_on=CONTROLS,
    testable=dict.fromkeys(("smoke", "paper"), "to be decided from the sentence"),
    untestable={"pilot": "to be decided from the sentence"},
)
def test_without_bn_depth_fails(evidence):
    evidence.find(levels=[evidence.accuracy(arm) for arm in by_depth(evidence.scale, 0)], rising=False)


def by_width(scale, seed):
    depth = WIDE_DEPTH[scale]
    return {
        f"WRN-{depth}-{width}": cifar(scale, seed, depth=depth, width=width, trained="shortcut+output")
        for width in WIDTHS[scale]
    }


@claim(
    id="without-bn-width-helps",
    sentence="Training shortcut and output layers alone gets better with width.",
    source=Source(work="frankle2021", place="figure of version 1", tag="D", reference="48.9 % (1) to 79.8 % (32)"),
    rule=MARGIN,
    grid=ONCE,
    runs=by_width,
    depends_on=CONTROLS,
    testable=dict.fromkeys(("smoke", "paper"), "to be decided from the sentence"),
    untestable={"pilot": "to be decided from the sentence"},
)
def test_without_bn_width_helps(evidence):
    evidence.find(levels=[evidence.accuracy(arm) for arm in by_width(evidence.scale, 0)])


def with_and_without(scale, seed, depth):
    return {
        "BatchNorm": cifar(scale, seed, depth=depth),
        "with shortcut + output": cifar(scale, seed, depth=depth, trained="batchnorm+shortcut+output"),
    }


@claim(
    id="extra-parts-help-shallow",
    sentence="Shortcut and output layers on top of BatchNorm gain 15 points at ResNet-14.",
    source=Source(work="frankle2021", place="figure of version 1", tag="D", reference="+14.9 points"),
    rule=Ordering(gap=7.45, reason="half of the published gap"),
    grid={"smoke": ({"depth": 14},), "pilot": ({"depth": 14},), "paper": ({"depth": 14},)},
    runs=with_and_without,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_extra_parts_help_shallow(evidence, depth):
    evidence.find(higher=evidence.accuracy("with shortcut + output"), lower=evidence.accuracy("BatchNorm"))


@claim(
    id="extra-parts-vanish",
    sentence="Shortcut and output layers on top of BatchNorm gain nothing at ResNet-434 and 866.",
    source=Source(work="frankle2021", place="figure of version 1", tag="D", reference="+0.6 and −0.4 points"),
    rule=NoChange(margin=1.0, reason="VERDICTS: accuracies printed to one decimal"),
    grid={"smoke": ({"depth": 32},), "pilot": (), "paper": ({"depth": 434}, {"depth": 866})},
    runs=with_and_without,
    depends_on=CONTROLS,
    testable=dict.fromkeys(("smoke", "paper"), "to be decided from the sentence"),
    untestable={"pilot": "to be decided from the sentence"},
    note="The paper's figure still has a gain at depth 32 (+9.1) and 56 (+8.3): away from the paper scale, this asks "
    "of small networks what the paper says of deep ones.",
)
def test_extra_parts_vanish(evidence, depth):
    evidence.find(before=evidence.accuracy("BatchNorm"), after=evidence.accuracy("with shortcut + output"))
