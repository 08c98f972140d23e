"""Table 2 and the networks' sizes: the data are the authors' own, and so are the networks."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Exact
from repro.recipes import SCALES, sequence_built

# Table 2, by the generator's own names; the last one only the code prints.
TABLE = {
    "num_samples": "5000",
    "train_split": "0.8",
    "template_len": "12",
    "padding": "[36, 60]",
    "max_translation": "48",
    "corr_noise_scale": "0.25",
    "iid_noise_scale": "0.02",
    "shear_scale": "0.75",
    "final_seq_length": "40",
    "seed": "42",
    "scale_coeff": "0.4",
}
# SHA-256 of the authors' frozen file: float32 values, then int64 labels, little-endian, in stored order.
FROZEN = {
    "train": "c8c9620bc674ad9c92b660d587aed10bc8c04f250bc509ee8367f1d85b7fa536",
    "test": "9ae88dc1b0a618748cf5c06c588bc097f5a63f6121293575dd91e840501efd5f",
}
PARAMETERS = {"logistic": 410, "residual-mlp": 15210, "cnn": 5210, "gru": 5134}


def logistic(scale, seed):
    return {"logistic": sequence_built("logistic")}


@claim(
    id="m1d-data",
    sentence="The generator with the defaults of Table 2 gives the data set that the authors froze.",
    source=Source(
        work="greydanus2024", place="Table 2 and Section 3", tag="P", reference="11 settings, the frozen file"
    ),
    rule=Exact(reason="a setting is a number; data are equal byte for byte or are other data"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=logistic,
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
)
def test_data(evidence):
    found = evidence.runs("logistic")[0].measurement("generator")
    for name, printed in TABLE.items():
        evidence.find(label=name, measured=str(found["defaults"][name]), reference=printed)
    for split, frozen in FROZEN.items():
        evidence.find(label=f"{split} examples", measured=found["fingerprints"][split], reference=frozen)


def networks(scale, seed):
    return {family: sequence_built(family) for family in PARAMETERS}


@claim(
    id="m1d-parameters",
    sentence="Logistic regression, MLP, CNN and GRU have 410, 15,210, 5,210 and 5,134 parameters.",
    source=Source(
        work="greydanus2024",
        place="notebook mnist1d-classification",
        tag="P",
        reference="410; 15,210; 5,210; 5,134",
        version="notebook",
    ),
    rule=Exact(reason="a count is exact"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=networks,
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
    note="The MLP adds its first hidden layer to its second, which the text does not mention.",
)
def test_parameters(evidence):
    for family, printed in PARAMETERS.items():
        evidence.find(label=family, measured=evidence.counts(family)["total"], reference=printed)
