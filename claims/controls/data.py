"""Control: the images that were trained on are the ones that the spec names."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact
from repro.recipes import SCALES, WIDE_DEPTH, cifar


def runs(scale, seed):
    return {"BatchNorm": cifar(scale, seed, depth=WIDE_DEPTH[scale])}


@claim(
    id="control-data",
    sentence="The fingerprint of the images is the one that the data set's name stands for.",
    source=Source(
        work="control", place="claims/RULES.md, controls", tag="P", reference="the fingerprint in datasets.py"
    ),
    rule=Exact(reason="SHA-256 of every label and pixel"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=runs,
    depends_on=(),
    testable=dict.fromkeys(SCALES, "equality of bytes, at whatever scale"),
    looks=ONE_LOOK,
)
def test_data(evidence):
    for split, (recorded, named) in evidence.fingerprints("BatchNorm").items():
        evidence.find(label=f"{split} images", measured=recorded, reference=named)
