"""NetworkSpec: what the training of every neural network has, whatever it is counted in."""

import math
from dataclasses import dataclass

from repro.errors import SpecError
from repro.runs.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class NetworkSpec(RunSpec):
    """A run that trains a network by gradient descent.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    trained: str  # which parameters move; everything else stays at its initial value
    weight_init: str  # convolutions and linear layers
    batch_size: int  # examples a step; the last partial batch is kept
    learning_rate: float  # of the optimiser, before any drop
    momentum: float  # of SGD, not Nesterov, in [0, 1)
    weight_decay: float  # on every trained parameter
    precision: str  # of the forward and backward pass: float32 is IEEE's; parameters and statistics are float32

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 < self.learning_rate < math.inf and 0 <= self.momentum < 1 and 0 <= self.weight_decay < math.inf):
            raise SpecError(
                f"learning_rate {self.learning_rate}, momentum {self.momentum}, weight_decay {self.weight_decay}: "
                "allowed are > 0, [0, 1) and >= 0, all finite."
            )
