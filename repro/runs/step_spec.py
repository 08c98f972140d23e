"""StepSpec: a run of a small network on generated sequences, counted in steps, as greydanus2024 trains them."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from repro.errors import SpecError
from repro.runs.datasets import SEQUENCES
from repro.runs.network_spec import NetworkSpec

UNITS = {"mlp": "units", "residual-mlp": "units", "cnn": "channels", "pooling-cnn": "channels", "gru": "units"}


@dataclass(frozen=True, kw_only=True)
class StepSpec(NetworkSpec):
    """One training run of a network on sequences of numbers, all of whose parameters are trained.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar = {
        "family": ("logistic", *UNITS),
        "pooling": ("none", "stride", "max", "mean", "l2"),
        "weight_init": ("torch",),
        "trained": ("all",),
        "dataset": SEQUENCES,
        "features": ("in order", "shuffled", "reversed"),
        "labels": ("true", "shuffled"),
        "optimizer": ("adam", "sgd"),
        "order": ("stored", "reshuffled"),
        "precision": ("float32",),
    }
    LEAST: ClassVar = {"hidden": 0, "batch_size": 1, "steps": 0, "steps_per_evaluation": 1, "seed": 0}

    hidden: int  # units of each hidden layer, channels of each convolution, units each way of a GRU; 0 if there is none
    pooling: str  # after each convolution of a "pooling-cnn", by 2; "none" for every other family
    features: str  # order of the numbers of an example: as generated, by one fixed permutation, or reversed
    label_noise: float  # probability, in [0, 1), that a training label is drawn again from all classes
    optimizer: str  # "adam" with β = (0.9, 0.999) and ε = 1e-8, or "sgd"
    order: str  # of training examples: "stored" takes them as they lie in every pass, "reshuffled" anew in each
    steps: int  # of the optimiser; 0 builds the network, counts it, trains nothing
    steps_per_evaluation: int  # divides the steps

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.family == "logistic") != (self.hidden == 0):
            raise SpecError(f"hidden is {self.hidden}; it is 0 for family 'logistic' and at least 1 for any other.")
        if self.family != "pooling-cnn" and self.pooling != "none":
            raise SpecError(f"pooling is {self.pooling!r} with family={self.family!r}; only a 'pooling-cnn' has any.")
        if self.steps % self.steps_per_evaluation:
            raise SpecError(
                f"steps_per_evaluation is {self.steps_per_evaluation}; it must divide the {self.steps} steps."
            )
        if not 0 <= self.label_noise < 1:
            raise SpecError(f"label_noise is {self.label_noise}; it must be a probability in [0, 1).")
        if self.optimizer == "adam" and self.momentum:
            raise SpecError(f"momentum is {self.momentum} with optimizer='adam', which has none; write 0.0.")

    @property
    def rows(self) -> int:
        """The evaluations."""
        return self.steps // self.steps_per_evaluation

    @property
    def row_steps(self) -> int:
        """Steps between two evaluations."""
        return self.steps_per_evaluation

    @property
    def examples(self) -> int:
        """A batch a step, as batches divide the data sets."""
        return self.steps * self.batch_size

    @property
    def row_name(self) -> str:
        """Evaluation."""
        return "evaluation"

    def with_rows(self, rows: int) -> Self:
        """With the steps of so many evaluations."""
        return replace(self, steps=rows * self.steps_per_evaluation)

    @property
    def network(self) -> str:
        """Family and size."""
        words = [self.family, *([f"{self.hidden}"] if self.hidden else [])]
        return "-".join([*words, *([self.pooling] if self.family == "pooling-cnn" else [])])

    @property
    def name(self) -> str:
        """Network, what is unusual, steps, seed and data set."""
        words = [self.network]
        words += [f"{self.features} features"] if self.features != "in order" else []
        words += ["shuffled labels"] if self.labels == "shuffled" else []
        words += [f"label noise {self.label_noise:g}"] if self.label_noise else []
        words += [f"{self.steps} steps", f"seed {self.seed}"] if self.steps else ["built only"]
        return f"{' '.join(words)} ({self.dataset})"
