"""ImageNet's ResNets in their form for CIFAR: a 3x3 stem and no max-pool, so that a small image stays whole."""

from torch import Tensor, nn

from repro.runs.resnet_spec import BOTTLENECK, SMALL_STEM
from repro.training.models.cifar import BasicBlock, around, shortcut
from repro.training.models.norms import convolution, layer


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions with 4 times the channels at the end, stride in the 3x3 (He et al. 2016, Table 1).

    Each with BatchNorm or what is in its place; ReLU after the first two and after the sum.
    """

    def __init__(self, channels_in: int, channels: int, stride: int, norm: str) -> None:
        super().__init__()
        self.conv1 = convolution(norm, channels_in, channels, 1)
        self.bn1 = layer(norm, channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = convolution(norm, channels, channels, 3, stride)
        self.bn2 = layer(norm, channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = convolution(norm, channels, 4 * channels, 1)
        self.bn3 = layer(norm, 4 * channels)
        self.relu3 = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels_in, 4 * channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, 4·channels, H / stride, W / stride)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        z: Tensor = self.relu3(self.bn3(self.conv3(y)) + self.downsample(x))
        return z


def small_stem_resnet(depth: int, norm: str, channels_in: int, classes: int) -> nn.Sequential:
    """ResNet-18 or -34 (basic blocks), -50 or -101 (bottlenecks), four groups of 64 to 512 channels."""
    block, wider = (Bottleneck, 4) if depth >= BOTTLENECK else (BasicBlock, 1)
    blocks: list[nn.Module] = []
    channels = 64
    for group, count in enumerate(SMALL_STEM[depth]):
        for number in range(count):
            blocks.append(block(channels, 64 * 2**group, 2 if group and number == 0 else 1, norm))
            channels = wider * 64 * 2**group
    return around(blocks, norm, channels_in, 64, channels, classes)
