"""CIFAR ResNet-D and WRN-D-W (He et al. 2016, Section 4.2; Zagoruyko and Komodakis 2016, in post-activation order)."""

from collections import OrderedDict

from torch import Tensor, nn

from repro.training.models.norms import convolution, layer


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, each with BatchNorm or what is in its place, and a shortcut; ReLU after first and sum."""

    def __init__(self, channels_in: int, channels: int, stride: int, norm: str) -> None:
        super().__init__()
        self.conv1 = convolution(norm, channels_in, channels, 3, stride)
        self.bn1 = layer(norm, channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = convolution(norm, channels, channels, 3)
        self.bn2 = layer(norm, channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels_in, channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels, H / stride, W / stride)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        z: Tensor = self.relu2(self.bn2(self.conv2(y)) + self.downsample(x))
        return z


def shortcut(channels_in: int, channels: int, stride: int, norm: str) -> nn.Module:
    """The input itself or, where the shape changes, a 1x1 convolution of it with the layer in BatchNorm's place."""
    if stride == 1 and channels_in == channels:
        return nn.Identity()
    return nn.Sequential(convolution(norm, channels_in, channels, 1, stride), layer(norm, channels))


def cifar_resnet(depth: int, width: int, norm: str, channels_in: int, classes: int) -> nn.Sequential:
    """Stem of 16·width channels, three groups of (depth − 2) / 6 blocks with 16, 32 and 64 times width channels."""
    blocks: list[nn.Module] = []
    channels = 16 * width
    for group, group_channels in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range((depth - 2) // 6):
            stride = 2 if group and block == 0 else 1
            blocks.append(BasicBlock(channels, group_channels, stride, norm))
            channels = group_channels
    return around(blocks, norm, channels_in, 16 * width, channels, classes)


def around(
    blocks: list[nn.Module], norm: str, channels_in: int, stem: int, channels: int, classes: int
) -> nn.Sequential:
    """A 3x3 stem, the blocks, global average pooling and the output layer."""
    return nn.Sequential(
        OrderedDict(
            conv=convolution(norm, channels_in, stem, 3),
            bn=layer(norm, stem),
            relu=nn.ReLU(inplace=True),
            blocks=nn.Sequential(*blocks),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(channels, classes),
        )
    )
