"""Runs of ImageNet networks: what names them, and what no such run has."""

import dataclasses

import pytest

from repro.errors import SpecError
from repro.recipes import built, cifar, imagenet, sequence
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.spec_json import read_spec

PAPER = imagenet("paper", 0, depth=200)


def test_keys_never_move():
    """Another key would orphan every stored run of this kind: hours of eight GPUs each."""
    assert PAPER.key == "7258b12f6f033ef337b37e60d32831ddaa023032917eb1513e83f6437a1cc019"


def test_a_spec_read_back_is_of_the_kind_that_its_family_names():
    for spec in (
        PAPER,
        cifar("paper", 0, depth=14),
        built(depth=200, family="imagenet-resnet"),
        sequence("paper", 0, "mlp"),
    ):
        again = read_spec(spec.to_json(), "a file")
        assert type(again) is type(spec)
        assert again == spec


def test_no_field_has_a_default():
    assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(ImageNetSpec))
    with pytest.raises(TypeError, match="missing"):
        ImageNetSpec()


def test_every_field_changes_the_key():
    changed = {
        "trained": "all", "weight_init": "binary", "dataset": "imagenet-drawn", "labels": "shuffled",
        "batch_size": 512, "learning_rate": 0.2, "momentum": 0.8, "weight_decay": 0.0, "precision": "bfloat16",
        "seed": 1, "depth": 101, "norm_init": "ones", "augmentation": "none", "image_size": 192, "test_resize": 232,
        "processes": 4, "epochs": 91, "warm_up_epochs": 4, "learning_rate_drops": (30, 60),
    }  # fmt: skip
    single = {name for name, values in ImageNetSpec.CHOICES.items() if len(values) == 1}
    assert changed.keys() | single == {field.name for field in dataclasses.fields(ImageNetSpec)}
    keys = {dataclasses.replace(PAPER, **{name: value}).key for name, value in changed.items()}
    assert len({PAPER.key, *keys}) == len(changed) + 1


@pytest.mark.parametrize(
    ("changed", "found", "allowed"),
    [
        ({"processes": 3}, "batch_size is 1024 with 3 processes", "evenly"),
        ({"processes": 1024}, "batch_size is 1024 with 1024 processes", "at least 2 images each"),
        ({"processes": 0}, "processes is 0", "at least 1"),
        ({"depth": 152}, "depth is 152", "200"),
        ({"image_size": 32}, "image_size is 32", "64"),
        ({"test_resize": 200}, "test_resize is 200 with images of 224 pixels", "at least that"),
        ({"epochs": 0, "learning_rate_drops": (), "warm_up_epochs": 0}, "epochs is 0", "at least 1"),
        ({"warm_up_epochs": 91}, "warm_up_epochs is 91", "at most the 90 epochs"),
        ({"warm_up_epochs": 31}, "learning_rate_drops is", "after the warm-up of 31"),
        ({"learning_rate_drops": (60, 30)}, "learning_rate_drops is (60, 30)", "increasing"),
        ({"trained": "random"}, "trained is 'random'", "batchnorm"),
        ({"dataset": "cifar10"}, "dataset is 'cifar10'", "imagenet"),
    ],
)
def test_what_no_run_has_is_refused_in_one_line(changed, found, allowed):
    with pytest.raises(SpecError) as caught:
        dataclasses.replace(PAPER, **changed)
    assert found in str(caught.value)
    assert allowed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_says_what_batchnorm_sees():
    assert PAPER.name == "imagenet-resnet-200 batchnorm 90 epochs 8 × 128 images seed 0 (imagenet)"
    assert PAPER.devices == 8
    assert PAPER.share == 128


def test_other_runs_take_one_device():
    assert cifar("paper", 0, depth=14).devices == sequence("paper", 0, "mlp").devices == 1


def test_at_other_scales_there_is_no_such_run():
    with pytest.raises(SpecError, match="at scale paper alone"):
        imagenet("smoke", 0, depth=18)
