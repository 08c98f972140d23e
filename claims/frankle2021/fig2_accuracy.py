"""Figure 2 and the abstract: how far BatchNorm alone gets."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Ordering, Point, Published
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

# Test accuracy, %, read off the figure of version 1: ResNet-D and WRN-14-W, each the mean of five runs.
BY_DEPTH = {14: 48.3, 32: 57.6, 56: 62.9, 110: 69.7, 218: 75.9, 434: 80.0, 866: 82.4}
BY_WIDTH = {2: 53.3, 4: 59.6, 8: 64.4, 16: 68.2, 32: 73.4}
ROUGH = {48.3, 75.9, 80.0, 82.4, 73.4}  # read to ± 0.6 points, the others to ± 0.3
DEEPEST = {scale: ({"depth": DEPTHS[scale][-1]},) for scale in SCALES}
WHOLE = Point(margin=2.0, reason="RULES.md: a number printed to whole points")
READ_OFF = Point(margin=2.0, reason="RULES.md: a number read off a plot")
OWN_NETWORKS = {"paper": "the paper's own network, data and schedule"}
NUMBER = dict.fromkeys(("smoke", "pilot"), "a number belongs to its network, data and schedule")


def batchnorm(scale, seed, depth, width=1):
    return {"BatchNorm": cifar(scale, seed, depth=depth, width=width)}


def everything(scale, seed, depth):
    return {"all": cifar(scale, seed, depth=depth, trained="all")}


def read_off(value):
    """A mean of five runs as digitised from version 1's figure."""
    return Published(value=value, replicates=5, reading_error=0.6 if value in ROUGH else 0.3, version="v1")


def printed(value, version="ICLR"):
    """A mean of five runs, printed to whole points."""
    return Published(value=value, replicates=5, reading_error=0.5, version=version)


@claim(
    id="bn-only-cifar",
    sentence="Training BatchNorm alone takes a deep ResNet (866) to 82 % on CIFAR-10.",
    source=Source(work="frankle2021", place="abstract and Figure 2", tag="P", reference="82 %", version="ICLR"),
    rule=WHOLE,
    grid=DEEPEST,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
    primary=True,
)
def test_bn_only(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm", f"ResNet-{depth}"), reference=printed(82.0))


@claim(
    id="bn-only-cifar-v1",
    sentence="Training BatchNorm alone takes a deep ResNet (866) to 83 % on CIFAR-10.",
    source=Source(work="frankle2021", place="abstract of version 1", tag="P", reference="83 %", version="v1"),
    rule=WHOLE,
    grid=DEEPEST,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
    note="Versions 2 and 3 and ICLR say 82 %.",
)
def test_bn_only_v1(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm", f"ResNet-{depth}"), reference=printed(83.0, "v1"))


@claim(
    id="bn-only-by-depth",
    sentence="BatchNorm alone reaches these accuracies on ResNets of depth 14 to 866.",
    source=Source(
        work="frankle2021",
        place="figure of version 1, by depth",
        tag="D",
        reference="48.3 % (14) to 82.4 % (866)",
        version="v1",
    ),
    rule=READ_OFF,
    grid={scale: tuple({"depth": depth} for depth in DEPTHS[scale] if depth in BY_DEPTH) for scale in SCALES},
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
)
def test_bn_only_by_depth(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm", f"ResNet-{depth}"), reference=read_off(BY_DEPTH[depth]))


@claim(
    id="bn-only-by-width",
    sentence="BatchNorm alone reaches these accuracies on WRN-14 of width 2 to 32.",
    source=Source(
        work="frankle2021",
        place="figure of version 1, by width",
        tag="D",
        reference="53.3 % (2) to 73.4 % (32)",
        version="v1",
    ),
    rule=READ_OFF,
    grid={
        "smoke": ({"depth": 8, "width": 2},),
        "pilot": ({"depth": 8, "width": 2},),
        "paper": tuple({"depth": 14, "width": width} for width in BY_WIDTH),
    },
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
)
def test_bn_only_by_width(evidence, depth, width):
    sample = evidence.accuracy("BatchNorm", f"WRN-{depth}-{width}")
    evidence.find(sample=sample, reference=read_off(BY_WIDTH[width]))


def batchnorm_and_nothing(scale, seed, depth, width):
    return {
        "BatchNorm": cifar(scale, seed, depth=depth, width=width),
        "nothing": cifar(scale, seed, depth=depth, width=width, trained="none"),
    }


@claim(
    id="far-above-chance",
    sentence="Every BatchNorm-only network is far above an untrained one.",
    source=Source(work="frankle2021", place="Figure 2", tag="P", reference="48.3 % and more against 10 %"),
    rule=Ordering(
        gap=18.85, reason="'far' is half of the smallest gap in version 1: ResNet-14, 48.3 % against 10.6 % untrained"
    ),
    grid={
        scale: (
            *({"depth": depth, "width": 1} for depth in DEPTHS[scale]),
            *({"depth": WIDE_DEPTH[scale], "width": width} for width in WIDTHS[scale][1:]),
        )
        for scale in SCALES
    },
    runs=batchnorm_and_nothing,
    depends_on=CONTROLS,
    testable={
        "smoke": "the sentence says it of every network trained so, and chance is 10 % here too",
        "pilot": "the sentence says it of every network trained so",
        "paper": "the paper's own networks, data and schedule",
    },
    primary=True,
)
def test_far_above_chance(evidence, depth, width):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("nothing"))


@claim(
    id="full-training",
    sentence="Training all parameters of ResNet-866 reaches 93 %.",
    source=Source(work="frankle2021", place="Figure 2, as The Batch reports it", tag="R", reference="93 %"),
    rule=WHOLE,
    grid=DEEPEST | {"pilot": ({"depth": 14},)},
    runs=everything,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
)
def test_full_training(evidence, depth):
    evidence.find(sample=evidence.accuracy("all", f"ResNet-{depth}"), reference=printed(93.0, ""))
