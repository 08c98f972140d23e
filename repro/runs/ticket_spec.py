"""TicketSpec: a run that prunes a network and trains what is left again, retrain after retrain."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

from repro.errors import SpecError
from repro.runs.datasets import SEQUENCES
from repro.runs.network_spec import NetworkSpec
from repro.runs.step_spec import StepSpec

PRUNED_BY = {"magnitude": "by magnitude", "random": "at random"}


@dataclass(frozen=True, kw_only=True)
class Retrain:
    """One training from a start, of the weights that are left: a row of the history of a ticket run."""

    label: str  # "retrain 92", or the name of a test
    level: int  # of sparsity, from 1 to the number of levels
    test: str  # "" while the ticket is searched for
    training: StepSpec  # data, steps and optimiser; its one evaluation is at the last step


@dataclass(frozen=True, kw_only=True)
class TicketSpec(NetworkSpec):
    """A search for a lottery ticket: retrains of a network from one start, ever sparser, and tests of what is left.

    Before each retrain the weights of every layer that score lowest, biases among them, are pruned: set to 0, where
    they stay. The score is the weight's magnitude at the end of the retrain before, or random and drawn anew.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar = {
        "family": ("mlp", "residual-mlp"),
        "weight_init": ("torch",),
        "trained": ("all",),
        "dataset": SEQUENCES,
        "tested_on": SEQUENCES,
        "labels": ("true", "shuffled"),
        "optimizer": ("adam", "sgd"),
        "order": ("stored", "reshuffled"),
        "pruning": tuple(PRUNED_BY),
        "precision": ("float32",),
    }
    TESTS: ClassVar = ("other data", "reversed", "shuffled", "new weights")
    LEAST: ClassVar = {
        **dict.fromkeys(("hidden", "batch_size", "steps", "tested_level", "test_batch_size", "test_steps"), 1),
        "levels": 2,
        "seed": 0,
    }

    hidden: int  # units of each hidden layer
    optimizer: str  # as in StepSpec; begun anew in each retrain
    order: str  # of training examples, as in StepSpec
    steps: int  # of each retrain
    pruning: str  # score of a weight: its "magnitude" at the end of the retrain before, or "random"
    levels: int  # of sparsity, evenly from 0 (level 1) to 1 (the last level)
    retrains: tuple[int, ...]  # levels that are trained, rising
    kept: tuple[int, ...]  # those whose masks and weights are kept, rising, the last one among them
    # Further retrains with one mask, in the order of TESTS: on other data, on these reversed, on these shuffled, and on
    # these from other initial weights.
    tests: tuple[str, ...]
    tested_level: int  # of that mask; one of the kept
    tested_on: str  # the data set of every test
    test_batch_size: int  # examples a step
    test_steps: int  # of each test

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, found in (("retrains", self.retrains), ("kept", self.kept)):
            sound = all(type(level) is int and 1 <= level <= self.levels for level in found)
            if not found or not sound or list(found) != sorted(set(found)):
                raise SpecError(f"{name} is {found}; it must be levels from 1 to {self.levels}, each once and rising.")
        if not set(self.kept) <= set(self.retrains) or self.kept[-1] != self.retrains[-1]:
            raise SpecError(f"kept is {self.kept}; it must be some of the retrains, with the last: {self.retrains}.")
        if list(self.tests) != [test for test in self.TESTS if test in self.tests]:
            raise SpecError(f"tests is {self.tests}; allowed, in this order: {', '.join(self.TESTS)}.")
        if self.tested_level not in self.kept:
            raise SpecError(f"tested_level is {self.tested_level}; it must be one of the kept levels: {self.kept}.")
        if self.optimizer == "adam" and self.momentum:
            raise SpecError(f"momentum is {self.momentum} with optimizer='adam', which has none; write 0.0.")

    @cached_property
    def sequence(self) -> tuple[Retrain, ...]:
        """Every retrain in its order, the tests last."""
        return tuple(self._sequence())

    def _sequence(self) -> Iterator[Retrain]:
        training = self._training()
        for level in self.retrains:
            yield Retrain(label=f"retrain {level}", level=level, test="", training=training)
        elsewhere = replace(
            training,
            dataset=self.tested_on,
            batch_size=self.test_batch_size,
            steps=self.test_steps,
            steps_per_evaluation=self.test_steps,
        )
        for test in self.tests:
            features = test if test in ("reversed", "shuffled") else "in order"
            tested = replace(elsewhere, features=features)
            yield Retrain(label=test, level=self.tested_level, test=test, training=tested)

    def _training(self) -> StepSpec:
        return StepSpec(
            family=self.family,
            hidden=self.hidden,
            pooling="none",
            trained=self.trained,
            weight_init=self.weight_init,
            dataset=self.dataset,
            features="in order",
            labels=self.labels,
            label_noise=0.0,
            optimizer=self.optimizer,
            order=self.order,
            steps=self.steps,
            steps_per_evaluation=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            precision=self.precision,
            seed=self.seed,
        )

    def place(self, label: str) -> int:
        """The row of a retrain, from 0.

        Raises:
            SpecError: there is no such retrain.
        """
        labels = [retrain.label for retrain in self.sequence]
        if label not in labels:
            raise SpecError(f"{self.name} has no {label!r}; it has {labels[0]!r} to {labels[-1]!r}.")
        return labels.index(label)

    @property
    def keeps(self) -> tuple[str, ...]:
        """Labels of the retrains whose weights are kept: those of the kept levels, and every test."""
        return (*(f"retrain {level}" for level in self.kept), *self.tests)

    @property
    def reads(self) -> tuple[str, ...]:
        """The data set, and the one of the tests where there are any."""
        return tuple(dict.fromkeys((self.dataset, *([self.tested_on] if self.tests else []))))

    @property
    def rows(self) -> int:
        """The retrains, tests among them."""
        return len(self.retrains) + len(self.tests)

    @property
    def row_steps(self) -> int:
        """Steps of the longest retrain."""
        return max(retrain.training.steps for retrain in self.sequence)

    @property
    def examples(self) -> int:
        """A batch a step, in every retrain."""
        return sum(retrain.training.examples for retrain in self.sequence)

    def done(self, row: int, step: int) -> float:
        """By examples, as a test is longer than a retrain."""
        counted = sum(retrain.training.examples for retrain in self.sequence[:row])
        under_way = step * self.sequence[row].training.batch_size if row < self.rows else 0
        return (counted + under_way) / self.examples

    @property
    def row_name(self) -> str:
        """Retrain."""
        return "retrain"

    def with_rows(self, rows: int) -> Self:
        """With so many levels, all of which are trained and the last one is kept, and without tests."""
        every = tuple(range(1, rows + 1))
        return replace(self, levels=max(2, rows), retrains=every, kept=(rows,), tests=(), tested_level=rows)

    @property
    def network(self) -> str:
        """Family and size of the network that is pruned."""
        return f"{self.family}-{self.hidden}"

    @property
    def name(self) -> str:
        """Network, pruning, retrains, tests, seed and data set."""
        tests = f" {len(self.tests)} tests" if self.tests else ""
        labels = " shuffled labels" if self.labels == "shuffled" else ""
        return (
            f"{self.network} pruned {PRUNED_BY[self.pruning]}{labels} {len(self.retrains)} retrains{tests} "
            f"seed {self.seed} ({self.dataset})"
        )
