"""Figure 10.3: what goes on falling once boosting makes no more mistakes in training."""

from repro.claim import Source, claim
from repro.compare import FractionBound, Measure, Ordering
from repro.recipes import boosting

CONTROLS = ("control-judge", "esl-control-data", "esl-control-shuffled-labels")
OWN = {"paper": "the book's own data and protocol"}
NOT_BEFORE = {"smoke": "said of rounds after the 250th", "pilot": "the book's own protocol costs seconds a run"}
ZERO = 250  # rounds after which the training error is zero, "about"
LAST = 400


def boosted(scale, seed, **_point):
    return {"boosted": boosting(scale, seed, "adaboost-m1")}


def at(evidence, rounds, read, **sample):
    """Something of the history, after some rounds."""
    return evidence.sample(
        "boosted", lambda run: read(run.history[rounds // run.spec.rounds_per_evaluation - 1]), **sample
    )


@claim(
    id="esl-train-zero",
    sentence="The training error is zero from about 250 rounds on.",
    source=Source(work="hastie2009", place="Figure 10.3", tag="P", reference="0, from about 250 on"),
    rule=FractionBound(limit=0.995, side="at least", reason="an error that rounds to 0 % or 0.4 % is none"),
    grid={"smoke": (), "pilot": (), "paper": ({"rounds": ZERO}, {"rounds": LAST})},
    runs=boosted,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open="'about': looked at are 250 rounds and the last one; esl-zero-at measures the first without error",
)
def test_train_zero(evidence, rounds):
    sample = {"label": f"right in training, {rounds} rounds", "unit": "share", "step": 1 / 2000}
    evidence.find(sample=at(evidence, rounds, lambda row: row["train_top1"] / 100, **sample))


@claim(
    id="esl-zero-at",
    sentence="After how many rounds is the training error zero for the first time?",
    source=Source(work="hastie2009", place="Figure 10.3", tag="P", reference="about 250"),
    rule=Measure(reason="'about' gives no margin to hold a number of rounds against"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=boosted,
    depends_on=CONTROLS,
    untestable={**NOT_BEFORE, "paper": "'about' gives no margin to hold a number of rounds against"},
    note="Looked at every 10 rounds. A run that never gets there counts as 400.",
)
def test_zero_at(evidence):
    def first(run):
        return next((row["round"] for row in run.history if row["train_top1"] == 100.0), LAST)

    evidence.find(
        sample=evidence.sample("boosted", first, label="first round without error in training", unit="", step=10.0)
    )


@claim(
    id="esl-loss-still-falls",
    sentence="The exponential loss of the training examples goes on decreasing after that.",
    source=Source(work="hastie2009", place="Figure 10.3", tag="P", reference="decreases"),
    rule=Ordering(gap=0.0, reason="the book gives a direction alone; the steps are of one run, compared seed by seed"),
    grid={
        "smoke": (),
        "pilot": (),
        "paper": tuple({"rounds": one, "later": two} for one, two in ((250, 300), (300, 350), (350, 400))),
    },
    runs=boosted,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open="the scale of the sum: that of the loss's own minimum, where a tree counts half its log-odds",
    note="A share of the loss before the first round, which is 1.",
)
def test_loss_still_falls(evidence, rounds, later):
    def loss(after):
        sample = {"label": f"{after} rounds", "unit": "share", "step": 1e-6}
        return at(evidence, after, lambda row: row["train_loss"], **sample)

    evidence.find(higher=loss(rounds), lower=loss(later))


@claim(
    id="esl-error-still-falls",
    sentence="The test error goes on improving after the training error is zero.",
    source=Source(work="hastie2009", place="Figure 10.3, text", tag="P", reference="improves"),
    rule=Ordering(gap=0.0, reason="the book gives a direction alone; both are of one run, compared seed by seed"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=boosted,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open="'after': compared are 250 rounds and the last one",
)
def test_error_still_falls(evidence):
    def error(after):
        sample = {"label": f"{after} rounds", "unit": "%", "step": 0.01}
        return at(evidence, after, lambda row: round(100 - row["test_top1"], 4), **sample)

    evidence.find(higher=error(ZERO), lower=error(LAST))
