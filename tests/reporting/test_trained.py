import pytest

from repro.reporting.accuracies import accuracies
from repro.reporting.trained import on


@pytest.mark.parametrize(
    ("runs", "data", "said"),
    [
        ({"a": "resnet-14 all", "b": "resnet-8 all"}, {"a": "digits", "b": "digits"}, "ResNet-8, 14 on digits"),
        ({"a": "wrn-14-4 x", "b": "wrn-14-2 x", "c": "logistic y"}, {"a": "digits"}, "WRN-14-2, 4; logistic on digits"),
        ({str(n): f"resnet-{n} built" for n in range(1, 8)}, {}, "ResNet-1, 2 … 7, built"),
        ({}, {}, ""),
    ],
)  # fmt: skip
def test_networks_and_data_are_told_in_a_few_words(runs, data, said):
    assert on(runs, data) == said


def test_runs_that_differ_in_their_seed_alone_have_one_accuracy_with_its_spread():
    def run(name, seed, *top1, outcome="trained", **spec):
        return {"name": f"{name} seed {seed} (digits)", "outcome": outcome, "top1_by_epoch": top1,
                "spec": {"seed": seed, **spec}}  # fmt: skip

    runs = [run("resnet-8 all", 1, 10.0, 44.0), run("resnet-8 all", 0, 40.0), run("cnn-5", 0, 60.0),
            run("resnet-8 all", 2, outcome="built"), run("mlp-3", 0, 1.0, retrains=[1]),
            run("cnn-5", 0, 50.0, precision="bfloat16")]  # fmt: skip
    both, single, lower = accuracies(runs)
    assert (lower["name"], lower["mean"]) == ("CNN-5 (digits), bfloat16", 50.0)
    assert (both["name"], both["mean"], both["values"], both["seeds"]) == (
        "ResNet-8 all (digits)", 42.0, [40.0, 44.0], [0, 1],
    )  # fmt: skip
    assert both["deviation"] == pytest.approx(8**0.5)
    assert (single["name"], single["deviation"]) == ("CNN-5 (digits)", None)
