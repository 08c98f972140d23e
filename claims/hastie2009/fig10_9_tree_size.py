"""Figure 10.9: boosting with trees of different sizes, by the binomial deviance."""

from repro.claim import Source, claim
from repro.compare import Measure, Ordering
from repro.recipes import SCALES, boosting

CONTROLS = ("control-judge", "esl-control-data", "esl-control-shuffled-labels")
NO_PILOT = {"pilot": "the book's own protocol costs seconds a run"}
SIZES = (10, 100)


def error(evidence, arm, label):
    """Test error after the last round, percent."""
    return evidence.sample(
        arm, lambda run: round(100 - run.history[-1]["test_top1"], 4), label=label, unit="%", step=0.01
    )


@claim(
    id="esl-stumps-best",
    sentence="With the binomial deviance, stumps perform best: trees of 10 and of 100 nodes do worse.",
    source=Source(work="hastie2009", place="Figure 10.9", tag="P", reference="worse; no number was read"),
    rule=Ordering(gap=0.0, reason="no number was read off the figure"),
    grid={"smoke": (), "pilot": (), "paper": tuple({"leaves": leaves} for leaves in SIZES)},
    runs=lambda scale, seed, leaves: {
        "larger": boosting(scale, seed, "gradient-boosting", leaves=leaves),
        "stumps": boosting(scale, seed, "gradient-boosting"),
    },
    depends_on=CONTROLS,
    testable={"paper": "the book's own data and protocol"},
    untestable={"smoke": "which size is best may change with the rounds", **NO_PILOT},
    definition_open="shrinkage (taken is none, as Algorithm 10.3 has none; esl-shrunk measures 0.1), after how many "
    "rounds (taken are 400, as in Figure 10.2), what a node is (a terminal one, as for the tree of 244), and how a "
    "leaf is fitted whose loss has no minimum (one step of Newton's, as in scikit-learn)",
)
def test_stumps_best(evidence, leaves):
    evidence.find(
        higher=error(evidence, "larger", f"trees of {leaves}"),
        lower=error(evidence, "stumps", "stumps"),
    )


@claim(
    id="esl-shrunk",
    sentence="How well do stumps and trees of 10 do with a shrinkage of 0.1?",
    source=Source(work="hastie2009", place="Figure 10.9, read otherwise", tag="P", reference="stumps best"),
    rule=Measure(reason="the other reading of esl-stumps-best; it decides nothing"),
    grid={"smoke": (), "pilot": (), "paper": tuple({"leaves": leaves} for leaves in (2, 10))},
    runs=lambda scale, seed, leaves: {
        "shrunk": boosting(scale, seed, "gradient-boosting", leaves=leaves, shrinkage=0.1)
    },
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "the other reading of esl-stumps-best is only measured"),
)
def test_shrunk(evidence, leaves):
    evidence.find(sample=error(evidence, "shrunk", f"trees of {leaves}, shrunk" if leaves > 2 else "stumps, shrunk"))
