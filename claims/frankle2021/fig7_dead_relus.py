"""Figure 7: how many ReLUs are off for nearly every input."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import FractionBound, Measure, Ordering
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

GRID = {
    scale: (
        *({"depth": depth, "width": 1} for depth in DEPTHS[scale]),
        *({"depth": WIDE_DEPTH[scale], "width": width} for width in WIDTHS[scale][1:]),
    )
    for scale in SCALES
} | {"pilot": ({"depth": 14, "width": 1},)}  # the pilot's only network with everything trained
UNIT = "whether a ReLU is a unit or a channel, over training or test images: judged by unit over the test images"


def everything(scale, seed, depth, width):
    return {"all": cifar(scale, seed, depth=depth, width=width, trained="all")}


def both(scale, seed, depth, width):
    return {"BatchNorm": cifar(scale, seed, depth=depth, width=width), **everything(scale, seed, depth, width)}


@claim(
    id="dead-relus",
    sentence="More ReLUs have Pr[activation = 0] > 0.99 with BatchNorm alone trained than with everything trained.",
    source=Source(work="frankle2021", place="Figure 7", tag="R", reference="more; values not readable"),
    rule=Ordering(gap=0.0, reason="the figure's values could not be read, so only the direction is tested"),
    grid=GRID,
    runs=both,
    depends_on=CONTROLS,
    testable={
        "smoke": "a direction by depth and width, and no data set is named",
        "pilot": "a direction by depth and width",
        "paper": "the figure's own networks, data and schedule",
    },
    definition_open=UNIT,
)
def test_dead_relus(evidence, depth, width):
    evidence.find(higher=evidence.dead_relus("BatchNorm"), lower=evidence.dead_relus("all"))


@claim(
    id="dead-relus-by-channel",
    sentence="The same share where a ReLU is a whole channel.",
    source=Source(work="frankle2021", place="Figure 7", tag="?", reference=""),
    rule=Measure(reason="the figure's values could not be read, nor whether it counts units or channels"),
    grid=GRID,
    runs=both,
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "the other reading of the figure, measured beside the one that is judged"),
)
def test_dead_relus_by_channel(evidence, depth, width):
    for arm in ("BatchNorm", "all"):
        channels = min(run.measurement("relus")["channels"] for run in evidence.runs(arm))
        sample = evidence.sample(arm, dead_channels, label=f"{arm}, channels", unit="share", step=1 / channels)
        evidence.find(sample=sample)


def dead_channels(run):
    return run.measurement("relus")["share_dead_channels"]


@claim(
    id="alive-relus-when-all",
    sentence="With everything trained, activations are not disabled.",
    source=Source(work="frankle2021", place="Figure 7", tag="R", reference="near 0"),
    rule=FractionBound(limit=0.05, side="at most", reason="RULES.md: 'near 0' is at most a twentieth"),
    grid=GRID,
    runs=everything,
    depends_on=CONTROLS,
    testable={"paper": "the figure's own networks, data and schedule"},
    untestable=dict.fromkeys(("smoke", "pilot"), "a share belongs to its networks, data and schedule"),
    definition_open=UNIT,
)
def test_alive_relus(evidence, depth, width):
    evidence.find(sample=evidence.dead_relus("all"))
