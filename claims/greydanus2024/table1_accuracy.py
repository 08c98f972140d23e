"""Table 1 and Figure 2: the four networks, and what shuffling the features does to each."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import FractionBound, NoChange, Ordering, Point, Printed, Published, paired_differences
from repro.recipes import SCALES, sequence

CONTROLS = ("control-judge", "m1d-control-data", "m1d-control-shuffled-labels")
NAMES = {"logistic": "logistic regression", "residual-mlp": "MLP", "cnn": "CNN", "gru": "GRU"}
# Table 1: test accuracy, %, and its standard deviation over three runs.
IN_ORDER = {"logistic": (32, 1), "residual-mlp": (68, 2), "cnn": (94, 2), "gru": (91, 2)}
SHUFFLED = {"logistic": (32, 1), "residual-mlp": (68, 2), "cnn": (56, 2), "gru": (57, 2)}
EACH = tuple({"network": network} for network in IN_ORDER)
AT_SMOKE_AND_PAPER = {"smoke": EACH, "pilot": (), "paper": EACH}
OWN = {"paper": "the paper's own data, networks and protocol"}
NUMBER = {"smoke": "a number belongs to its protocol", "pilot": "a number belongs to its protocol"}
EARLY = {
    "smoke": "Figure 2 draws the same networks from step 0 on, in this order",
    "paper": "the paper's own data, networks and protocol",
}
NO_PILOT = {"pilot": "the paper's own protocol costs seconds to minutes a run"}
WHOLE = Point(margin=2.0, reason="RULES.md: a number printed to whole points")
SELECTION = (
    "how runs were selected: the text has early stopping, the notebooks report the last step and have no validation "
    "set; judged is the best evaluation on the test examples, and the last one is drawn beside it"
)


def plain(scale, seed, network):
    return {"in order": sequence(scale, seed, network)}


def shuffled(scale, seed, network):
    return {"shuffled": sequence(scale, seed, network, features="shuffled")}


def both(scale, seed, network):
    return plain(scale, seed, network) | shuffled(scale, seed, network)


def table(entry):
    """A mean of three runs with its standard deviation, printed to whole points."""
    return Published(value=entry[0], sd=entry[1], replicates=3, reading_error=0.5, version="v4")


def show_curves(evidence, network, *arms):
    """The mean test accuracy by step, which shows the last evaluation beside the best one."""
    steps = [
        row["evaluation"] * run.spec.steps_per_evaluation for run in evidence.runs(arms[0])[:1] for row in run.history
    ]
    curves = {arm: [[row["test_top1"] for row in run.history] for run in evidence.runs(arm)] for arm in arms}
    evidence.show(
        label=f"Learning curve, {NAMES[network]}",
        x_label="step",
        y_label="test accuracy, %",
        x=tuple(steps),
        lines={arm: tuple(sum(at) / len(at) for at in zip(*runs, strict=True)) for arm, runs in curves.items()},
    )


@claim(
    id="m1d-accuracy",
    sentence="On MNIST-1D logistic regression, MLP, CNN and GRU reach 32, 68, 94 and 91 % test accuracy.",
    source=Source(
        work="greydanus2024", place="Table 1", tag="P", reference="32 ± 1, 68 ± 2, 94 ± 2, 91 ± 2 %", version="v4"
    ),
    rule=WHOLE,
    grid=AT_SMOKE_AND_PAPER,
    runs=plain,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NUMBER,
    definition_open=SELECTION,
)
def test_accuracy(evidence, network):
    evidence.find(sample=evidence.best_accuracy("in order", NAMES[network]), reference=table(IN_ORDER[network]))
    show_curves(evidence, network, "in order")


@claim(
    id="m1d-accuracy-shuffled",
    sentence="With the features shuffled they reach 32, 68, 56 and 57 %.",
    source=Source(
        work="greydanus2024", place="Table 1", tag="P", reference="32 ± 1, 68 ± 2, 56 ± 2, 57 ± 2 %", version="v4"
    ),
    rule=WHOLE,
    grid=AT_SMOKE_AND_PAPER,
    runs=shuffled,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NUMBER,
    definition_open=SELECTION,
)
def test_accuracy_shuffled(evidence, network):
    label = f"{NAMES[network]}, shuffled"
    evidence.find(sample=evidence.best_accuracy("shuffled", label), reference=table(SHUFFLED[network]))
    show_curves(evidence, network, "shuffled")


# Half of each gap of Table 1.
ORDERS = (
    {"better": "residual-mlp", "worse": "logistic", "gap": 18.0},
    {"better": "cnn", "worse": "residual-mlp", "gap": 13.0},
    {"better": "gru", "worse": "residual-mlp", "gap": 11.5},
)


def two(scale, seed, better, worse, gap):
    return {"better": sequence(scale, seed, better), "worse": sequence(scale, seed, worse)}


@claim(
    id="m1d-order",
    sentence="Logistic regression does worse than the MLP, and the MLP worse than the CNN and the GRU.",
    source=Source(work="greydanus2024", place="Figure 2, caption", tag="P", reference="gaps of 36, 26 and 23 points"),
    rule=Ordering(gap=11.5, reason="half of each gap of Table 1"),
    grid={"smoke": ORDERS, "pilot": (), "paper": ORDERS},
    runs=two,
    depends_on=CONTROLS,
    testable=EARLY,
    untestable=NO_PILOT,
    definition_open=SELECTION,
    primary=True,
)
def test_order(evidence, better, worse, gap):
    evidence.find(
        higher=evidence.best_accuracy("better", NAMES[better]),
        lower=evidence.best_accuracy("worse", NAMES[worse]),
        gap=gap,
    )


SPATIAL = tuple({"network": network} for network in ("cnn", "gru"))
OTHERS = tuple({"network": network} for network in ("logistic", "residual-mlp"))


@claim(
    id="m1d-shuffle-drop",
    sentence="Shuffling the features costs the CNN and the GRU about 35 points.",
    source=Source(work="greydanus2024", place="Section 4", tag="P", reference="about 35 points (Table 1: 38 and 34)"),
    rule=Point(margin=2.0, reason="RULES.md: 'about', in whole points"),
    grid={"smoke": SPATIAL, "pilot": (), "paper": SPATIAL},
    runs=both,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NUMBER,
    definition_open=SELECTION,
)
def test_shuffle_drop(evidence, network):
    before = evidence.best_accuracy("in order", NAMES[network])
    after = evidence.best_accuracy("shuffled", f"{NAMES[network]}, shuffled")
    reference = Published(value=35.0, replicates=3, reading_error=0.5, version="v4")
    evidence.find(sample=paired_differences(after, before), reference=reference)


@claim(
    id="m1d-shuffle-same",
    sentence="Shuffling the features hardly changes what logistic regression and the MLP reach.",
    source=Source(work="greydanus2024", place="Section 4", tag="P", reference="about the same (Table 1: 32, 68)"),
    rule=NoChange(margin=2.0, reason="RULES.md: 'about', in whole points"),
    grid={"smoke": OTHERS, "pilot": (), "paper": OTHERS},
    runs=both,
    depends_on=CONTROLS,
    testable=EARLY,
    untestable=NO_PILOT,
    definition_open=SELECTION,
)
def test_shuffle_same(evidence, network):
    evidence.find(
        before=evidence.best_accuracy("in order", NAMES[network]),
        after=evidence.best_accuracy("shuffled", f"{NAMES[network]}, shuffled"),
    )


BEHIND = (
    {"network": "cnn", "gap": 6.0},
    {"network": "gru", "gap": 5.5},
    {"network": "logistic", "gap": 18.0},
)


def mlp_and(scale, seed, network, gap):
    return {
        "MLP": sequence(scale, seed, "residual-mlp", features="shuffled"),
        "other": sequence(scale, seed, network, features="shuffled"),
    }


@claim(
    id="m1d-mlp-best-shuffled",
    sentence="With the features shuffled the MLP performs best.",
    source=Source(
        work="greydanus2024",
        place="Figure 2, caption",
        tag="P",
        reference="ahead of CNN, GRU and logistic regression by 12, 11 and 36 points",
    ),
    rule=Ordering(gap=5.5, reason="half of each gap of Table 1"),
    grid={"smoke": BEHIND, "pilot": (), "paper": BEHIND},
    runs=mlp_and,
    depends_on=CONTROLS,
    testable=EARLY,
    untestable=NO_PILOT,
    definition_open=SELECTION,
)
def test_mlp_best_shuffled(evidence, network, gap):
    evidence.find(
        higher=evidence.best_accuracy("MLP", "MLP, shuffled"),
        lower=evidence.best_accuracy("other", f"{NAMES[network]}, shuffled"),
        gap=gap,
    )


NONLINEAR = tuple({"network": network} for network in ("residual-mlp", "cnn", "gru"))


@claim(
    id="m1d-train-100",
    sentence="All networks but logistic regression reach 100 % in training.",
    source=Source(
        work="greydanus2024", place="Table 1, caption", tag="P", reference="100 %; in the notebook a GRU ends at 98.2 %"
    ),
    rule=FractionBound(limit=0.995, side="at least", reason="99.5 % is the least that rounds to 100 %"),
    grid={"smoke": (), "pilot": (), "paper": NONLINEAR},
    runs=plain,
    depends_on=CONTROLS,
    testable=OWN,
    untestable={"smoke": "a sixth of the steps fit less", **NO_PILOT},
    definition_open="at which step: taken is the last one",
)
def test_train_100(evidence, network):
    evidence.find(sample=evidence.train_accuracy("in order", f"{NAMES[network]}, training"))


@claim(
    id="m1d-33",
    sentence="Logistic regression reaches 33 %, as shown in Table 1.",
    source=Source(work="greydanus2024", place="Section 5.5", tag="P", reference="33 %; Table 1 prints 32"),
    rule=Printed(reason="a printed number is the one that it is said to repeat"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {},
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
    note="The notebook ends at 32.8 %, which rounds to 33.",
)
def test_33(evidence):
    in_table = IN_ORDER["logistic"][0]
    evidence.find(label="logistic regression in Table 1, %", measured=in_table, printed="33", implied=float(in_table))
