"""Figures 1, 2 and 4 on ImageNet: what γ and β add, how far BatchNorm alone gets, and how many γ end near zero."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Fraction, Ordering, Point, Published
from repro.recipes import IMAGENET_DEPTHS, SCALES, imagenet

OWN_NETWORKS = {"paper": "the figure's own networks, data and schedule"}
NO_STAND_IN = dict.fromkeys(
    ("smoke", "pilot"), "the sentence names ImageNet and its networks, for which no small data set stands in"
)
SPLIT = "how a batch of 1024 images was split over devices, and so what BatchNorm saw: 8 processes of 128 images here"


def at_paper_scale(*points):
    return dict.fromkeys(SCALES, ()) | {"paper": points}


def batchnorm(scale, seed, depth):
    return {"BatchNorm": imagenet(scale, seed, depth=depth)}


def with_and_without(scale, seed, depth):
    return {
        "all": imagenet(scale, seed, depth=depth, trained="all", norm_init="ones"),
        "all but γ, β": imagenet(scale, seed, depth=depth, trained="all-but-batchnorm", norm_init="ones"),
    }


@claim(
    id="affine-helps-imagenet",
    sentence="Training γ and β as well as everything else adds about 2 points on ImageNet ResNets.",
    source=Source(work="frankle2021", place="Figure 1, right", tag="P", reference="about +2 points"),
    rule=Ordering(gap=1.0, reason="half of the published gain, about 2 points"),
    grid=at_paper_scale(*({"depth": depth} for depth in IMAGENET_DEPTHS)),
    runs=with_and_without,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NO_STAND_IN,
    definition_open=SPLIT,
    note="Top-1 accuracy; with γ = 1, β = 0 at the start, as the slide at this figure notes.",
)
def test_affine_helps_imagenet(evidence, depth):
    evidence.find(higher=evidence.accuracy("all"), lower=evidence.accuracy("all but γ, β"))


@claim(
    id="bn-only-imagenet",
    sentence="Training BatchNorm alone takes ResNet-200 to 32 % top-5 accuracy on ImageNet.",
    source=Source(work="frankle2021", place="abstract and Figure 2", tag="P", reference="32 %", version="ICLR"),
    rule=Point(margin=2.0, reason="RULES.md: a number printed to whole points"),
    grid=at_paper_scale({"depth": 200}),
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NO_STAND_IN,
    primary=True,
    definition_open=SPLIT,
)
def test_bn_only_imagenet(evidence, depth):
    reference = Published(value=32.0, replicates=3, reading_error=0.5, version="ICLR")
    evidence.find(sample=evidence.top5("BatchNorm", f"ResNet-{depth}, top-5"), reference=reference)


@claim(
    id="gamma-third-imagenet",
    sentence="In BatchNorm-only ResNet-101 on ImageNet, 33 % of γ end with |γ| < 0.01.",
    source=Source(work="frankle2021", place="Figure 4, as slides report it", tag="R", reference="33 %"),
    rule=Fraction(margin=0.02, reason="RULES.md: a number printed to whole points"),
    grid=at_paper_scale({"depth": 101}),
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=OWN_NETWORKS,
    untestable=NO_STAND_IN,
    definition_open=SPLIT,
)
def test_gamma_third_imagenet(evidence, depth):
    reference = Published(value=0.33, replicates=3, reading_error=0.005)
    evidence.find(sample=evidence.small_gamma("BatchNorm", 0.01, "share of |γ| < 0.01"), reference=reference)
