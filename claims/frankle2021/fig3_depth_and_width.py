"""Figures 2 and 3: deeper and wider are better, and depth is worth more than width."""

import math

from repro.claim import CONTROLS, LOOKS, Source, claim
from repro.compare import Ordering, Sample, Trend
from repro.recipes import DEPTHS, SCALES, WIDE_DEPTH, WIDTHS, cifar

MARGIN = Trend(margin=1.0, reason="VERDICTS: accuracies printed to one decimal")
ONCE = dict.fromkeys(SCALES, ({},))


def by_depth(scale, seed):
    return {f"ResNet-{depth}": cifar(scale, seed, depth=depth) for depth in DEPTHS[scale]}


def by_width(scale, seed):
    depth = WIDE_DEPTH[scale]
    return {f"WRN-{depth}-{width}": cifar(scale, seed, depth=depth, width=width) for width in WIDTHS[scale]}


@claim(
    id="deeper-is-better",
    sentence="BatchNorm-only accuracy rises with depth.",
    source=Source(work="frankle2021", place="Figure 2, left", tag="P", reference="monotone"),
    rule=MARGIN,
    grid=ONCE,
    runs=by_depth,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    primary=True,
)
def test_deeper_is_better(evidence):
    evidence.find(levels=[evidence.accuracy(arm) for arm in by_depth(evidence.scale, 0)])


@claim(
    id="wider-is-better",
    sentence="BatchNorm-only accuracy rises with width.",
    source=Source(work="frankle2021", place="Figure 2, centre", tag="P", reference="monotone"),
    rule=MARGIN,
    grid=ONCE,
    runs=by_width,
    depends_on=CONTROLS,
    looks=LOOKS | {"pilot": (4,)},  # the smallest p of two levels is 1/20 with three seeds, 1/70 with four
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
    primary=True,
)
def test_wider_is_better(evidence):
    evidence.find(levels=[evidence.accuracy(arm) for arm in by_width(evidence.scale, 0)])


# A deep and a wide network with about the same number of BatchNorm parameters: 2.46K and 2.24K; 32.5K and 35.8K.
PAIR = {"smoke": (32, 2), "pilot": (20, 2), "paper": (434, 32)}


def deep_and_wide(scale, seed):
    depth, width = PAIR[scale]
    shallow = 8 if scale == "pilot" else 14
    return {"deep": cifar(scale, seed, depth=depth), "wide": cifar(scale, seed, depth=shallow, width=width)}


@claim(
    id="depth-beats-width",
    sentence="At about the same number of BatchNorm parameters, depth beats width: ResNet-434 against WRN-14-32.",
    source=Source(
        work="frankle2021", place="text at Figures 2 and 3, as slides report it", tag="R", reference="+7 points"
    ),
    rule=Ordering(gap=3.5, reason="half of the published gap"),
    grid=ONCE,
    runs=deep_and_wide,
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_depth_beats_width(evidence):
    depth, width = PAIR[evidence.scale]
    deep, wide = evidence.accuracy("deep", f"ResNet-{depth}"), evidence.accuracy("wide", f"WRN-14-{width}")
    evidence.find(higher=deep, lower=wide)


@claim(
    id="accuracy-by-bn-count",
    sentence="Accuracy against the number of BatchNorm parameters rises more steeply with depth than with width.",
    source=Source(work="frankle2021", place="Figure 3, as slides report it", tag="R", reference="depth steeper"),
    rule=Ordering(gap=0.0, reason="the figure's slopes could not be read, so only their order is tested"),
    grid=ONCE,
    runs=lambda scale, seed: by_depth(scale, seed) | by_width(scale, seed),
    depends_on=CONTROLS,
    testable=dict.fromkeys(SCALES, "to be decided from the sentence"),
)
def test_accuracy_by_bn_count(evidence):
    depth = slope(evidence, "by depth", by_depth(evidence.scale, 0))
    evidence.find(higher=depth, lower=slope(evidence, "by width", by_width(evidence.scale, 0)))


def slope(evidence, label, arms):
    """Least-squares slope of accuracy over log2 of the number of BatchNorm parameters, points a doubling, by seed."""
    accuracies = [evidence.accuracy(arm) for arm in arms]
    counts = [evidence.counts(arm)["batchnorm"] for arm in arms]
    x = [math.log2(count) for count in counts]
    middle = sum(x) / len(x)
    weights = [(value - middle) / sum((other - middle) ** 2 for other in x) for value in x]
    values = [
        sum(w * sample.values[i] for w, sample in zip(weights, accuracies, strict=True))
        for i in range(len(accuracies[0].values))
    ]
    means = tuple(sum(sample.values) / len(sample.values) for sample in accuracies)
    evidence.show(
        label=f"accuracy {label}",
        x_label="BatchNorm parameters",
        y_label="test accuracy, %",
        x=tuple(float(count) for count in counts),
        lines={label: means},
    )
    step = accuracies[0].step / (max(x) - min(x))
    return Sample(label=f"slope {label}", values=tuple(values), seeds=accuracies[0].seeds, unit="points", step=step)
