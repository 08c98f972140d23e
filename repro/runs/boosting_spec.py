"""BoostingSpec: a run that grows trees, one a round, as hastie2009 boosts them."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from repro.errors import SpecError
from repro.runs.datasets import DATASETS, DRAWN
from repro.runs.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class BoostingSpec(RunSpec):
    """A sum of trees, to which each round adds one.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar = {
        "family": ("tree", "adaboost-m1", "real-adaboost", "gradient-boosting"),
        "dataset": DRAWN,
        "labels": ("true", "shuffled"),
    }
    LEAST: ClassVar = {"leaves": 2, "rounds": 1, "rounds_per_evaluation": 1, "seed": 0}

    leaves: int  # most terminal nodes of a tree; the best split of any node comes first; 2 make a stump
    rounds: int  # 1 for family "tree"
    rounds_per_evaluation: int  # divides the rounds
    shrinkage: float  # of each tree, in (0, 1], for "gradient-boosting"; 1.0 for every other family

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rounds % self.rounds_per_evaluation or (self.family == "tree" and self.rounds != 1):
            raise SpecError(
                f"rounds is {self.rounds}, rounds_per_evaluation {self.rounds_per_evaluation}, family "
                f"{self.family!r}; the one must divide the other, and a 'tree' has one round."
            )
        if not 0 < self.shrinkage <= 1 or (self.family != "gradient-boosting" and self.shrinkage != 1):
            raise SpecError(
                f"shrinkage is {self.shrinkage} with family={self.family!r}; it is in (0, 1] for 'gradient-boosting' "
                "and 1.0 for any other."
            )

    @property
    def rows(self) -> int:
        """The evaluations."""
        return self.rounds // self.rounds_per_evaluation

    @property
    def row_steps(self) -> int:
        """Rounds between two evaluations."""
        return self.rounds_per_evaluation

    @property
    def examples(self) -> int:
        """All of them in every round."""
        return self.rounds * DATASETS[self.dataset].train_size

    @property
    def row_name(self) -> str:
        """Evaluation."""
        return "evaluation"

    def with_rows(self, rows: int) -> Self:
        """With the rounds of so many evaluations."""
        return replace(self, rounds=rows * self.rounds_per_evaluation)

    @property
    def network(self) -> str:
        """Algorithm and size of its trees."""
        return f"{self.family}-{self.leaves}"

    @property
    def name(self) -> str:
        """Algorithm, size of its trees, what is unusual, rounds, seed and data set."""
        words = [self.network]
        words += ["shuffled labels"] if self.labels == "shuffled" else []
        words += [f"shrinkage {self.shrinkage:g}"] if self.shrinkage != 1 else []
        words += [f"{self.rounds} rounds"] if self.family != "tree" else []
        return f"{' '.join([*words, f'seed {self.seed}'])} ({self.dataset})"
