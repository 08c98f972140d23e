"""The trainable network: what moves lies in one flat vector, what is frozen cannot move."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.streams import Purpose, stream
from repro.runs.ticket_spec import TicketSpec
from repro.training.models import build, parts
from repro.training.models.initial import fill


class RandomWeights(nn.Module):
    """A convolution of which k weights per output channel are trained and the rest are frozen.

    A parametrisation (fixed tensor, trained vector) rather than a masked gradient, because weight decay and momentum
    would move masked weights. ``values``: (out, k); ``positions``: (out, k), indices into in·kernel·kernel.
    A layer with fewer than k weights per channel trains them all.
    """

    positions: Tensor
    fixed: Tensor

    def __init__(self, convolution: nn.Conv2d, k: int, generator: np.random.Generator) -> None:
        super().__init__()
        flat = convolution.weight.detach().flatten(1)
        order = generator.random(flat.shape).argsort(axis=1)[:, : min(k, flat.shape[1])]
        self.stride, self.padding, self.shape = convolution.stride, convolution.padding, convolution.weight.shape
        self.register_buffer("positions", torch.from_numpy(np.sort(order, axis=1)))
        self.register_buffer("fixed", flat.clone())
        self.values = nn.Parameter(flat.gather(1, self.positions))

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of x (N, in, H, W) with the fixed weights, trained values in their places."""
        weight = self.fixed.scatter(1, self.positions, self.values).view(self.shape)
        return functional.conv2d(x, weight, stride=self.stride, padding=self.padding)


@dataclass(frozen=True, kw_only=True)
class Trainable:
    """A network whose trained parameters and running statistics are views into flat vectors."""

    model: nn.Module
    trained: Tensor  # (number of trained parameters,), float32; its .grad collects the parameters' gradients
    running: Tensor  # (2 x number of BatchNorm channels,), float32: running means and variances
    names: tuple[str, ...]  # of the trained parameters, in the order of `trained`
    mask: Tensor | None  # as long as `trained`: 0 for each weight that is pruned, and is 0 after every step, else 1
    kept: dict[str, Tensor]  # what a run keeps instead of its last weights, by label, each as long as `trained`; or {}


def prepare(spec: NetworkSpec, device: torch.device, purpose: Purpose = Purpose.WEIGHTS) -> Trainable:
    """The network of a spec at its initial values, on a device, ready to train; ``purpose`` is as in ``fill``."""
    model = fill(build(spec), spec, purpose)
    moves = _moves(spec.trained)
    where = parts(model)
    if isinstance(spec, ResNetSpec) and spec.trained == "random":
        _randomise(model, spec)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(spec.trained == "all" or _is_trained(name, where, moves))
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    names = tuple(name for name, parameter in model.named_parameters() if parameter.requires_grad)
    trained = _flatten(model, names)
    mask, kept = None, dict[str, Tensor]()
    if isinstance(spec, TicketSpec):
        mask = torch.ones_like(trained)
        masks = [mask_name(f"retrain {level}") for level in spec.kept]
        kept = {label: torch.zeros_like(trained) for label in (*masks, *spec.keeps)}
    return Trainable(model=model, trained=trained, running=_flatten_running(model), names=names, mask=mask, kept=kept)


def lower(net: Trainable, precision: str) -> None:
    """Stores frozen weights as the convolutions and the output layer of a bfloat16 run read them in every step.

    Autocast would round them again each time. γ, β, statistics and whatever is trained stay float32.
    """
    if precision == "bfloat16":
        for module in net.model.modules():
            if type(module) in (nn.Conv2d, nn.Linear):  # one whose weights are computed rounds what it computes
                for parameter in module.parameters():
                    if not parameter.requires_grad:
                        parameter.data = parameter.data.to(torch.bfloat16)


def mask_name(label: str) -> str:
    """Under which the mask of a retrain is kept."""
    return f"mask of {label}"


def frozen_hash(net: Trainable) -> str:
    """SHA-256 over name and bytes of every tensor that training must not move."""
    digest = hashlib.sha256()
    tensors = [*net.model.named_parameters(), *net.model.named_buffers()]
    for name, tensor in sorted(tensors):
        if name not in net.names and "running_" not in name and "num_batches" not in name:
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def named_tensors(net: Trainable) -> dict[str, Tensor]:
    """What a finished run keeps, by name, contiguous, on the CPU: trained parameters and running statistics.

    Of a ticket, instead of its last weights, those of the retrains that it keeps, and masks of the same shapes.
    """
    if net.kept:
        return {
            f"{label}/{name}": part.detach().cpu().contiguous()
            for label, vector in net.kept.items()
            for name, part in _parts(net, vector)
        }
    kept: dict[str, Tensor] = {name: p for name, p in net.model.named_parameters() if p.requires_grad}
    kept.update({name: b for name, b in net.model.named_buffers() if "running_" in name})
    return {name: tensor.detach().cpu().contiguous() for name, tensor in kept.items()}


def load_named(net: Trainable, tensors: dict[str, Tensor]) -> None:
    """Puts what ``named_tensors`` returned back into a network of the same spec, and into a ticket its last weights."""
    if net.kept:
        for label, vector in net.kept.items():
            for name, part in _parts(net, vector):
                part.copy_(tensors[f"{label}/{name}"])
        net.trained.copy_(list(net.kept.values())[-1])
        return
    places = dict(net.model.named_parameters()) | dict(net.model.named_buffers())
    with torch.no_grad():
        for name, tensor in tensors.items():
            places[name].copy_(tensor)


def _parts(net: Trainable, vector: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The pieces of a vector as long as the trained one, by parameter, in that one's shape."""
    sizes = [net.model.get_parameter(name).numel() for name in net.names]
    for name, piece in zip(net.names, torch.split(vector, sizes), strict=True):
        yield name, piece.view(net.model.get_parameter(name).shape)


def _moves(trained: str) -> frozenset[str]:
    """The kinds of parameters that a trainable set moves."""
    match trained:
        case "all-but-batchnorm":
            return frozenset({"convolution", "shortcut", "output"})
        case "batchnorm":
            return frozenset({"gamma", "beta"})
        case "random":
            return frozenset({"values"})
        case "none":
            return frozenset()
        case _:
            words = set(trained.split("+"))
            return frozenset(words - {"batchnorm"} | ({"gamma", "beta"} if "batchnorm" in words else set()))


def _is_trained(name: str, where: dict[str, str], moves: frozenset[str]) -> bool:
    kind = where.get(name, "values")  # a parameter that the plain network lacks is a RandomWeights vector
    if kind == "batchnorm":
        kind = "gamma" if name.endswith(".weight") else "beta"
    return kind in moves


def _randomise(model: nn.Module, spec: ResNetSpec) -> None:
    for index, (path, module) in enumerate(list(model.named_modules())):
        if isinstance(module, nn.Conv2d):
            parent, _, child = path.rpartition(".")
            generator = stream(spec.seed, Purpose.POSITIONS, index)
            setattr(model.get_submodule(parent), child, RandomWeights(module, spec.random_per_channel, generator))


def _flatten(model: nn.Module, names: tuple[str, ...]) -> Tensor:
    """One vector behind all trained parameters: a step of SGD is then a handful of launches, at any depth."""
    parameters = [model.get_parameter(name) for name in names]
    device = next(model.parameters()).device
    flat = torch.empty(sum(p.numel() for p in parameters), device=device)
    flat.grad = torch.zeros_like(flat)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        value, gradient = _view_like(flat[start:end], parameter), _view_like(flat.grad[start:end], parameter)
        value.copy_(parameter.detach())
        parameter.data, parameter.grad = value, gradient
        start = end
    return flat


def _view_like(piece: Tensor, parameter: Tensor) -> Tensor:
    if parameter.dim() == 4:  # channels last, as the convolution wants it
        out, channels, height, width = parameter.shape
        return piece.view(out, height, width, channels).permute(0, 3, 1, 2)
    return piece.view(parameter.shape)


def _flatten_running(model: nn.Module) -> Tensor:
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    empty = torch.empty(0, device=next(model.parameters()).device)
    pairs: list[Tensor] = [one for norm in norms for one in (norm.running_mean, norm.running_var) if one is not None]
    flat = torch.cat([empty, *pairs])
    start = 0
    for norm in norms:
        for name in ("running_mean", "running_var"):
            # With .data, each has a version of its own: the backward pass of a compiled block would take an update of
            # another layer's for one of its own.
            norm._buffers[name] = flat[start : start + norm.num_features].data
            start += norm.num_features
        norm.num_batches_tracked = None  # nothing reads the count, and counting is a launch a layer
    return flat
