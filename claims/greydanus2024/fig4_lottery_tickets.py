"""Figure 4: lottery tickets, what they reach on other data, and whether what is left of them lies together.

Of each seed one search by magnitude is trained, with four tests of its mask, and one at random; every claim reads them.
"""

from repro.claim import Source, claim
from repro.compare import Ordering, Point, Published
from repro.recipes import dense_beside_ticket, ticket

CONTROLS = ("control-judge", "m1d-control-data", "m1d-control-shuffled-labels", "m1d-control-pruned")
OWN = {"paper": "the paper's own data, network and protocol"}
NOT_BEFORE = {
    "smoke": "a ticket is what dozens of retrains have left, minutes of a core; the first few of them leave none",
    "pilot": "the paper's own protocol costs minutes a run",
}
TICKET, DENSE = "retrain 92", "retrain 1"  # sparsities of 91.9 and 0 %
PRUNED_BY = (
    "by which weights a network is pruned: those at the end of the retrain before (taken), or, as in the notebook, "
    "those of its last checkpoint, after 1,001 of the 1,501 steps"
)
STEP = "judged is the last step, as in the notebook, and no earlier one"


def search(scale, seed):
    return {"ticket": ticket(seed, "magnitude")}


def both(scale, seed):
    return {"ticket": ticket(seed, "magnitude"), "random": ticket(seed, "random")}


# Half of each gap between the means of the notebook's two runs: 75.0 and 61.2, 70.4 and 65.6 %.
AGAINST = (
    {"sparsity": 92, "against": "random mask", "gap": 6.9},
    {"sparsity": 96, "against": "dense network", "gap": 2.4},
)


def against(scale, seed, sparsity, against, gap):
    return both(scale, seed) if against == "random mask" else search(scale, seed)


def mean(values):
    return sum(values) / len(values)


def show_by_sparsity(evidence):
    """Test accuracy at the sparsities that both searches train."""
    spec = evidence.runs("random")[0].spec
    labels = [f"retrain {level}" for level in spec.retrains]
    evidence.show(
        label="Test accuracy by sparsity",
        x_label="sparsity, %",
        y_label="test accuracy, %",
        x=tuple(100 * (level - 1) / (spec.levels - 1) for level in spec.retrains),
        lines={
            name: tuple(
                mean([run.history[run.spec.place(label)]["test_top1"] for run in evidence.runs(name)])
                for label in labels
            )
            for name in ("ticket", "random")
        },
    )


@claim(
    id="m1d-ticket",
    sentence="At 92 % sparsity a lottery ticket beats a random mask, and at 96 % the dense network.",
    source=Source(
        work="greydanus2024",
        place="Section 5.1 and Figure 4b",
        tag="P",
        reference="75.0 against 61.2 % at 92 %, 70.4 against 65.6 % at 96 %",
        version="notebook",
    ),
    rule=Ordering(gap=2.4, reason="half of each gap that the notebook prints, between means of two runs"),
    grid={"smoke": (), "pilot": (), "paper": AGAINST},
    runs=against,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=f"{PRUNED_BY}; {STEP}",
    primary=True,
)
def test_ticket(evidence, sparsity, against, gap):
    found = evidence.retrain_accuracy("ticket", f"retrain {sparsity}", f"ticket, {sparsity} % sparse")
    if against == "random mask":
        other = evidence.retrain_accuracy("random", TICKET, "random mask, 92 % sparse")
        show_by_sparsity(evidence)
    else:
        other = evidence.retrain_accuracy("ticket", DENSE, "dense network")
    evidence.find(higher=found, lower=other, gap=gap)


DATA = ({"data": "other data"}, {"data": "reversed"})
# Of both the paper says "about 70 %"; the notebook has two runs.
ABOUT_70 = Published(value=70.0, replicates=2, reading_error=0.5)


def on_other_data(scale, seed, data):
    return search(scale, seed)


@claim(
    id="m1d-ticket-70",
    sentence="Tickets of 92 % sparsity end at about 70 %, with reversed features too.",
    source=Source(
        work="greydanus2024",
        place="Section 5.1 and Figure 4c-d",
        tag="P",
        reference="about 70 % (notebook: 64.9 and 66.8; reversed 61.8 and 63.8)",
    ),
    rule=Point(margin=2.0, reason="RULES.md: 'about', in whole points"),
    grid={"smoke": (), "pilot": (), "paper": DATA},
    runs=on_other_data,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=f"{PRUNED_BY}; {STEP}; how many runs the 70 % are of: the notebook has two",
)
def test_ticket_70(evidence, data):
    evidence.find(sample=evidence.retrain_accuracy("ticket", data, f"ticket, {data}"), reference=ABOUT_70)


# Half of each gap between the means of the notebook's two runs, which are smaller than those of the figure (1.1 and
# 3.3): 62.8 below 63.8, 65.5 above 63.8 %.
PRIOR = (
    {"change": "shuffled", "better": "dense", "gap": 0.47},
    {"change": "new weights", "better": "ticket", "gap": 0.87},
)


def prior(scale, seed, change, better, gap):
    features = "shuffled" if change == "shuffled" else "in order"
    return search(scale, seed) | {"dense": dense_beside_ticket(seed, features)}


@claim(
    id="m1d-ticket-prior",
    sentence="With the features shuffled tickets fall below the dense network, with new weights they stay above it.",
    source=Source(
        work="greydanus2024",
        place="Section 5.1 and Figure 4e-f",
        tag="D",
        reference="62.9 and 67.3 against 64.0 % (notebook: 62.8 against 63.8, 65.5 against 63.8 %)",
    ),
    rule=Ordering(gap=0.47, reason="RULES.md: half of each gap, of the smaller one where figure and notebook differ"),
    grid={"smoke": (), "pilot": (), "paper": PRIOR},
    runs=prior,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=(
        f"{PRUNED_BY}; {STEP}; which dense network: one on the same data, as in the notebook (taken), or one on "
        "features in order both times; which permutation shuffles: that of the classification notebook (taken), or "
        "that of the lottery notebook, which is another"
    ),
)
def test_ticket_prior(evidence, change, better, gap):
    found = {
        "ticket": evidence.retrain_accuracy("ticket", change, f"ticket, {change}"),
        "dense": evidence.accuracy("dense", "dense network"),
    }
    higher = found.pop(better)
    (lower,) = found.values()
    evidence.find(higher=higher, lower=lower, gap=gap)


@claim(
    id="m1d-ticket-local",
    sentence="Tickets have more adjacent weights than expected by chance.",
    source=Source(
        work="greydanus2024", place="Section 5.1 and Figure 4g", tag="P", reference="more; no number could be read"
    ),
    rule=Ordering(gap=0.0, reason="the source gives a direction alone"),
    grid={"smoke": (), "pilot": (), "paper": ({},)},
    runs=both,
    depends_on=CONTROLS,
    testable=OWN,
    untestable=NOT_BEFORE,
    definition_open=(
        f"{PRUNED_BY}; what chance is: a random mask of the same sparsity, as in the notebook (taken), or the ticket's "
        "own weights with the inputs of each hidden unit in another order, which is drawn beside it"
    ),
    note=(
        "Counted are two inputs in a row whose weights to a hidden unit are both left. The notebook's bar for four in "
        "a row is no such count: it multiplies three weights of the ticket by the fourth of the random mask."
    ),
)
def test_ticket_local(evidence):
    evidence.find(
        higher=evidence.beside("ticket", TICKET, "ticket, 92 % sparse"),
        lower=evidence.beside("random", TICKET, "random mask, 92 % sparse"),
    )
    measured = {
        "ticket": ("ticket", "beside"),
        "random mask": ("random", "beside"),
        "ticket's units, inputs in another order": ("ticket", "beside_by_chance"),
    }
    evidence.show(
        label="Weights of the first layer that are left side by side",
        x_label="inputs in a row",
        y_label="share of places, %",
        x=(2.0, 3.0, 4.0),
        lines={
            line: tuple(
                100 * mean([run.measurement("tickets")[name][TICKET][i] for run in evidence.runs(arm)])
                for i in range(3)
            )
            for line, (arm, name) in measured.items()
        },
    )
