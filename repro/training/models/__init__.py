"""Networks as the papers draw them, built empty from a spec."""

import torch
from torch import nn

from repro.runs.datasets import DATASETS
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec
from repro.training.models.cifar import cifar_resnet
from repro.training.models.norms import HAS_AFFINE
from repro.training.models.small_stem import small_stem_resnet


def build(spec: NetworkSpec) -> nn.Module:
    """The network of a spec on torch's meta device: shapes without memory, for counting or for filling."""
    dataset = DATASETS[spec.dataset]
    with torch.device("meta"):
        match spec:
            case StepSpec():
                from repro.training.models.sequences import sequence_network

                return sequence_network(spec, dataset.shape[0], dataset.classes)
            case TicketSpec():
                from repro.training.models.sequences import sequence_network

                return sequence_network(spec.sequence[0].training, dataset.shape[0], dataset.classes)
            case ResNetSpec(family="cifar-resnet"):
                return cifar_resnet(spec.depth, spec.width, spec.norm, dataset.shape[2], dataset.classes)
            case ResNetSpec(family="imagenet-resnet-3x3"):
                return small_stem_resnet(spec.depth, spec.norm, dataset.shape[2], dataset.classes)
            case ResNetSpec() | ImageNetSpec():
                # torchvision takes as long to import as torch, and 160 MB of a worker that trains on CIFAR-10.
                from repro.training.models.imagenet import imagenet_resnet

                return imagenet_resnet(spec.depth, dataset.classes)
    raise AssertionError(f"{spec.name} has no network")


def parts(model: nn.Module) -> dict[str, str]:
    """Which part of the network each parameter belongs to, by parameter name, in network order.

    "batchnorm", which is also the γ and β of a layer in its place, counts the shortcut's BatchNorm too and "shortcut"
    the 1x1 convolution alone: only so do the counts of frankle2021's Table 1 come out. "output" is the linear layer,
    "convolution" the rest.
    """
    found = {}
    for path, module in model.named_modules():
        for name, _ in module.named_parameters(recurse=False):
            if isinstance(module, HAS_AFFINE):
                part = "batchnorm"
            elif isinstance(module, nn.Linear):
                part = "output"
            else:
                part = "shortcut" if "downsample" in path else "convolution"
            found[f"{path}.{name}"] = part
    return found
