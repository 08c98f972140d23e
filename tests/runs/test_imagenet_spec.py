"""Runs of ImageNet networks: what names them, and what no such run has."""

import dataclasses

import pytest

from repro.errors import SpecError
from repro.recipes import cifar, imagenet, sequence

PAPER = imagenet("paper", 0, depth=200)


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
