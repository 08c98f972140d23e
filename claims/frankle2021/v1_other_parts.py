"""A figure of version 1: what the shortcut and output layers can do without, and on top of, BatchNorm."""

from repro.claim import CONTROLS, LOOKS, Source, claim
from repro.compare import NoChange, Ordering, Trend
from repro.recipes import SCALES, WIDE_DEPTH, WIDTHS, cifar

FIGURE = "figure of version 1"
OWN_NETWORKS = {"paper": "the figure's own networks, data and schedule"}
BY_NAME = dict.fromkeys(("smoke", "pilot"), "the sentence is about networks by name")


def without_batchnorm(scale, seed, shallow, deep):
    return {
        arm: cifar(scale, seed, depth=depth, trained="shortcut+output")
        for arm, depth in (("shallow", shallow), ("deep", deep))
    }


def find_falling(evidence, shallow, deep):
    below = evidence.accuracy("deep", f"ResNet-{deep}")
    evidence.find(higher=evidence.accuracy("shallow", f"ResNet-{shallow}"), lower=below)


# From ResNet-218 on the figure is near chance, where no order is claimed, so that two steps are left.
@claim(
    id="without-bn-depth-fails",
    sentence="Training shortcut and output layers alone, ResNet-14 is above ResNet-56.",
    source=Source(work="frankle2021", place=FIGURE, tag="D", reference="48.9 % (14), 42.6 % (56)", version="v1"),
    rule=Ordering(gap=3.15, reason="half of the published step, 6.3 points"),
    grid={"smoke": (), "pilot": (), "paper": ({"shallow": 14, "deep": 56},)},
    runs=without_batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=BY_NAME,
)
def test_without_bn_depth_fails(evidence, shallow, deep):
    find_falling(evidence, shallow, deep)


@claim(
    id="without-bn-depth-fails-deeper",
    sentence="Training shortcut and output layers alone, ResNet-56 is above ResNet-110.",
    source=Source(work="frankle2021", place=FIGURE, tag="D", reference="42.6 % (56), 19.2 % (110)", version="v1"),
    rule=Ordering(gap=11.7, reason="half of the published step, 23.4 points"),
    grid={"smoke": (), "pilot": (), "paper": ({"shallow": 56, "deep": 110},)},
    runs=without_batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=BY_NAME,
)
def test_without_bn_depth_fails_deeper(evidence, shallow, deep):
    find_falling(evidence, shallow, deep)


def by_width(scale, seed):
    depth = WIDE_DEPTH[scale]
    return {
        f"WRN-{depth}-{width}": cifar(scale, seed, depth=depth, width=width, trained="shortcut+output")
        for width in WIDTHS[scale]
    }


@claim(
    id="without-bn-width-helps",
    sentence="Training shortcut and output layers alone gets better with width.",
    source=Source(work="frankle2021", place=FIGURE, tag="D", reference="48.9 % (1) to 79.8 % (32)", version="v1"),
    rule=Trend(margin=1.0, reason="RULES.md: the smallest margin; the published steps are +2.4 points and more"),
    grid={"smoke": ({},), "pilot": (), "paper": ({},)},
    runs=by_width,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS | {"smoke": "a direction along width, and no data set is named"},
    untestable={"pilot": "no run of the pilot trains it: the 6 core-hours of two widths are spent on BatchNorm"},
    looks=LOOKS | {"smoke": (4,)},  # two widths: with three seeds the smallest p of a trend is 1/20, with four 1/70
)
def test_without_bn_width_helps(evidence):
    evidence.find(samples=[evidence.accuracy(arm) for arm in by_width(evidence.scale, 0)])


def with_and_without(scale, seed, depth):
    return {
        "BatchNorm": cifar(scale, seed, depth=depth),
        "with shortcut + output": cifar(scale, seed, depth=depth, trained="batchnorm+shortcut+output"),
    }


@claim(
    id="extra-parts-help-shallow",
    sentence="Shortcut and output layers on top of BatchNorm gain 15 points at ResNet-14.",
    source=Source(work="frankle2021", place=FIGURE, tag="D", reference="+14.9 points", version="v1"),
    rule=Ordering(gap=7.45, reason="half of the published gain"),
    grid=dict.fromkeys(SCALES, ({"depth": 14},)),
    runs=with_and_without,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS | {"pilot": "the network and the data that the sentence is about"},
    untestable={"smoke": "the gap is one of accuracies on CIFAR-10"},
)
def test_extra_parts_help_shallow(evidence, depth):
    evidence.find(higher=evidence.accuracy("with shortcut + output"), lower=evidence.accuracy("BatchNorm"))


CHANGE = {434: 0.6, 866: -0.4}  # points, as the figure has them


@claim(
    id="extra-parts-vanish",
    sentence="Shortcut and output layers on top of BatchNorm gain nothing at ResNet-434 and 866.",
    source=Source(work="frankle2021", place=FIGURE, tag="D", reference="+0.6 and −0.4 points", version="v1"),
    rule=NoChange(margin=2.0, reason="RULES.md: numbers read off a plot; around the change that the figure itself has"),
    grid={"smoke": (), "pilot": (), "paper": ({"depth": 434}, {"depth": 866})},
    runs=with_and_without,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=BY_NAME,
    note="The same figure still has a gain at depths 32 (+9.1) and 56 (+8.3), so small networks have nothing to say.",
)
def test_extra_parts_vanish(evidence, depth):
    after = evidence.accuracy("with shortcut + output")
    evidence.find(before=evidence.accuracy("BatchNorm"), after=after, centre=CHANGE[depth])
