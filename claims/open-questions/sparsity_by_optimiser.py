"""Whether the sparsity of γ is the network's choice or the optimiser's."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure
from repro.recipes import cifar

NOTHING_TO_HOLD_AGAINST = dict.fromkeys(("smoke", "pilot", "paper"), "no source says what to expect")
# The protocol's own are a rate of 0.1 and a decay of 1e-4: the first point.
OPTIMISERS = (
    {"rate": 0.1, "decay": 1e-4},
    {"rate": 0.1, "decay": 0.0},
    {"rate": 0.025, "decay": 1e-4},
    {"rate": 0.05, "decay": 1e-4},
    {"rate": 0.2, "decay": 1e-4},
    {"rate": 0.4, "decay": 1e-4},
)


def runs(scale, seed, rate, decay):
    return {"BatchNorm": cifar(scale, seed, depth=56, learning_rate=rate, weight_decay=decay)}


@claim(
    id="sparsity-by-optimiser",
    sentence="Is the sparsity of γ the network's choice or the optimiser's (weight decay, learning rate)?",
    source=Source(work="open-questions", place="asked by readers of frankle2021", tag="?", reference=""),
    rule=Measure(reason="no source says what to expect"),
    grid={"smoke": (), "pilot": (), "paper": OPTIMISERS},
    runs=runs,
    depends_on=CONTROLS,
    untestable=NOTHING_TO_HOLD_AGAINST,
)
def test_sparsity_by_optimiser(evidence, rate, decay):
    evidence.find(sample=evidence.small_gamma("BatchNorm", 0.01, f"|γ| < 0.01, rate {rate:g}, decay {decay:g}"))
