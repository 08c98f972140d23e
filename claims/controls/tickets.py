"""Control: what was pruned stays pruned."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact
from repro.recipes import SCALES, ticket


def searches(scale, seed):
    return {"ticket": ticket(seed, "magnitude"), "random": ticket(seed, "random")}


@claim(
    id="m1d-control-pruned",
    sentence="Every pruned weight is 0 at the end of every retrain.",
    source=Source(work="control", place="claims/RULES.md, controls", tag="P", reference="0 weights"),
    rule=Exact(reason="a weight is 0 or has been trained"),
    grid={**dict.fromkeys(SCALES, ()), "paper": ({},)},
    runs=searches,
    depends_on=(),
    testable={"paper": "equality of numbers, at whatever scale"},
    untestable=dict.fromkeys(("smoke", "pilot"), "no ticket is trained there"),
    looks=ONE_LOOK,
)
def test_pruned(evidence):
    for arm in ("ticket", "random"):
        for run in evidence.runs(arm):
            rows = sum(row["moved"] for row in run.history)
            kept = sum(run.measurement("tickets")["moved"].values())
            name = f"{arm}, seed {run.spec.seed}"
            evidence.find(label=f"{name}, pruned weights that are not 0", measured=rows, reference=0)
            evidence.find(label=f"{name}, the same in the weights that are kept", measured=kept, reference=0)
