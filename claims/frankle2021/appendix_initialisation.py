"""Appendix and version 1: the choice of initial weights, γ and β matters little."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Ordering, Point, paired_differences
from repro.recipes import SCALES, cifar

DEPTHS = {"smoke": (8,), "pilot": (), "paper": (14, 56)}
NORMS = ("ones", "ones-ones", "uniform-symmetric")
WEIGHTS = ("he-uniform", "orthogonal", "binary")


def norm_runs(scale, seed, depth, norm_init):
    return {
        "U(0, 1), 0": cifar(scale, seed, depth=depth),
        norm_init: cifar(scale, seed, depth=depth, norm_init=norm_init),
    }


@claim(
    id="bn-init-matters-little",
    sentence="Another initialisation of γ and β moves BatchNorm-only accuracy by a few points, up.",
    source=Source(work="frankle2021", place="figure of version 1; appendix", tag="D", reference="+1.1 to +3.3 points"),
    rule=Point(margin=1.1, reason="the published range, +1.1 to +3.3 points, is 2.2 ± 1.1"),
    grid={s: tuple({"depth": d, "norm_init": n} for d in DEPTHS[s] for n in NORMS) for s in SCALES},
    runs=norm_runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(("smoke", "paper"), "to be decided from the sentence"),
    untestable={"pilot": "to be decided from the sentence"},
    note="Which initialisation the figure used is not known: each candidate is judged.",
)
def test_bn_init(evidence, depth, norm_init):
    usual, other = evidence.accuracy("U(0, 1), 0"), evidence.accuracy(norm_init)
    evidence.find(sample=paired_differences(usual, other), reference=2.2)


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
    grid={s: tuple({"depth": d, "weight_init": w} for d in DEPTHS[s] for w in WEIGHTS) for s in SCALES}
    | {"pilot": ({"depth": 8, "weight_init": "binary"},)},
    runs=weight_runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_weight_init(evidence, depth, weight_init):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("2 random per channel"))
