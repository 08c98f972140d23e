"""Figure 2 and the appendix: BatchNorm against as many, and more, random parameters."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure, Ordering
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

PER_CHANNEL = {"smoke": (2, 4, 8), "pilot": (2, 4, 8, 16), "paper": (2, 4, 8, 16, 32)}


def runs(scale, seed, depth, width):
    return {
        "BatchNorm": cifar(scale, seed, depth=depth, width=width),
        "2 random per channel": cifar(scale, seed, depth=depth, width=width, trained="random", k=2),
    }


@claim(
    id="beats-random-k",
    sentence="BatchNorm alone is far above the same number of randomly chosen parameters, 2 per channel.",
    source=Source(work="frankle2021", place="abstract and Figure 2", tag="P", reference="higher; values not readable"),
    rule=Ordering(gap=0.0, reason="the paper's gap could not be read, so only its direction is tested"),
    grid={
        scale: (
            *({"depth": depth, "width": 1} for depth in DEPTHS[scale]),
            *({"depth": WIDE_DEPTH[scale], "width": width} for width in WIDTHS[scale][1:]),
        )
        for scale in SCALES
    }
    | {"pilot": ({"depth": 8, "width": 1}, {"depth": 14, "width": 1})},
    runs=runs,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    primary=True,
)
def test_beats_random(evidence, depth, width):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("2 random per channel"))


def runs_by_k(scale, seed, depth):
    random = {f"{k} random": cifar(scale, seed, depth=depth, trained="random", k=k) for k in PER_CHANNEL[scale]}
    return {"BatchNorm": cifar(scale, seed, depth=depth), **random}


@claim(
    id="random-k-to-match",
    sentence="So many random parameters per channel equal BatchNorm alone.",
    source=Source(work="frankle2021", place="appendix", tag="?", reference=""),
    rule=Measure(reason="how many could not be read"),
    grid={"smoke": ({"depth": 8},), "pilot": (), "paper": ({"depth": 14}, {"depth": 56})},
    runs=runs_by_k,
    depends_on=CONTROLS,
    testable=dict.fromkeys(("smoke", "paper"), "to be decided from the sentence"),
    untestable={"pilot": "to be decided from the sentence"},
)
def test_random_k_to_match(evidence, depth):
    samples = {arm: evidence.accuracy(arm) for arm in runs_by_k(evidence.scale, 0, depth)}
    means = {arm: sum(sample.values) / len(sample.values) for arm, sample in samples.items()}
    for sample in samples.values():
        evidence.find(sample=sample)
    ks = PER_CHANNEL[evidence.scale]
    evidence.show(
        label=f"ResNet-{depth}: how many random parameters match",
        x_label="trained weights per channel",
        y_label="test accuracy, %",
        x=ks,
        lines={"random": tuple(means[f"{k} random"] for k in ks), "BatchNorm": (means["BatchNorm"],) * len(ks)},
    )
