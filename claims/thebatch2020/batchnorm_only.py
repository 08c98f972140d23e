"""The Batch's account of the paper: 93 % against 83 %, and depth before width."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Ordering, Point, Published
from repro.recipes import DEPTHS, SCALES, cifar

DEEPEST = {scale: ({"depth": DEPTHS[scale][-1]},) for scale in SCALES}
WHOLE = Point(margin=2.0, reason="RULES.md: a number printed to whole points")
OWN_NETWORKS = {"paper": "the paper's own network, data and schedule"}
NUMBER = dict.fromkeys(("smoke", "pilot"), "a number belongs to its network, data and schedule")


def printed(value):
    """A mean of five runs, printed to whole points."""
    return Published(value=value, replicates=5, reading_error=0.5)


@claim(
    id="thebatch-bn-only",
    sentence="Training BatchNorm alone reached 83 % on CIFAR-10.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="83 %"),
    rule=WHOLE,
    grid=DEEPEST,
    runs=lambda scale, seed, depth: {"BatchNorm": cifar(scale, seed, depth=depth)},
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
    same_as="bn-only-cifar-v1",
)
def test_bn_only(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm", f"ResNet-{depth}"), reference=printed(83.0))


@claim(
    id="thebatch-full-training",
    sentence="Training all parameters of the same network reached 93 %.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="93 %"),
    rule=WHOLE,
    grid=DEEPEST | {"pilot": ({"depth": 14},)},
    runs=lambda scale, seed, depth: {"all": cifar(scale, seed, depth=depth, trained="all")},
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NUMBER,
    same_as="full-training",
)
def test_full_training(evidence, depth):
    evidence.find(sample=evidence.accuracy("all", f"ResNet-{depth}"), reference=printed(93.0))


# A deep and a wide network with about the same number of BatchNorm parameters, as in frankle2021's Figure 3.
PAIR = {"smoke": (20, 8, 2), "pilot": (20, 8, 2), "paper": (434, 14, 32)}


def deep_and_wide(scale, seed):
    deep, shallow, width = PAIR[scale]
    return {"deep": cifar(scale, seed, depth=deep), "wide": cifar(scale, seed, depth=shallow, width=width)}


@claim(
    id="thebatch-depth-beats-width",
    sentence="Adding layers helps BatchNorm-only training more than adding channels.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="depth before width"),
    rule=Ordering(gap=0.0, reason="the source gives no number"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=deep_and_wide,
    depends_on=CONTROLS,
    testable={
        "smoke": "a direction, said of adding layers or channels in general",
        "pilot": "a direction, said of adding layers or channels in general",
        "paper": "the paper's own networks, data and schedule",
    },
)
def test_depth_beats_width(evidence):
    deep, shallow, width = PAIR[evidence.scale]
    wide = evidence.accuracy("wide", f"WRN-{shallow}-{width}")
    evidence.find(higher=evidence.accuracy("deep", f"ResNet-{deep}"), lower=wide)
