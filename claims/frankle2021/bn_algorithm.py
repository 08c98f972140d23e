"""Appendix A: what BatchNorm computes."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact
from repro.recipes import SCALES, built


@claim(
    id="bn-algorithm",
    sentence="BatchNorm is (x − μ)/σ over the batch, then γ·x̂ + β.",
    source=Source(work="frankle2021", place="recap and Appendix A", tag="P", reference="the formula"),
    rule=Exact(
        reason="no input that Hypothesis draws may differ from the formula in float64 by more than float32 rounding "
        "explains: 16 units in the last place of the terms that are added"
    ),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {"network": built(depth=14)},
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
)
def test_bn_algorithm(evidence):
    found = evidence.runs("network")[0].measurement("batchnorm")
    evidence.find(
        label=f"counterexamples in {found['examples']} inputs (worst {found['largest_error']:.2f} of the bound)",
        measured=found["counterexamples"],
        reference=0,
    )
