"""ImageNet ResNets: torchvision's, with the depth-200 layout it does not name."""

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

LAYOUTS = {  # blocks in each of the four groups (He et al. 2016, Table 1; 200: frankle2021)
    18: (BasicBlock, [2, 2, 2, 2]),
    34: (BasicBlock, [3, 4, 6, 3]),
    50: (Bottleneck, [3, 4, 6, 3]),
    101: (Bottleneck, [3, 4, 23, 3]),
    200: (Bottleneck, [3, 24, 36, 3]),
}


def imagenet_resnet(depth: int, classes: int) -> nn.Module:
    """ResNet-18 or -34 (basic blocks), -50, -101 or -200 (bottlenecks, stride in the 3x3 convolution)."""
    block, layout = LAYOUTS[depth]
    model: nn.Module = ResNet(block, layout, num_classes=classes)
    return model
