"""RunSpec: the base of every run's description, which is hashed as it is written out."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from reprlib import repr as short
from typing import Any, ClassVar, Self, get_type_hints

from repro.errors import SpecError
from repro.runs.canonical import canonical

# Raised by hand whenever the training code computes something else from the same spec: every key changes with it.
TRAINING_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RunSpec(ABC):
    """What every training run has. No field, here or in the kinds of run, has a default: what is hashed is written out.

    Raises:
        SpecError: a value has the wrong type or lies outside what its comment allows.
    """

    CHOICES: ClassVar[dict[str, tuple[str, ...]]]  # the values of a field that is one of a list
    LEAST: ClassVar[dict[str, int]]  # the least value of a field that is a number of something

    family: str  # architecture or algorithm: decides which kind of spec it is
    dataset: str  # a named copy of the data: another encoding is another data set
    labels: str  # of training examples: "shuffled" permutes them once, a control
    seed: int  # replicate, >= 0: decides everything that is random

    def __post_init__(self) -> None:
        values = vars(self)
        for name, wanted in _types(type(self)).items():
            if type(values[name]) is not wanted:
                raise SpecError(f"{name} is {short(values[name])}; it must be of type {wanted.__name__}.")
        for name, allowed in self.CHOICES.items():
            if values[name] not in allowed:
                raise SpecError(f"{name} is {short(values[name])}; allowed: {', '.join(allowed)}.")
        for name, least in self.LEAST.items():
            if values[name] < least:
                raise SpecError(f"{name} is {values[name]}; it must be at least {least}.")

    @property
    @abstractmethod
    def rows(self) -> int:
        """Rows of a complete run's history: one for each evaluation; 0 for a network that is built and not trained."""

    @property
    @abstractmethod
    def row_steps(self) -> int:
        """Steps between two rows: of the optimiser, or rounds of boosting."""

    @property
    @abstractmethod
    def examples(self) -> int:
        """Training examples that a complete run takes in, each as often as it is shown."""

    @property
    @abstractmethod
    def row_name(self) -> str:
        """What a row stands for, which is also the column that counts them: "epoch", "evaluation" or "retrain"."""

    @property
    def seedless(self) -> Self:
        """The run of seed 0 like this one: equal for all runs that differ in their seeds alone."""
        return replace(self, seed=0)

    @property
    def reads(self) -> tuple[str, ...]:
        """The data sets that a run reads."""
        return (self.dataset,)

    @property
    def fingerprinted(self) -> dict[str, tuple[str, str]]:
        """What a run reads, as (data set, split), by the name under which it records the fingerprint."""
        return {
            split if name == self.dataset else f"{name} {split}": (name, split)
            for name in self.reads
            for split in ("train", "test")
        }

    def done(self, row: int, step: int) -> float:
        """Share of a run that is done after some rows and some steps of the next one, in [0, 1]."""
        return (row + step / self.row_steps) / self.rows

    @property
    @abstractmethod
    def network(self) -> str:
        """What is trained in a word, such as ``resnet-14``."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The run in a few words for a person, such as ``resnet-14 batchnorm 12 epochs seed 0 (digits)``."""

    @property
    def devices(self) -> int:
        """Devices that it is trained on at once, by one process each."""
        return 1

    @abstractmethod
    def with_rows(self, rows: int) -> Self:
        """The same run with another number of rows."""

    @cached_property
    def key(self) -> str:
        """SHA-256 (64 hex digits) of the canonical JSON of every field and TRAINING_VERSION."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, shortest floats."""
        return self._json

    @cached_property
    def _json(self) -> str:
        names = _types(type(self))
        return canonical({"training_version": TRAINING_VERSION, **{name: getattr(self, name) for name in names}})

    @classmethod
    def of_fields(cls, found: dict[str, Any], origin: object) -> Self:
        """The spec of fields as they stand in a file; ``origin`` names it in errors.

        Raises:
            SpecError: a field is missing, unknown or out of range.
        """
        known = {field.name for field in fields(cls)}
        if known != set(found):
            unknown, missing = sorted(set(found) - known), sorted(known - set(found))
            raise SpecError(
                f"{origin} has unknown fields {short(unknown)} and lacks {missing}; delete it and plan again."
            )
        tuples = {name for name, kind in _types(cls).items() if kind is tuple}
        kept: dict[str, Any] = {
            name: tuple(value) if name in tuples and isinstance(value, list) else value for name, value in found.items()
        }
        try:
            return cls(**kept)
        except SpecError as error:
            raise SpecError(f"{origin} describes no run: {error}") from None


@cache  # a plan makes thousands of specs
def _types(kind: type[RunSpec]) -> dict[str, type]:
    """The exact type of every field."""
    hints = get_type_hints(kind)
    return {field.name: getattr(hints[field.name], "__origin__", hints[field.name]) for field in fields(kind)}
