"""The layer in BatchNorm's place, with the convolution before it."""

import math

import torch
from torch import Tensor, nn

GROUP = 8  # channels of a group: the most that leave more than one in the narrowest layer, of 16 channels


class Affine(nn.Module):
    """γ·x + β for each channel, without normalisation: the AffineLayer of peerthum2023."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to the same shape."""
        return torch.addcmul(self.bias[:, None, None], x, self.weight[:, None, None])


class UnitConv2d(nn.Conv2d):
    """A convolution whose weights are v·√2/‖v‖ for each output channel (Salimans and Kingma 2016).

    √2 is the norm that a He draw has in expectation, so that the γ after it means what it means after any other layer.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As a convolution."""
        norm = torch.linalg.vector_norm(self.weight, dim=(1, 2, 3), keepdim=True)
        y: Tensor = self._conv_forward(x, self.weight * (math.sqrt(2) / norm), self.bias)
        return y


HAS_AFFINE = nn.BatchNorm2d | nn.GroupNorm | Affine  # the layers with γ (weight) and β (bias), each (channels,)


def layer(norm: str, channels: int) -> nn.Module:
    """The layer of a spec's ``norm`` over (N, channels, H, W).

    LayerNorm is over (channels, H, W) and InstanceNorm over (H, W) of each image (Wu and He 2018, Figure 2), both with
    γ and β for each channel: GroupNorm with one group, and with a group for each channel.
    """
    match norm:
        case "batchnorm":
            return nn.BatchNorm2d(channels)
        case "affine" | "weightnorm":
            return Affine(channels)
        case "groupnorm":
            return nn.GroupNorm(channels // GROUP, channels)
        case "layernorm":
            return nn.GroupNorm(1, channels)
        case "instancenorm":
            return nn.GroupNorm(channels, channels)
        case _:
            return nn.Identity()


def convolution(norm: str, channels_in: int, channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """The convolution before such a layer; a bias only where the layer's shift has gone into it."""
    kind = UnitConv2d if norm == "weightnorm" else nn.Conv2d
    return kind(channels_in, channels, kernel, stride, padding=kernel // 2, bias=norm == "batchnorm-once")
