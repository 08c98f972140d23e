"""Figure 5: test error against size, with and without label noise."""

from repro.claim import Source, claim
from repro.compare import FractionBound, Measure, Ordering, Trend
from repro.recipes import DOUBLE_DESCENT, sequence

CONTROLS = ("control-judge", "m1d-control-data", "m1d-control-shuffled-labels")
# Hidden sizes of the notebook from 16 on, where it prints the first turn.
SIZES = (16, 21, 27, 36, 47, 61, 80, 104, 135, 177, 230, 300)
NOISE = 0.15
OWN = {"paper": "the paper's own data, networks and protocol"}
NOT_BEFORE = {
    "smoke": "a peak where training error reaches zero needs training until it does",
    "pilot": "the paper's own protocol costs seconds to minutes a run",
}
LAYERS = "one hidden layer (text) or two (notebook): two are trained"


def mlp(scale, seed, hidden, noise):
    return sequence(
        scale,
        seed,
        "mlp",
        protocol=DOUBLE_DESCENT,
        hidden=hidden,
        dataset="mnist1d-4000-12000",
        label_noise=noise,
    )


def cnn(scale, seed, channels):
    return sequence(
        scale,
        seed,
        "cnn",
        protocol=DOUBLE_DESCENT,
        hidden=channels,
        dataset="mnist1d-4000-12000",
        label_noise=NOISE,
    )


# Half of the gap that the notebook prints: test errors of 47.2, 54.1 and 45.5 % at 16, 47 and 300.
PEAK = ({"side": 16, "gap": 3.45}, {"side": 300, "gap": 4.3})


def at_the_peak(scale, seed, side, gap):
    return {"peak": mlp(scale, seed, 47, NOISE), "side": mlp(scale, seed, side, NOISE)}


@claim(
    id="m1d-peak",
    sentence="With 15 % label noise the MLP's test error peaks at a hidden size of about 50 and then drops.",
    source=Source(
        work="greydanus2024",
        place="Section 5.2 and Figure 5",
        tag="P",
        reference="47.2, 54.1 and 45.5 % at 16, 47 and 300",
        version="notebook",
    ),
    rule=Ordering(gap=3.45, reason="half of each gap that the notebook prints"),
    grid={"smoke": (), "pilot": (), "paper": PEAK},
    runs=at_the_peak,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=LAYERS,
    primary=True,
)
def test_peak(evidence, side, gap):
    evidence.find(
        higher=evidence.accuracy("side", f"hidden size {side}"), lower=evidence.accuracy("peak", "47"), gap=gap
    )


def by_size(scale, seed):
    return {str(size): mlp(scale, seed, size, NOISE) for size in SIZES}


def mean(values):
    return sum(values) / len(values)


@claim(
    id="m1d-threshold",
    sentence="The test error peaks where the training error reaches zero.",
    source=Source(
        work="greydanus2024",
        place="Section 5.2",
        tag="P",
        reference="training error of 5.5 % at 47 and 0.0 % at 61",
        version="notebook",
    ),
    rule=FractionBound(limit=0.995, side="at least", reason="an error that rounds to 0 % or 0.4 % is none"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=by_size,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=LAYERS,
)
def test_threshold(evidence):
    train = {size: evidence.train_accuracy(str(size), f"hidden size {size}, training") for size in SIZES}
    test = {size: evidence.accuracy(str(size), f"hidden size {size}") for size in SIZES}
    evidence.find(sample=train[61])
    evidence.show(
        label="Double descent with label noise",
        x_label="hidden size",
        y_label="error, %",
        x=tuple(map(float, SIZES)),
        lines={
            "test": tuple(100 - mean(test[size].values) for size in SIZES),
            "training": tuple(100 - 100 * mean(train[size].values) for size in SIZES),
        },
    )


@claim(
    id="m1d-argmax",
    sentence="The hidden size at which the test error is largest is about 50.",
    source=Source(work="greydanus2024", place="Section 5.2", tag="P", reference="about 50"),
    rule=Measure(reason="sizes of 36, 47 and 61 were trained around it: no finer answer is possible"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=by_size,
    depends_on=CONTROLS,
    untestable={**NOT_BEFORE, "paper": "the sizes that were trained are too far apart to hold 'about 50' against"},
)
def test_argmax(evidence):
    accuracies = {size: evidence.accuracy(str(size)).values for size in SIZES}
    worst = [min(SIZES, key=lambda size: accuracies[size][i]) for i in range(len(accuracies[SIZES[0]]))]
    seeds = iter(worst)
    evidence.find(
        sample=evidence.sample("47", lambda run: next(seeds), label="hidden size of the peak", unit="", step=1.0)
    )


def without_noise(scale, seed):
    return {str(size): mlp(scale, seed, size, 0.0) for size in SIZES}


@claim(
    id="m1d-no-peak",
    sentence="Without label noise the test error does not peak.",
    source=Source(
        work="greydanus2024",
        place="Section 5.2",
        tag="P",
        reference="falls from 16 to 300; its largest rise is 0.6 points",
        version="v5, notebook",
    ),
    rule=Trend(margin=1.0, reason="RULES.md: the smallest margin, and above the largest rise that the notebook prints"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=without_noise,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=LAYERS,
)
def test_no_peak(evidence):
    evidence.find(samples=[evidence.accuracy(str(size), f"{size}") for size in SIZES])


# Half of the gap that the notebook prints: test errors of 19.6, 33.8 and 27.7 % at 10, 18 and 100 channels.
CNN_PEAK = ({"side": 10, "gap": 7.1}, {"side": 100, "gap": 3.05})


def at_the_cnn_peak(scale, seed, side, gap):
    return {"peak": cnn(scale, seed, 18), "side": cnn(scale, seed, side)}


@claim(
    id="m1d-cnn-peak",
    sentence="The CNN's test error peaks in the same way.",
    source=Source(
        work="greydanus2024",
        place="Section 5.2",
        tag="P",
        reference="19.6, 33.8 and 27.7 % at 10, 18 and 100 channels",
        version="v5, notebook",
    ),
    rule=Ordering(gap=3.05, reason="half of each gap that the notebook prints"),
    grid={"smoke": (), "pilot": (), "paper": CNN_PEAK},
    runs=at_the_cnn_peak,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
)
def test_cnn_peak(evidence, side, gap):
    higher, lower = evidence.accuracy("side", f"{side} channels"), evidence.accuracy("peak", "18")
    evidence.find(higher=higher, lower=lower, gap=gap)
