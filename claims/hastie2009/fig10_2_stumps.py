"""Figure 10.2: the test error of boosted stumps by round, beside one stump and one large tree."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Measure, Ordering, Point, Printed, Published
from repro.recipes import SCALES, boosting

CONTROLS = ("control-judge", "esl-control-data", "esl-control-shuffled-labels")
OWN = "the book's own data and protocol"
NUMBER = {"smoke": "a number belongs to its protocol", "pilot": "a number belongs to its protocol"}
NO_PILOT = {"pilot": "the book's own protocol costs seconds a run"}
# A tree whose every split has two branches has an odd number of nodes, which 244 is not: it counts the terminal ones,
# or, all but the same, the splits. Grown until they are pure, trees on two other draws of the data had 236 and 242.
LEAVES = 244
GROWING = (
    "how a tree is grown and what a node is: grown by the Gini index, the best split of any node first, without "
    "pruning, up to 244 terminal nodes; esl-tree-nodes measures 123, which are 245 nodes in all"
)


def stump(scale, seed):
    return boosting(scale, seed, "tree", leaves=2)


def tree(scale, seed):
    return boosting(scale, seed, "tree", leaves=LEAVES)


def boosted(scale, seed):
    return boosting(scale, seed, "adaboost-m1")


def error(evidence, arm, label, rounds=None):
    """Test error, percent, after some rounds or the last one."""

    def read(run):
        number = rounds // run.spec.rounds_per_evaluation if rounds else run.spec.rows
        return round(100 - run.history[number - 1]["test_top1"], 4)

    return evidence.sample(arm, read, label=label, unit="%", step=0.01)


PRINTED = {"stump": (stump, 45.8), "boosted stumps": (boosted, 5.8), "tree": (tree, 24.7)}
EACH = tuple({"classifier": name} for name in PRINTED)


@claim(
    id="esl-test-error",
    sentence="The test error of a stump is 45.8 %, of 400 boosted stumps 5.8 %, of one 244-node tree 24.7 %.",
    source=Source(work="hastie2009", place="Section 10.1", tag="P", reference="45.8, 5.8 and 24.7 %"),
    rule=Point(margin=1.0, reason="RULES.md: numbers printed to one decimal"),
    grid={"smoke": EACH, "pilot": (), "paper": EACH},
    runs=lambda scale, seed, classifier: {classifier: PRINTED[classifier][0](scale, seed)},
    depends_on=CONTROLS,
    testable={"paper": OWN},
    untestable=NUMBER,
    definition_open=GROWING,
    note="The book prints one run of each, without a spread: it is taken to be ours, which is an assumption.",
)
def test_test_error(evidence, classifier):
    reference = Published(value=PRINTED[classifier][1], replicates=1, reading_error=0.05)
    evidence.find(sample=error(evidence, classifier, classifier), reference=reference)


@claim(
    id="esl-boosting-beats-tree",
    sentence="Boosted stumps do better than a single large classification tree.",
    source=Source(work="hastie2009", place="Section 10.1 and Figure 10.2", tag="P", reference="5.8 against 24.7 %"),
    rule=Ordering(gap=9.4, reason="half of the gap that the book prints"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=lambda scale, seed: {"tree": tree(scale, seed), "boosted": boosted(scale, seed)},
    depends_on=CONTROLS,
    testable={"paper": OWN},
    untestable={"smoke": "said of 400 rounds", **NO_PILOT},
    definition_open=GROWING,
    primary=True,
)
def test_boosting_beats_tree(evidence):
    evidence.find(
        higher=error(evidence, "tree", "one tree"),
        lower=error(evidence, "boosted", "boosted stumps"),
    )


STEPS = tuple({"rounds": one, "later": two} for one, two in ((10, 50), (50, 100), (100, 200), (200, 400)))


@claim(
    id="esl-error-falls",
    sentence="As boosting proceeds, the test error steadily decreases.",
    source=Source(work="hastie2009", place="Section 10.1 and Figure 10.2", tag="P", reference="decreases"),
    rule=Ordering(gap=0.0, reason="the book gives a direction alone; the steps are of one run, compared seed by seed"),
    grid={"smoke": STEPS[:2], "pilot": (), "paper": STEPS},
    runs=lambda scale, seed, rounds, later: {"boosted": boosted(scale, seed)},
    depends_on=CONTROLS,
    testable={"smoke": "the sentence and its figure begin with the first round", "paper": OWN},
    untestable=NO_PILOT,
    definition_open="how often to look: taken are 10, 50, 100, 200 and 400 rounds",
    primary=True,
)
def test_error_falls(evidence, rounds, later):
    evidence.find(
        higher=error(evidence, "boosted", f"{rounds} rounds", rounds),
        lower=error(evidence, "boosted", f"{later} rounds", later),
    )


@claim(
    id="esl-factor",
    sentence="Boosting reduces the error rate of the weak classifier by almost a factor of four.",
    source=Source(work="hastie2009", place="Section 10.1", tag="P", reference="almost four; 45.8 / 5.8 is 7.9"),
    rule=Printed(reason="a factor in words is the quotient of the two numbers that the same paragraph prints"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {},
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
    note="Read as being about the stump, whose error it is said to reduce. About the tree it would be 24.7 / 5.8 = "
    "4.3, more than four and not almost. Open is whether the sentence is older than its numbers: no earlier edition "
    "was read.",
)
def test_factor(evidence):
    quotient = PRINTED["stump"][1] / PRINTED["boosted stumps"][1]
    evidence.find(label="error of a stump over that of 400", measured=quotient, printed="4", implied=quotient)


@claim(
    id="esl-tree-nodes",
    sentence="How well does the large tree do if its nodes are all counted, 123 of them terminal?",
    source=Source(work="hastie2009", place="Section 10.1, read otherwise", tag="P", reference="24.7 %"),
    rule=Measure(reason="the other reading of esl-test-error; it decides nothing"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=lambda scale, seed: {"tree": boosting(scale, seed, "tree", leaves=123)},
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "the other reading of esl-test-error is only measured"),
)
def test_tree_nodes(evidence):
    evidence.find(sample=error(evidence, "tree", "tree of 245 nodes in all"))


@claim(
    id="esl-real-adaboost",
    sentence="How well does Real AdaBoost do with 400 stumps, in the place of AdaBoost.M1?",
    source=Source(work="hastie2009", place="Algorithm 10.1, read otherwise", tag="P", reference="5.8 %"),
    rule=Measure(reason="another algorithm than Figure 10.2 names; it decides nothing"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=lambda scale, seed: {"real": boosting(scale, seed, "real-adaboost")},
    depends_on=CONTROLS,
    untestable=dict.fromkeys(SCALES, "the figure is of AdaBoost.M1"),
)
def test_real_adaboost(evidence):
    evidence.find(sample=error(evidence, "real", "Real AdaBoost"))
