"""Network: a neural network with its examples and its optimiser's memory, as a learner."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_tensors
from safetensors.torch import save

from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.ticket_spec import TicketSpec
from repro.training import measure
from repro.training.data import load
from repro.training.first_batch import standardise
from repro.training.group import Group
from repro.training.loop import Row, train
from repro.training.parallel import train_together
from repro.training.step import Step, start
from repro.training.tickets import search
from repro.training.trainable import frozen_hash, load_named, lower, named_tensors, prepare
from repro.training.ways import way


class Network:
    """See ``repro.training.learner``."""

    def __init__(self, spec: NetworkSpec, data_dir: Path, device: torch.device, group: Group) -> None:
        self._group = group
        self.spec, self.net, self.examples = spec, prepare(spec, device), load(spec, data_dir, device)
        standardise(spec, self.net, self.examples)
        lower(self.net, spec.precision)
        self.fingerprints, self.place = self.examples.fingerprints, start(spec, self.net)
        self._step: Step | None = None  # None for the eager one
        self._last: Row | None = None  # the row of the history that tells of the network as it is; None if none does

    def hasten(self, avoid: Mapping[str, str], within: float) -> dict[str, Any]:
        """The fastest way to take steps from the place on, for runs that have one loop and all their data on a GPU."""
        if not isinstance(self.spec, ResNetSpec):
            return {"way": "eager"}
        chosen = way(self.spec, self.net, self.examples, self.place, avoid, within)
        self._step = chosen.step
        return chosen.record()

    def train(self, pause: Callable[[], bool]) -> Iterator[Row]:
        """The loop of ``repro.training.loop``; of a ticket that of ``.tickets``, of several processes ``.parallel``."""
        match self.spec:
            case TicketSpec():
                return search(self.spec, self.net, self.examples, self.place, lambda _state: pause())
            case ImageNetSpec():
                group = self._group
                return train_together(self.spec, self.net, self.examples, self.place, lambda _state: pause(), group)
            case _:
                rows = train(self.spec, self.net, self.examples, self.place, lambda _state: pause(), self._step)
                return self._remembered(rows)

    def memory(self) -> dict[str, NDArray[np.generic]]:
        """Trained parameters, running statistics, what the optimiser remembers, and sums over the row under way."""
        return {name: tensor.detach().cpu().numpy() for name, tensor in self._moving().items()}

    def recall(self, memory: dict[str, NDArray[np.generic]]) -> None:
        """Copies them back."""
        with torch.no_grad():
            for name, tensor in self._moving().items():
                tensor.copy_(torch.from_numpy(memory[name]))

    def frozen(self) -> str:
        """Over every tensor that is not trained."""
        return frozen_hash(self.net)

    def tensors(self) -> bytes:
        """Trained parameters and running statistics, by name."""
        return save(named_tensors(self.net))

    def restore(self, tensors: bytes) -> None:
        """Loads them."""
        self._last = None
        try:
            kept = load_tensors(tensors)
        except Exception as error:  # safetensors has an error of its own, and raises others
            raise ValueError(f"cannot be read ({error})") from None
        if {n: one.shape for n, one in kept.items()} != {n: one.shape for n, one in named_tensors(self.net).items()}:
            raise ValueError(f"holds other tensors than {self.spec.name} has")
        load_named(self.net, kept)

    def measure(self, name: str) -> measure.Measurement:
        """As ``repro.training.measure`` does."""
        return measure.measure(name, self.spec, self.net, self.examples, self._last)

    def _remembered(self, rows: Iterator[Row]) -> Iterator[Row]:
        """With the last row kept: measuring need not evaluate again."""
        for self._last in rows:
            yield self._last

    def _moving(self) -> dict[str, torch.Tensor]:
        net, state = self.net, self.place
        found = {"trained": net.trained, **state.slots, "running": net.running, "sums": state.sums, **net.kept}
        return found if net.mask is None else {**found, "mask": net.mask}
