"""Control: what is called frozen did not move."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact
from repro.recipes import SCALES, WIDE_DEPTH, cifar

SETS = {
    "BatchNorm": ("batchnorm", 0),
    "2 random": ("random", 2),
    "shortcut + output": ("shortcut+output", 0),
    "BatchNorm + shortcut + output": ("batchnorm+shortcut+output", 0),
    "none": ("none", 0),
}


def runs(scale, seed):
    depth = 14 if scale == "pilot" else WIDE_DEPTH[scale]  # the pilot has the runs of ResNet-14 already
    return {name: cifar(scale, seed, depth=depth, trained=trained, k=k) for name, (trained, k) in SETS.items()}


@claim(
    id="control-frozen",
    sentence="Every frozen tensor is bit-equal to its initial value after training.",
    source=Source(work="control", place="claims/RULES.md, controls", tag="P", reference="the hash before training"),
    rule=Exact(reason="SHA-256 over name and bytes of every frozen tensor"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=runs,
    depends_on=(),
    testable=dict.fromkeys(SCALES, "equality of bytes, at whatever scale"),
    looks=ONE_LOOK,
)
def test_frozen(evidence):
    for name in SETS:
        for run in evidence.runs(name):
            before, after = run.record["frozen_before"], run.record["frozen_after"]
            evidence.find(label=f"{name}, seed {run.spec.seed}", measured=after, reference=before)
