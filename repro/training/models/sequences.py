"""Networks on sequences of numbers (Greydanus and Kobak 2024; sizes as in the authors' notebooks)."""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from repro.runs.step_spec import StepSpec


def sequence_network(spec: StepSpec, length: int, classes: int) -> nn.Module:
    """The network of a spec, from sequences (N, length) to logits (N, classes)."""
    match spec.family:
        case "logistic":
            return nn.Sequential(OrderedDict(output=nn.Linear(length, classes)))
        case "mlp":
            return MLP(length, spec.hidden, classes, residual=False)
        case "residual-mlp":
            return MLP(length, spec.hidden, classes, residual=True)
        case "cnn":
            return CNN(length, spec.hidden, classes)
        case "pooling-cnn":
            return PoolingCNN(length, spec.hidden, classes, spec.pooling)
        case _:
            return GRU(length, spec.hidden, classes)


class MLP(nn.Module):
    """Two hidden layers of the same size with ReLU, the first one added to the output of the second where residual."""

    def __init__(self, length: int, hidden: int, classes: int, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.linear1 = nn.Linear(length, hidden)
        self.linear2 = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, length) to (N, classes)."""
        h = self.linear1(x).relu()
        g = self.linear2(h).relu()
        z: Tensor = self.output(h + g if self.residual else g)
        return z


class CNN(nn.Module):
    """Three convolutions with stride 2 and ReLU, kernels 5, 3 and 3, and a linear layer over all that they give."""

    def __init__(self, length: int, channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, channels, 5, stride=2, padding=1)
        self.conv2 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        after = length
        for kernel in (5, 3, 3):
            after = (after + 2 - kernel) // 2 + 1
        self.output = nn.Linear(channels * after, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, length) to (N, classes)."""
        h = self.conv1(x[:, None]).relu()
        h = self.conv3(self.conv2(h).relu()).relu()
        z: Tensor = self.output(h.flatten(1))
        return z


class PoolingCNN(nn.Module):
    """Two convolutions of kernel 3 with ReLU, each halved by stride or pooling or left as it is, and a linear layer."""

    def __init__(self, length: int, channels: int, classes: int, pooling: str) -> None:
        super().__init__()
        self.pooling = pooling
        stride = 2 if pooling == "stride" else 1
        self.conv1 = nn.Conv1d(1, channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv1d(channels, channels, 3, stride=stride, padding=1)
        self.output = nn.Linear(channels * (length if pooling == "none" else length // 4), classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, length) to (N, classes)."""
        h = self._pool(self.conv1(x[:, None]).relu())
        h = self._pool(self.conv2(h).relu())
        z: Tensor = self.output(h.flatten(1))
        return z

    def _pool(self, h: Tensor) -> Tensor:
        match self.pooling:
            case "max":
                return functional.max_pool1d(h, 2)
            case "mean":
                return functional.avg_pool1d(h, 2)
            case "l2":
                return functional.lp_pool1d(h, norm_type=2, kernel_size=2)
            case _:
                return h


class GRU(nn.Module):
    """A bidirectional GRU over single numbers, and a linear layer over its outputs at every place."""

    def __init__(self, length: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * hidden * length, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, length) to (N, classes)."""
        outputs, _ = self.gru(x[..., None])
        z: Tensor = self.output(outputs.flatten(1))
        return z
