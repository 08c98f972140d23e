"""Learner: what a run trains, as the door, its checkpoints and its measurements see it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.training.boosting import BoostedTrees
from repro.training.loop import Row
from repro.training.measure import Measurement
from repro.training.network import Network

Arrays = dict[str, NDArray[np.generic]]


class Place(Protocol):
    """Where a run stands between two steps."""

    row: int  # finished rows of the history
    step: int  # finished steps of the row under way
    diverged: bool  # the loss was not finite; the run ends there, as a result


class Learner(Protocol):
    """A network, or boosted trees, with the examples that it learns from."""

    fingerprints: dict[str, str]  # of the examples, by split

    @property
    def place(self) -> Place:
        """Where it stands, which training advances."""

    def train(self, pause: Callable[[], bool]) -> Iterator[Row]:
        """Trains on; yields after each row, and returns early if told to pause, which is asked before every step."""

    def memory(self) -> Arrays:
        """All that a checkpoint holds besides the place."""

    def recall(self, memory: Arrays) -> None:
        """Puts back what ``memory`` returned, for a place that is already put back."""

    def frozen(self) -> str:
        """SHA-256 of all that training must not move."""

    def tensors(self) -> bytes:
        """What a finished run keeps, as a safetensors file."""

    def restore(self, tensors: bytes) -> None:
        """Puts back what ``tensors`` returned.

        Raises:
            ValueError: it holds other tensors than such a run has.
        """

    def measure(self, name: str) -> Measurement:
        """One measurement by name."""


def learner(spec: RunSpec, data_dir: Path, device: torch.device) -> Learner:
    """What a run trains, before the first step.

    Raises:
        DataError: its data set is not in ``data_dir``, or is another than the spec names.
    """
    match spec:
        case NetworkSpec():
            return Network(spec, data_dir, device)
        case BoostingSpec():
            return BoostedTrees(spec)
    raise AssertionError(f"{spec.name} trains nothing that is known here")
