"""Figure 1: what training γ and β adds when everything else is trained as well."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Ordering
from repro.recipes import SCALES, cifar

GRID = {
    "smoke": ({"depth": 8, "width": 1}, {"depth": 14, "width": 1}, {"depth": 8, "width": 2}),
    "pilot": ({"depth": 8, "width": 1},),
    "paper": (
        *({"depth": depth, "width": 1} for depth in (14, 32, 56, 110, 218, 434, 866)),
        *({"depth": 14, "width": width} for width in (2, 4, 8, 16, 32)),
    ),
}


def runs(scale, seed, depth, width):
    return {
        "all": cifar(scale, seed, depth=depth, width=width, trained="all", norm_init="ones"),
        "all but γ, β": cifar(scale, seed, depth=depth, width=width, trained="all-but-batchnorm", norm_init="ones"),
    }


@claim(
    id="affine-helps-cifar",
    sentence="Training γ and β as well as everything else adds accuracy on CIFAR-10 ResNets and WRNs.",
    source=Source(work="frankle2021", place="Figure 1, left and centre", tag="P", reference="+0.5 to +2 points"),
    rule=Ordering(gap=0.25, reason="half of the smallest published gain, 0.5 points"),
    grid=GRID,
    runs=runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_affine_helps(evidence, depth, width):
    evidence.find(higher=evidence.accuracy("all"), lower=evidence.accuracy("all but γ, β"))
