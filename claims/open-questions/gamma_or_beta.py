"""How far γ alone gets, and how far β alone."""

from repro.claim import CONTROLS, Source, claim
from repro.compare import Measure
from repro.recipes import cifar

NOTHING_TO_HOLD_AGAINST = dict.fromkeys(("smoke", "pilot", "paper"), "no source says what to expect")


def runs(scale, seed, depth, trained):
    return {trained: cifar(scale, seed, depth=depth, trained=trained)}


@claim(
    id="gamma-or-beta-alone",
    sentence="How far does γ alone get, and how far β alone?",
    source=Source(work="open-questions", place="asked by readers of frankle2021", tag="?", reference=""),
    rule=Measure(reason="no source says what to expect"),
    grid={
        "smoke": (),
        "pilot": (),
        "paper": tuple({"depth": depth, "trained": trained} for depth in (14, 110) for trained in ("gamma", "beta")),
    },
    runs=runs,
    depends_on=CONTROLS,
    untestable=NOTHING_TO_HOLD_AGAINST,
)
def test_gamma_or_beta(evidence, depth, trained):
    evidence.find(sample=evidence.accuracy(trained, f"ResNet-{depth}, {trained}"))
