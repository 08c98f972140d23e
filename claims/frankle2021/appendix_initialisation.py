"""Appendix and version 1: the choice of initial weights, γ and β matters little."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure, Ordering, paired_differences
from repro.recipes import SCALES, cifar

DEPTHS = (14, 56)
NORMS = ("ones", "ones-ones", "uniform-symmetric")
WEIGHTS = ("he-uniform", "orthogonal", "binary")
FIGURE = {14: "+2.4", 56: "+1.9"}  # points, as the figure of version 1 has them


def norm_runs(scale, seed, depth, norm_init):
    return {
        "U(0, 1), 0": cifar(scale, seed, depth=depth),
        norm_init: cifar(scale, seed, depth=depth, norm_init=norm_init),
    }


@claim(
    id="bn-init-matters-little",
    sentence="Another initialisation of γ and β moves BatchNorm-only accuracy by a few points, up.",
    source=Source(
        work="frankle2021",
        place="figure of version 1; appendix",
        tag="D",
        reference="+1.1 to +3.3 points, by network: ResNet-14 +2.4, ResNet-56 +1.9",
        version="v1",
    ),
    rule=Measure(reason="which initialisation the figure used is not known, so that none is required to match it"),
    grid={"smoke": (), "pilot": (), "paper": tuple({"depth": d, "norm_init": n} for d in DEPTHS for n in NORMS)},
    runs=norm_runs,
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "each candidate is measured beside the network's own published difference"),
)
def test_bn_init(evidence, depth, norm_init):
    figure = f" (the figure's initialisation: {FIGURE[depth]} points)" if depth in FIGURE else ""
    other = evidence.accuracy(norm_init, f"ResNet-{depth}, {norm_init}{figure}")
    evidence.find(sample=paired_differences(evidence.accuracy("U(0, 1), 0"), other))


def weight_runs(scale, seed, depth, weight_init):
    return {
        "BatchNorm": cifar(scale, seed, depth=depth, weight_init=weight_init),
        "2 random per channel": cifar(scale, seed, depth=depth, weight_init=weight_init, trained="random", k=2),
    }


@claim(
    id="weight-init-matters-little",
    sentence="The conclusion stays with He uniform, orthogonal or binary weights: BatchNorm alone beats random ones.",
    source=Source(work="frankle2021", place="appendix", tag="P", reference="same conclusion; values not readable"),
    rule=Ordering(gap=0.0, reason="no value could be read, so only the direction is tested"),
    grid={
        "smoke": tuple({"depth": 8, "weight_init": w} for w in WEIGHTS),
        "pilot": ({"depth": 8, "weight_init": "binary"},),  # the one least like He normal weights
        "paper": tuple({"depth": d, "weight_init": w} for d in DEPTHS for w in WEIGHTS),
    },
    runs=weight_runs,
    depends_on=CONTROLS,
    testable={
        "smoke": "a direction, said of the conclusion in general",
        "pilot": "a direction, said of the conclusion in general",
        "paper": "the paper's own networks, data and schedule",
    },
)
def test_weight_init(evidence, depth, weight_init):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("2 random per channel"))
