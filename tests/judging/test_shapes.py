"""Names and shapes of the tensors that a run keeps, derived without torch: those that training keeps."""

import dataclasses

import pytest
import torch

from repro.judging.shapes import expected
from repro.recipes import cifar, imagenet, layered
from repro.runs.resnet_spec import PLAIN, ResNetSpec
from repro.training.trainable import named_tensors, prepare


@pytest.mark.parametrize(
    ("trained", "k"),
    [("all", 0), ("all-but-batchnorm", 0), ("batchnorm", 0), ("random", 2), ("random", 40), ("output", 0), ("none", 0),
     ("batchnorm+output", 0), ("batchnorm+shortcut", 0), ("shortcut+output", 0), ("gamma", 0), ("beta", 0)],
)  # fmt: skip
@pytest.mark.parametrize(("depth", "width"), [(8, 1), (14, 2)])
def test_expected_tensors_are_those_that_training_keeps(trained, k, depth, width):
    spec = cifar("smoke", 0, depth=depth, width=width, trained=trained, k=k)
    kept = named_tensors(prepare(spec, torch.device("cpu")))
    assert expected(spec) == {name: tuple(tensor.shape) for name, tensor in kept.items()}


@pytest.mark.parametrize("trained", ["all", "all-but-batchnorm", "batchnorm", "shortcut+output", "none"])
@pytest.mark.parametrize("depth", [18, 50])
def test_expected_tensors_of_an_imagenet_network_are_those_that_training_keeps(trained, depth):
    spec = imagenet("paper", 0, depth=depth, trained=trained)
    kept = named_tensors(prepare(spec, torch.device("cpu")))
    assert expected(spec) == {name: tuple(tensor.shape) for name, tensor in kept.items()}


def test_network_that_was_only_built_keeps_no_tensor():
    spec = dataclasses.replace(cifar("smoke", 0, depth=8), epochs=0, learning_rate_drops=())
    assert expected(spec) == {}


@pytest.mark.parametrize("norm", [norm for norm in ResNetSpec.CHOICES["norm"] if norm != "batchnorm"])
def test_running_statistics_are_expected_of_batchnorm_alone(norm):
    assert not any("running_" in name for name in expected(layered("smoke", 0, depth=8, norm=norm)))
    assert ("bn.weight" in expected(layered("smoke", 0, depth=8, norm=norm))) == (norm not in PLAIN)
