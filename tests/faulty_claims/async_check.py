"""Defect: the check is an async function, which a call does not run."""

from repro.claim import Source, claim
from repro.compare import Ordering
from repro.recipes import SCALES, cifar


@claim(
    id="async-check",
    sentence="A small network knows more than half of the digits.",
    source=Source(work="nobody2021", place="Figure 9", tag="P", reference="more than 50 %"),
    rule=Ordering(gap=0.0, reason="half is half"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {"BatchNorm": cifar(scale, seed, depth=8)},
    depends_on=(),
    testable=dict.fromkeys(SCALES, "the networks and data of its runs"),
)
async def test_claim(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0)
