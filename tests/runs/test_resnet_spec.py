import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import SpecError
from repro.recipes import BATCHES, DEPTHS, LAYERED_DEPTHS, SCALES, built, cifar, layered, schedule
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.spec_json import read_spec

ANY_SPEC = st.builds(
    cifar,
    st.sampled_from(SCALES),
    st.integers(0, 99),
    depth=st.sampled_from((8, 14, 20, 866)),
    width=st.integers(1, 32),
    trained=st.sampled_from([name for name in ResNetSpec.CHOICES["trained"] if name != "random"]),
    weight_init=st.sampled_from(ResNetSpec.CHOICES["weight_init"]),
    norm_init=st.sampled_from(ResNetSpec.CHOICES["norm_init"]),
    labels=st.sampled_from(ResNetSpec.CHOICES["labels"]),
)


@settings(deadline=None)
@given(ANY_SPEC)
def test_json_round_trip_is_the_identity(spec):
    assert read_spec(spec.to_json(), "here") == spec


@given(ANY_SPEC, ANY_SPEC)
def test_keys_are_equal_exactly_when_specs_are(one, two):
    assert (one.key == two.key) == (one == two)


@pytest.mark.parametrize(
    ("change", "found", "allowed"),
    [
        ({"depth": 15}, "depth is 15", "6n + 2, such as 14 or 20"),
        ({"depth": 2}, "depth is 2", "such as 8 or 14"),
        ({"trained": "gammas"}, "'gammas'", "batchnorm"),
        ({"dataset": "mnist"}, "'mnist'", "digits"),
        ({"width": 0}, "width is 0", "at least 1"),
        ({"seed": -1}, "seed is -1", "at least 0"),
        ({"depth": "14"}, "depth is '14'", "type int"),
        ({"learning_rate": 1}, "learning_rate is 1", "type float"),
        ({"random_per_channel": 2}, "random_per_channel is 2", "0 otherwise"),
        ({"learning_rate_drops": (9, 6)}, "(9, 6)", "increasing"),
        ({"momentum": 1.0}, "momentum 1.0", "[0, 1)"),
        ({"batch_size": 1}, "batch_size is 1", "at least 2"),
        ({"dataset": "imagenet"}, "ImageNet", "epochs 0"),
        ({"family": "imagenet-resnet"}, "depth is 14", "101"),
        ({"family": "imagenet-resnet-3x3"}, "depth is 14", "(18, 34, 50, 101)"),
        ({"family": "imagenet-resnet-3x3", "depth": 50, "width": 2}, "width is 2", "width 1"),
        ({"norm": "layer"}, "'layer'", "layernorm"),
        ({"family": "imagenet-resnet", "depth": 50, "norm": "affine"}, "norm is 'affine'", "has batchnorm"),
        ({"norm": "none", "norm_init": "ones"}, "trained is 'batchnorm' with norm='none'", "no γ and β"),
        ({"norm": "none", "norm_init": "ones", "trained": "gamma"}, "'gamma' with norm='none'", "no γ and β"),
        ({"norm": "none", "trained": "all"}, "norm_init is 'uniform' with norm='none'", "say 'ones'"),
        ({"norm": "batchnorm-once", "norm_init": "ones", "trained": "output"}, "trained is 'output'", "say 'all'"),
        ({"norm": "affine", "trained": "random", "random_per_channel": 2}, "trained is 'random'", "with batchnorm"),
    ],
)
def test_a_spec_that_no_network_has_is_refused_with_what_is_allowed(change, found, allowed):
    with pytest.raises(SpecError) as error:
        dataclasses.replace(cifar("smoke", 0, depth=14), **change)
    assert found in str(error.value)
    assert allowed in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"depth": 7},
        {"depth": 9},
        {"depth": 866 + 5},
        {"depth": 14.0},
        {"seed": True},
        {"width": -1},
        {"batch_size": 0},
        {"epochs": -1, "learning_rate_drops": ()},
        {"epochs": 9},
        {"random_per_channel": -1},
        {"trained": "random"},
        {"learning_rate_drops": (0,)},
        {"learning_rate_drops": (12,)},
        {"learning_rate_drops": (6, 13)},
        {"learning_rate_drops": (6, 6)},
        {"learning_rate_drops": (6, 6, 9)},
        {"learning_rate_drops": (6.0,)},
        {"learning_rate": 0.0},
        {"learning_rate": -0.1},
        {"learning_rate": float("inf")},
        {"learning_rate": float("nan")},
        {"momentum": -0.1},
        {"momentum": 1.5},
        {"weight_decay": -1e-4},
        {"weight_decay": float("inf")},
        {"family": "imagenet-resnet", "depth": 152},
        {"family": "imagenet-resnet", "depth": 50, "width": 2},
        {"dataset": "imagenet", "epochs": 1, "learning_rate_drops": ()},
    ],
    ids=str,
)
def test_a_value_beyond_an_edge_is_refused(change):
    with pytest.raises(SpecError):
        dataclasses.replace(cifar("smoke", 0, depth=14), **change)


@pytest.mark.parametrize(
    "change",
    [
        {"depth": 8},
        {"width": 1},
        {"batch_size": 2},
        {"epochs": 0, "learning_rate_drops": ()},
        {"epochs": 0, "learning_rate_drops": (), "dataset": "imagenet"},
        {"epochs": 2, "learning_rate_drops": (1,)},
        {"trained": "random", "random_per_channel": 1},
        {"learning_rate_drops": (1, 11)},
        {"learning_rate": 1e-300},
        {"momentum": 0.0},
        {"weight_decay": 0.0},
        *({"family": "imagenet-resnet", "depth": depth} for depth in (18, 34, 50, 101, 200)),
        *({"family": "imagenet-resnet-3x3", "depth": depth} for depth in (18, 34, 50, 101)),
        *({"norm": norm} for norm in ("affine", "groupnorm", "layernorm", "instancenorm", "weightnorm")),
        *({"norm": norm, "norm_init": "ones", "trained": "all"} for norm in ("none", "batchnorm-once")),
        {"norm": "none", "norm_init": "ones", "trained": "shortcut+output"},
        *({"precision": precision} for precision in ("float32", "tf32", "bfloat16")),
    ],
    ids=str,
)
def test_a_value_at_an_edge_is_a_run(change):
    spec = dataclasses.replace(cifar("smoke", 0, depth=14), **change)
    assert read_spec(spec.to_json(), "here") == spec


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (cifar("smoke", 0, depth=14), "resnet-14 batchnorm 12 epochs seed 0 (digits)"),
        (cifar("smoke", 3, depth=14, width=2), "wrn-14-2 batchnorm 12 epochs seed 3 (digits)"),
        (cifar("smoke", 0, depth=8, trained="random", k=2), "resnet-8 random-2 12 epochs seed 0 (digits)"),
        (
            cifar("paper", 1, depth=866, weight_init="binary", norm_init="ones"),
            "resnet-866 batchnorm binary norm-ones 160 epochs seed 1 (cifar10)",
        ),
        (
            cifar("paper", 1, depth=110, weight_init="orthogonal", norm_init="uniform-symmetric"),
            "resnet-110 batchnorm orthogonal norm-uniform-symmetric 160 epochs seed 1 (cifar10)",
        ),
        (
            cifar("smoke", 0, depth=8, trained="all", labels="shuffled"),
            "resnet-8 all shuffled labels 12 epochs seed 0 (digits)",
        ),
        (built(depth=200, family="imagenet-resnet"), "resnet-200 batchnorm built only (imagenet)"),
        (cifar("paper", 0, depth=14, norm="groupnorm"), "resnet-14 affine layer-groupnorm 160 epochs seed 0 (cifar10)"),
        (layered("smoke", 0, depth=8, norm="none"), "resnet-8 all layer-none 12 epochs seed 0 (digits)"),
        (
            layered("paper", 1, depth=50, norm="affine", batch_size=16),
            "resnet-50-3x3 all layer-affine norm-ones batch 16 160 epochs seed 1 (cifar10)",
        ),
    ],
)
def test_the_name_of_a_run_says_what_sets_it_apart(spec, name):
    assert spec.name == name


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda fields: fields.pop("seed"), "lacks ['seed']"),
        (lambda fields: fields.update(sead=1), "unknown fields ['sead']"),
        (lambda fields: fields.update(training_version=99), "training version 99"),
        (lambda fields: fields.update(training_version=0), "training version 0"),
        (lambda fields: fields.update(training_version=True), "training version True"),
        (lambda fields: fields.update(weight_decay=float("inf")), "all finite"),
        (lambda fields: fields.update(depth=[[[]]]), "depth is [[[]]]"),
    ],
)
def test_an_edited_spec_text_is_refused_by_name(edit, message):
    fields = json.loads(cifar("smoke", 0, depth=14).to_json())
    edit(fields)
    with pytest.raises(SpecError, match="results/spec.json") as error:
        read_spec(json.dumps(fields), "results/spec.json")
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{", '"text"', b"\xff\x00", "[" * 100_000, '{"a":' * 100_000])
def test_a_text_that_is_no_spec_is_refused(text):
    with pytest.raises(SpecError, match="holds no run spec"):
        read_spec(text, "spec.json")


def test_paper_schedule_is_the_protocol_of_frankle2021():
    spec = cifar("paper", 0, depth=866)
    assert (spec.epochs, spec.batch_size, spec.learning_rate_drops) == (160, 128, (80, 120))
    assert (spec.learning_rate, spec.momentum, spec.weight_decay) == (0.1, 0.9, 1e-4)
    assert (spec.weight_init, spec.norm_init, spec.augmentation) == ("he-normal", "uniform", "flip-crop4")


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_drops_the_rate_at_the_same_fractions(scale):
    fixed = schedule(scale)
    assert [drop / fixed.epochs for drop in fixed.drops] == [0.5, 0.75]


def test_an_unknown_scale_is_refused_with_the_known_ones():
    with pytest.raises(SpecError, match="'huge'; allowed: smoke, pilot, paper"):
        schedule("huge")


def test_a_built_network_is_the_same_run_at_every_scale():
    assert built(depth=14).epochs == 0
    assert all(14 in DEPTHS[scale] for scale in SCALES)


def test_layers_are_compared_under_the_protocol_of_frankle2021_with_pytorchs_gamma_and_beta():
    spec, other = layered("paper", 3, depth=18), cifar("paper", 3, depth=14, trained="all", norm_init="ones")
    changed = {one.name for one in dataclasses.fields(spec) if getattr(spec, one.name) != getattr(other, one.name)}
    assert changed == {"family", "depth"}
    assert layered("pilot", 0, depth=8) == cifar("pilot", 0, depth=8, trained="all", norm_init="ones")


def test_batch_sizes_and_networks_are_those_of_peerthum2023():
    assert (BATCHES["paper"][0], BATCHES["paper"][-1]) == (16, 512)
    assert LAYERED_DEPTHS["paper"] == (18, 34, 50, 101)
