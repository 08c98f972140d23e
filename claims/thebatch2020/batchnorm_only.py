"""The Batch's account of the paper: 93 % against 83 %, and depth before width."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Ordering, Point
from repro.recipes import DEPTHS, SCALES, cifar

DEEPEST = {scale: ({"depth": DEPTHS[scale][-1]},) for scale in SCALES}
ABOUT = Point(margin=2.0, reason="VERDICTS: a number printed to whole points")


def batchnorm(scale, seed, depth):
    return {"BatchNorm": cifar(scale, seed, depth=depth)}


def everything(scale, seed, depth):
    return {"all": cifar(scale, seed, depth=depth, trained="all")}


@claim(
    id="thebatch-bn-only",
    sentence="Training BatchNorm alone reached 83 % on CIFAR-10.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="83 %"),
    rule=ABOUT,
    grid=DEEPEST,
    runs=batchnorm,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_bn_only(evidence, depth):
    evidence.find(sample=evidence.accuracy("BatchNorm"), reference=83.0)


@claim(
    id="thebatch-full-training",
    sentence="Training all parameters of the same network reached 93 %.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="93 %"),
    rule=ABOUT,
    grid=DEEPEST | {"pilot": ({"depth": 14},)},
    runs=everything,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_full_training(evidence, depth):
    evidence.find(sample=evidence.accuracy("all"), reference=93.0)


# A deep and a wide network with about the same number of BatchNorm parameters, as in frankle2021's Figure 3.
PAIR = {"smoke": (32, 2), "pilot": (20, 2), "paper": (434, 32)}


def deep_and_wide(scale, seed):
    depth, width = PAIR[scale]
    shallow = 8 if scale == "pilot" else 14
    return {"deep": cifar(scale, seed, depth=depth), "wide": cifar(scale, seed, depth=shallow, width=width)}


@claim(
    id="thebatch-depth-beats-width",
    sentence="Adding layers helps BatchNorm-only training more than adding channels.",
    source=Source(work="thebatch2020", place="results", tag="R", reference="depth before width"),
    rule=Ordering(gap=0.0, reason="the source gives no number"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=deep_and_wide,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_depth_beats_width(evidence):
    evidence.find(higher=evidence.accuracy("deep"), lower=evidence.accuracy("wide"))
