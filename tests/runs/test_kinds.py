"""What holds of every kind of run: its keys, its fields, its text."""

import dataclasses

import pytest

from repro.recipes import boosting, built, cifar, imagenet, layered, sequence, ticket
from repro.runs.boosting_spec import BoostingSpec
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.spec import TRAINING_VERSION
from repro.runs.spec_json import KINDS, read_spec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

PINNED = {
    cifar("paper", 0, depth=866): "347a3685ec86a2d9a892349c115b9b1b549e4c57fe842f8794145cbcd1693472",
    cifar("smoke", 2, depth=14, trained="random", k=2): (
        "5910993bcfa4d2889437630698d0d9fb8fcb3871a532a1d424b8f46edb2393d1"
    ),
    layered("paper", 1, depth=50, norm="batchnorm-once"): (
        "7db969efa12443527020acd5d8318fda6307f9e934d997e1272d2cfd29f8ec42"
    ),
    cifar("paper", 0, depth=110, norm="groupnorm"): "e3cd6222f37889294ea6cea1248070d67e4536b5edc95463cd3f0f33c11d73cc",
    built(depth=200, family="imagenet-resnet"): "7abcdb4178053582e914e221952444905de3d52d3007152630ba64aa8fdfe06b",
    imagenet("paper", 0, depth=200): "7258b12f6f033ef337b37e60d32831ddaa023032917eb1513e83f6437a1cc019",
    sequence("paper", 0, "gru"): "4a6ef5260d498c89cb4e89d5d8fcdce80cc34004ab96c4898bf1ff34701b4e31",
    ticket(0, "magnitude"): "84c6bb69c7b92815f01d13419609d0f2ee5ce6857de9166acd9420fd41ec1281",
    ticket(1, "random"): "63a24b76fccfbe5935d210e51573c6fddb369d856daf532dc82ef73d023f3525",
    boosting("paper", 0, "adaboost-m1"): "72134189f7d032ce2d366fd0908e317d894ef37bb0aa941a347a64ce011d36d6",
    boosting("smoke", 2, "gradient-boosting", leaves=10, shrinkage=0.1): (
        "f1bfc1086431b5199ffc6cdc84d37272301710efd020363ee7742afa5bdfff1e"
    ),
}

# A run of each kind, and other values that such a run may have; None where a kind knows one value alone.
NETWORK = {"labels": "shuffled", "seed": 7, "weight_decay": 1e-3}
RUNS = {
    ResNetSpec: cifar("smoke", 0, depth=50),
    ImageNetSpec: imagenet("paper", 0, depth=200),
    StepSpec: sequence("paper", 0, "gru"),
    TicketSpec: ticket(0, "magnitude"),
    BoostingSpec: boosting("paper", 0, "gradient-boosting", leaves=10, shrinkage=0.1),
}
OTHER = {
    ResNetSpec: NETWORK
    | {
        "norm": "groupnorm", "family": "imagenet-resnet", "depth": 56, "width": 2, "weight_init": "binary",
        "norm_init": "ones", "trained": "all", "random_per_channel": 3, "dataset": "cifar10",
        "augmentation": "flip-crop4", "epochs": 13, "batch_size": 61, "learning_rate": 0.2,
        "learning_rate_drops": (6,), "momentum": 0.8, "precision": "bfloat16",
    },
    ImageNetSpec: NETWORK
    | {
        "norm": None, "family": None, "depth": 101, "weight_init": "binary", "norm_init": "ones", "trained": "all",
        "dataset": "imagenet-drawn", "augmentation": "none", "image_size": 192, "test_resize": 232, "processes": 4,
        "epochs": 91, "warm_up_epochs": 4, "batch_size": 512, "learning_rate": 0.2, "learning_rate_drops": (30, 60),
        "momentum": 0.8, "precision": "bfloat16",
    },
    StepSpec: NETWORK
    | {
        "family": "mlp", "hidden": 7, "pooling": "max", "trained": None, "weight_init": None,
        "dataset": "mnist1d-seed-43", "features": "shuffled", "label_noise": 0.1, "optimizer": "sgd",
        "order": "reshuffled", "steps": 250, "steps_per_evaluation": 500, "batch_size": 50, "learning_rate": 0.2,
        "momentum": 0.8, "precision": None,
    },
    TicketSpec: NETWORK
    | {
        "family": "mlp", "hidden": 7, "trained": None, "weight_init": None, "dataset": "mnist1d-seed-43",
        "optimizer": "sgd", "order": "reshuffled", "steps": 250, "pruning": "random", "levels": 101,
        "retrains": (1, 92, 96), "kept": (92, 96), "tests": ("reversed",), "tested_level": 96, "tested_on": "mnist1d",
        "test_batch_size": 50, "test_steps": 250, "batch_size": 50, "learning_rate": 0.2, "momentum": 0.8,
        "precision": None,
    },
    BoostingSpec: {
        "family": "real-adaboost", "dataset": None, "labels": "shuffled", "leaves": 2, "rounds": 10,
        "rounds_per_evaluation": 20, "shrinkage": 0.5, "seed": 7,
    },
}  # fmt: skip
# What a field needs beside it.
PARTNERS = {
    (ResNetSpec, "random_per_channel"): {"trained": "random", "random_per_channel": 2},
    (StepSpec, "pooling"): {"family": "pooling-cnn"},
    (StepSpec, "momentum"): {"optimizer": "sgd"},
    (TicketSpec, "momentum"): {"optimizer": "sgd"},
    (BoostingSpec, "family"): {"shrinkage": 1.0},
}


@pytest.mark.parametrize("spec", PINNED, ids=lambda spec: spec.name)
def test_keys_stay_what_they_were(spec):
    """A changed key orphans every stored run: results already paid for would be trained again.

    If a field was added or what training computes has changed, raise TRAINING_VERSION and pin the new keys.
    """
    assert TRAINING_VERSION == 1
    assert spec.key == PINNED[spec]


def test_every_kind_is_pinned_and_tried():
    assert set(KINDS) == {type(spec) for spec in PINNED} == RUNS.keys() == OTHER.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_has_a_default(kind):
    for field in dataclasses.fields(kind):
        assert field.default is field.default_factory is dataclasses.MISSING


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_enters_the_key(kind):
    assert OTHER[kind].keys() == {field.name for field in dataclasses.fields(kind)}
    for name, value in OTHER[kind].items():
        one = dataclasses.replace(RUNS[kind], **PARTNERS.get((kind, name), {}))
        if value is None:
            assert kind.CHOICES[name] == (getattr(one, name),)
        else:
            assert one.key != dataclasses.replace(one, **{name: value}).key, name


@pytest.mark.parametrize("spec", [*PINNED, *RUNS.values()], ids=lambda spec: spec.name)
def test_a_spec_read_back_is_what_it_was_and_of_its_kind(spec):
    again = read_spec(spec.to_json(), "a file")
    assert type(again) is type(spec)
    assert again == spec
