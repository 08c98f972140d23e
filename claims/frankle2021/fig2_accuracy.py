"""Figure 2 and the abstract: how far BatchNorm alone gets."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Ordering, Point
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

# Test accuracy, %, digitised from v1: ResNet-D and WRN-14-W.
BY_DEPTH = {14: 48.3, 32: 57.6, 56: 62.9, 110: 69.7, 218: 75.9, 434: 80.0, 866: 82.4}
BY_WIDTH = {2: 53.3, 4: 59.6, 8: 64.4, 16: 68.2, 32: 73.4}
DEEPEST = {scale: ({"depth": DEPTHS[scale][-1]},) for scale in SCALES}
ABOUT = "VERDICTS: a number printed to whole points"
DECIMAL = "VERDICTS: a number printed to one decimal"
OTHER_DATA = (
    "The value belongs to CIFAR-10 and the paper's networks. Away from the paper scale, the answer says whether the "
    "number carries over, not whether the paper is right."
)


def batchnorm(scale, seed, depth, width=1):
    return {"BatchNorm": cifar(scale, seed, depth=depth, width=width)}


@claim(
    id="bn-only-cifar",
    sentence="Training BatchNorm alone takes a deep ResNet (866) to 82 % on CIFAR-10.",
    source=Source(work="frankle2021", place="abstract and Figure 2", tag="P", reference="82 %"),
    rule=Point(margin=2.0, reason=ABOUT),
    grid=DEEPEST,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    primary=True,
    note=OTHER_DATA,
)
def test_bn_only(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm"), reference=82.0)


@claim(
    id="bn-only-cifar-v1",
    sentence="Training BatchNorm alone takes a deep ResNet (866) to 83 % on CIFAR-10.",
    source=Source(work="frankle2021", place="abstract of arXiv version 1", tag="P", reference="83 %"),
    rule=Point(margin=2.0, reason=ABOUT),
    grid=DEEPEST,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    note=f"Versions 2 and 3 and ICLR say 82 %. {OTHER_DATA}",
)
def test_bn_only_v1(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm"), reference=83.0)


@claim(
    id="bn-only-by-depth",
    sentence="BatchNorm alone reaches these accuracies on ResNets of depth 14 to 866.",
    source=Source(work="frankle2021", place="Figure 2, left", tag="D", reference="48.3 % (14) to 82.4 % (866)"),
    rule=Point(margin=1.0, reason=DECIMAL),
    grid={scale: tuple({"depth": depth} for depth in DEPTHS[scale] if depth in BY_DEPTH) for scale in SCALES},
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    note=OTHER_DATA,
)
def test_bn_only_by_depth(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm"), reference=BY_DEPTH[depth])


@claim(
    id="bn-only-by-width",
    sentence="BatchNorm alone reaches these accuracies on WRN-14 of width 2 to 32.",
    source=Source(work="frankle2021", place="Figure 2, centre", tag="D", reference="53.3 % (2) to 73.4 % (32)"),
    rule=Point(margin=1.0, reason=DECIMAL),
    grid={
        "smoke": ({"depth": 14, "width": 2},),
        "pilot": ({"depth": 8, "width": 2},),
        "paper": tuple({"depth": 14, "width": width} for width in BY_WIDTH),
    },
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    note=OTHER_DATA,
)
def test_bn_only_by_width(evidence, depth, width):
    evidence.find(sample=evidence.accuracy("BatchNorm"), reference=BY_WIDTH[width])


def batchnorm_and_nothing(scale, seed, depth, width):
    return {
        "BatchNorm": cifar(scale, seed, depth=depth, width=width),
        "nothing": cifar(scale, seed, depth=depth, width=width, trained="none"),
    }


@claim(
    id="far-above-chance",
    sentence="Every BatchNorm-only network is far above an untrained one.",
    source=Source(work="frankle2021", place="Figure 2", tag="P", reference="48.3 % and more against 10 %"),
    rule=Ordering(gap=18.8, reason="half of the smallest published gap: ResNet-14, 48.3 % against 10.6 % untrained"),
    grid={
        scale: (
            *({"depth": depth, "width": 1} for depth in DEPTHS[scale]),
            *({"depth": WIDE_DEPTH[scale], "width": width} for width in WIDTHS[scale][1:]),
        )
        for scale in SCALES
    },
    runs=batchnorm_and_nothing,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    primary=True,
)
def test_far_above_chance(evidence, depth, width):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("nothing"))


@claim(
    id="full-training",
    sentence="Training all parameters of ResNet-866 reaches 93 %.",
    source=Source(work="frankle2021", place="Figure 2, as The Batch reports it", tag="R", reference="93 %"),
    rule=Point(margin=2.0, reason=ABOUT),
    grid=DEEPEST | {"pilot": ({"depth": 14},)},
    runs=lambda scale, seed, depth: {"all": cifar(scale, seed, depth=depth, trained="all")},
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    note=OTHER_DATA,
)
def test_full_training(evidence, depth):
    evidence.find(sample=evidence.accuracy("all"), reference=93.0)
