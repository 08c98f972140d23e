"""Figure 1: what training γ and β adds when everything else is trained as well."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure, Ordering, paired_differences
from repro.recipes import DEPTHS, SCALES, WIDTHS, cifar

GRID = {
    "smoke": (),
    "pilot": ({"depth": 8, "width": 1},),
    "paper": (
        *({"depth": depth, "width": 1} for depth in DEPTHS["paper"]),
        *({"depth": 14, "width": width} for width in WIDTHS["paper"][1:]),
    ),
}


def arms(scale, seed, depth, width, norm_init):
    return {
        "all": cifar(scale, seed, depth=depth, width=width, trained="all", norm_init=norm_init),
        "all but γ, β": cifar(scale, seed, depth=depth, width=width, trained="all-but-batchnorm", norm_init=norm_init),
    }


@claim(
    id="affine-helps-cifar",
    sentence="Training γ and β as well as everything else adds accuracy on CIFAR-10 ResNets and WRNs.",
    source=Source(work="frankle2021", place="Figure 1, left and centre", tag="P", reference="+0.5 to +2 points"),
    rule=Ordering(gap=0.25, reason="half of the smallest published gain, 0.5 points"),
    grid=GRID,
    runs=lambda scale, seed, depth, width: arms(scale, seed, depth, width, "ones"),
    depends_on=CONTROLS,
    testable={
        "pilot": "the sentence is about ResNets on CIFAR-10, of whatever depth",
        "paper": "the figure's own networks, data and schedule",
    },
    untestable={"smoke": "the sentence names CIFAR-10, and the gap is half a point of its accuracy"},
    note="With γ = 1, β = 0 at the start, as the slide at this figure notes; U(0, 1) is measured beside it.",
)
def test_affine_helps(evidence, depth, width):
    evidence.find(higher=evidence.accuracy("all"), lower=evidence.accuracy("all but γ, β"))


@claim(
    id="affine-helps-cifar-uniform",
    sentence="The same gain where γ starts at U(0, 1), the default of the authors' framework.",
    source=Source(work="frankle2021", place="Figure 1, left and centre", tag="?", reference=""),
    rule=Measure(reason="the figure starts at γ = 1, so there is nothing published to hold this against"),
    grid=GRID | {"pilot": ()},
    runs=lambda scale, seed, depth, width: arms(scale, seed, depth, width, "uniform"),
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "a measurement beside the figure, with no value to hold it against"),
)
def test_affine_helps_uniform(evidence, depth, width):
    without, everything = evidence.accuracy("all but γ, β"), evidence.accuracy("all")
    evidence.find(sample=paired_differences(without, everything))
