"""Figure 2 and the appendix: BatchNorm against as many, and more, random parameters."""

import math

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure, Ordering, Sample
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

PER_CHANNEL = (2, 4, 8, 16, 32)


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
    testable={
        "smoke": "a direction at every depth and width, and no data set is named",
        "pilot": "a direction at every depth and width",
        "paper": "the paper's own networks, data and schedule",
    },
    primary=True,
)
def test_beats_random(evidence, depth, width):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("2 random per channel"))


def runs_by_k(scale, seed, depth):
    random = {f"{k} random": cifar(scale, seed, depth=depth, trained="random", k=k) for k in PER_CHANNEL}
    return {"BatchNorm": cifar(scale, seed, depth=depth), **random}


@claim(
    id="random-k-to-match",
    sentence="So many random parameters per channel equal BatchNorm alone.",
    source=Source(work="frankle2021", place="appendix", tag="?", reference=""),
    rule=Measure(reason="how many could not be read"),
    grid={"smoke": (), "pilot": (), "paper": ({"depth": 14}, {"depth": 56})},
    runs=runs_by_k,
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "an estimate, as the source's number could not be read"),
    note="A channel of the stem has 27 weights: k = 32 trains all of them there, and 32 everywhere else.",
)
def test_random_k_to_match(evidence, depth):
    batchnorm = evidence.accuracy("BatchNorm")
    random = [evidence.accuracy(f"{k} random") for k in PER_CHANNEL]
    for sample in (batchnorm, *random):
        evidence.find(sample=sample)
    matching = [
        where_line_reaches(target, [math.log2(k) for k in PER_CHANNEL], [sample.values[index] for sample in random])
        for index, target in enumerate(batchnorm.values)
    ]
    if all(math.isfinite(value) for value in matching):
        label = "log2 of the k that matches (a line through accuracy over log2 k, seed by seed)"
        evidence.find(sample=Sample(label=label, values=tuple(matching), seeds=batchnorm.seeds, unit="", step=0.01))
    evidence.show(
        label=f"ResNet-{depth}: how many random parameters match",
        x_label="trained weights per channel",
        y_label="test accuracy, %",
        x=PER_CHANNEL,
        lines={"random": tuple(map(mean, random)), "BatchNorm": (mean(batchnorm),) * len(PER_CHANNEL)},
    )


def mean(sample):
    return sum(sample.values) / len(sample.values)


def where_line_reaches(target, x, y):
    """Where the least-squares line through the points has the value ``target``; infinite unless the line rises."""
    middle, level = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - middle) * (b - level) for a, b in zip(x, y, strict=True)) / sum((a - middle) ** 2 for a in x)
    return middle + (target - level) / slope if slope > 0 else math.inf
