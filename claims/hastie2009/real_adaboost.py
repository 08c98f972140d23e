"""What the first look raised: which algorithm the book's numbers are of. Written after it was seen; decides nothing."""

from repro.claim import Source, claim
from repro.compare import Measure
from repro.recipes import SCALES, boosting

CONTROLS = ("control-judge", "esl-control-data", "esl-control-shuffled-labels")
ONCE = {"smoke": (), "pilot": (), "paper": ({},)}
AFTERWARDS = dict.fromkeys(SCALES, "asked after the runs were seen, so that no rule could be frozen before them")


@claim(
    id="esl-real-zero-at",
    sentence="After how many rounds of Real AdaBoost is the training error zero for the first time?",
    source=Source(work="hastie2009", place="Figure 10.3, read otherwise", tag="P", reference="about 250"),
    rule=Measure(reason="asked after the runs were seen"),
    grid=ONCE,
    runs=lambda scale, seed: {"real": boosting(scale, seed, "real-adaboost")},
    depends_on=CONTROLS,
    untestable=AFTERWARDS,
    note="Looked at every 10 rounds. A run that never gets there counts as 400.",
)
def test_real_zero_at(evidence):
    def first(run):
        return next((row["round"] for row in run.history if row["train_top1"] == 100.0), 400)

    label = "first round of Real AdaBoost without error in training"
    evidence.find(sample=evidence.sample("real", first, label=label, unit="", step=10.0))


@claim(
    id="esl-m1-factor",
    sentence="By what factor do 400 rounds of AdaBoost.M1 reduce the test error of a stump?",
    source=Source(work="hastie2009", place="Section 10.1, read otherwise", tag="P", reference="almost four"),
    rule=Measure(reason="asked after the runs were seen"),
    grid=ONCE,
    runs=lambda scale, seed: {
        "stump": boosting(scale, seed, "tree"),
        "boosted": boosting(scale, seed, "adaboost-m1"),
    },
    depends_on=CONTROLS,
    untestable=AFTERWARDS,
)
def test_m1_factor(evidence):
    errors = {run.spec.seed: 100 - run.history[-1]["test_top1"] for run in evidence.runs("stump")}
    evidence.find(
        sample=evidence.sample(
            "boosted",
            lambda run: errors[run.spec.seed] / (100 - run.history[-1]["test_top1"]),
            label="error of a stump over that of AdaBoost.M1, seed by seed",
            unit="",
            step=0.01,
        )
    )
