"""CIFAR ResNet-D and WRN-D-W (He et al. 2016, Section 4.2; Zagoruyko and Komodakis 2016, in post-activation order)."""

from collections import OrderedDict

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, each with BatchNorm, and a shortcut; ReLU after the first and after the sum."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels, H / stride, W / stride)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        z: Tensor = self.relu2(self.bn2(self.conv2(y)) + self.downsample(x))
        return z


def cifar_resnet(depth: int, width: int, channels_in: int, classes: int) -> nn.Sequential:
    """Stem of 16·width channels, three groups of (depth − 2) / 6 blocks with 16, 32 and 64 times width channels."""
    blocks: list[nn.Module] = []
    channels = 16 * width
    for group, group_channels in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range((depth - 2) // 6):
            blocks.append(BasicBlock(channels, group_channels, stride=2 if group and block == 0 else 1))
            channels = group_channels
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(channels_in, 16 * width, 3, padding=1, bias=False),
            bn=nn.BatchNorm2d(16 * width),
            relu=nn.ReLU(inplace=True),
            blocks=nn.Sequential(*blocks),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(channels, classes),
        )
    )
