"""Initial values of every tensor of a network, the same for a seed on every device."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.step_spec import StepSpec
from repro.runs.streams import Purpose, stream
from repro.runs.ticket_spec import TicketSpec
from repro.training.models.norms import HAS_AFFINE

Array = NDArray[np.float32]


def fill(model: nn.Module, spec: NetworkSpec, purpose: Purpose = Purpose.WEIGHTS) -> nn.Module:
    """Moves a network from the meta device to the CPU and gives each tensor its value for the spec's seed.

    ``purpose`` is the stream of the weights, by which networks on sequences have more than one start.
    """
    with torch.no_grad():
        _allocate(model)
        match spec:
            case ResNetSpec() | ImageNetSpec():
                _fill_resnet(model, spec)
            case StepSpec() | TicketSpec():
                _fill_as_torch(model, spec.seed, purpose)
    return model


def _allocate(model: nn.Module) -> None:
    """Gives every tensor memory on the CPU, as ``to_empty`` does, which imports SymPy: 0.3 s of every process."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(torch.empty(parameter.shape)))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, torch.empty(buffer.shape, dtype=buffer.dtype))


def _fill_as_torch(model: nn.Module, seed: int, purpose: Purpose) -> None:
    """torch's own default: every tensor of a layer U(±1/√fan-in), of a GRU U(±1/√hidden)."""
    for index, module in enumerate(model.modules()):
        generator = stream(seed, purpose, index)
        fan_in = module.hidden_size if isinstance(module, nn.GRU) else None
        for name, parameter in module.named_parameters(recurse=False):
            fan_in = fan_in or math.prod(parameter.shape[1:])  # the weight comes before its bias
            bound = 1 / math.sqrt(fan_in)
            draws = generator.uniform(-bound, bound, tuple(parameter.shape)).astype(np.float32)
            module.get_parameter(name).copy_(torch.from_numpy(draws))


def _fill_resnet(model: nn.Module, spec: ResNetSpec | ImageNetSpec) -> None:
    """Convolutions, output layer and the layers in BatchNorm's place as the spec says."""
    for index, module in enumerate(model.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            generator = stream(spec.seed, Purpose.WEIGHTS, index)
            module.weight.copy_(torch.from_numpy(weights(tuple(module.weight.shape), spec.weight_init, generator)))
            if module.bias is not None:
                # The authors' framework initialises weights alone and so leaves torch's bias: U(±1/sqrt(fan-in)).
                bound = 1 / math.sqrt(module.weight[0].numel())
                bias = generator.uniform(-bound, bound, len(module.bias)).astype(np.float32)
                module.bias.copy_(torch.from_numpy(bias))
        elif isinstance(module, HAS_AFFINE):
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
            gamma, beta = affine(len(module.weight), spec.norm_init, stream(spec.seed, Purpose.NORM, index))
            module.weight.copy_(torch.from_numpy(gamma))
            module.bias.copy_(torch.from_numpy(beta))


def weights(shape: tuple[int, ...], kind: str, generator: np.random.Generator) -> Array:
    """Weights of a convolution (out, in, kernel, kernel) or linear layer (out, in), float32; gain √2, fan-in.

    Sources: He et al. 2015 (normal, uniform); Saxe et al. 2014 (orthogonal, gain 1 as in torch); frankle2021's
    framework (binary: the sign of a He normal draw times that tensor's standard deviation).
    """
    fan_in = math.prod(shape[1:])
    match kind:
        case "he-normal":
            return generator.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / fan_in))
        case "he-uniform":
            bound = math.sqrt(6 / fan_in)
            return generator.uniform(-bound, bound, shape).astype(np.float32)
        case "binary":
            normal = weights(shape, "he-normal", generator)
            signs: Array = np.sign(normal) * np.std(normal, ddof=1)
            return signs
        case _:
            flat = generator.standard_normal((shape[0], fan_in))
            tall = flat if shape[0] >= fan_in else flat.T
            q, r = np.linalg.qr(tall)
            q *= np.sign(np.diag(r))  # makes the draw uniform over orthogonal matrices (Mezzadri 2007)
            return np.ascontiguousarray(q if shape[0] >= fan_in else q.T, dtype=np.float32).reshape(shape)


def affine(features: int, kind: str, generator: np.random.Generator) -> tuple[Array, Array]:
    """Initial γ and β of one layer, float32, each of shape (features,)."""
    zeros, ones = np.zeros(features, np.float32), np.ones(features, np.float32)
    match kind:
        case "uniform":
            return generator.random(features, dtype=np.float32), zeros
        case "ones":
            return ones, zeros
        case "ones-ones":
            return ones, ones
        case _:
            return 2 * generator.random(features, dtype=np.float32) - 1, zeros
