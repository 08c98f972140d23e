"""Weights of a "batchnorm-once" network: its convolutions, given BatchNorm's statistics of the first batch once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.training.data import Examples, batches
from repro.training.precision import arithmetic
from repro.training.trainable import Trainable

EPSILON = 1e-5  # BatchNorm's own, added to the variance


def standardise(spec: NetworkSpec, net: Trainable, examples: Examples) -> None:
    """Rescales and shifts each convolution so that its outputs on the run's first batch have mean 0 and variance 1.

    From the stem to the last block, each after those before it; the batch is that of the run's own order and
    augmentation. A network with another layer in BatchNorm's place is left as it is. A pure function of spec and
    images, so that a run that resumes before its first step repeats it.
    """

    def rescale(convolution: nn.Conv2d, x: Tensor, y: Tensor) -> Tensor:
        assert convolution.bias is not None
        variance, mean = torch.var_mean(y.float(), dim=(0, 2, 3), correction=0)
        scale = (variance + EPSILON).rsqrt()
        convolution.weight.mul_(scale[:, None, None, None])
        convolution.bias.sub_(mean).mul_(scale)
        again: Tensor = convolution._conv_forward(x, convolution.weight, convolution.bias)
        return again

    if isinstance(spec, ResNetSpec) and spec.norm == "batchnorm-once":
        _pass_first_batch(spec, net, examples, rescale)


def statistics(spec: NetworkSpec, net: Trainable, examples: Examples) -> dict[str, object]:
    """What ``standardise`` leaves: over all channels of all convolutions, how far mean and variance are from 0 and 1.

    ``net`` is the network before it; it is changed.
    """
    means, variances = list[Tensor](), list[Tensor]()

    def look(_convolution: nn.Conv2d, _x: Tensor, y: Tensor) -> Tensor:
        variance, mean = torch.var_mean(y.float(), dim=(0, 2, 3), correction=0)
        means.append(mean)
        variances.append(variance)
        return y

    _pass_first_batch(spec, net, examples, look)
    before = torch.cat(variances).mean().item()
    means.clear()
    variances.clear()
    standardise(spec, net, examples)
    _pass_first_batch(spec, net, examples, look)
    return {
        "convolutions": len(means),
        "channels": len(torch.cat(means)),
        "mean_variance_before": before,
        "largest_mean": torch.cat(means).abs().max().item(),
        "largest_variance_error": (torch.cat(variances) - 1).abs().max().item(),
    }


Seen = Callable[[nn.Conv2d, Tensor, Tensor], Tensor]  # a convolution, its input and output -> the output to pass on


@torch.no_grad()
def _pass_first_batch(spec: NetworkSpec, net: Trainable, examples: Examples, seen: Seen) -> None:
    x, _ = batches(spec, examples, 0).of(0)
    with _told(net.model, seen), arithmetic(spec.precision, x.device):
        net.model(x)


@contextmanager
def _told(model: nn.Module, seen: Seen) -> Iterator[None]:
    hooks = [
        module.register_forward_hook(lambda conv, inputs, output: seen(conv, inputs[0], output))
        for module in model.modules()
        if isinstance(module, nn.Conv2d)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
