"""Learner: what a run trains, as its door, its checkpoints and its measurements see it."""

from pathlib import Path

import torch

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.training.boosting import BoostedTrees
from repro.training.group import ALONE, Group
from repro.training.network import Network

# Each has its examples' fingerprints, the place where it stands, and the same methods: ``hasten`` chooses how steps are
# taken from that place on within so many seconds, and returns what a part of the record says of it; ``train`` advances
# the place and yields a row of the history; ``memory`` is what a checkpoint holds and ``recall`` takes back, once the
# place is put back; ``tensors`` is the file that a finished run keeps and ``restore`` reads, or raises ValueError;
# ``frozen`` is the hash of what must not move; ``measure`` makes one measurement by name.
Learner = Network | BoostedTrees


def learner(spec: RunSpec, data_dir: Path, device: torch.device, group: Group = ALONE) -> Learner:
    """What a run trains, before the first step, and the processes that train it together.

    Raises:
        DataError: its data set is not in ``data_dir``, or is another than the spec names.
    """
    match spec:
        case NetworkSpec():
            return Network(spec, data_dir, device, group)
        case BoostingSpec():
            return BoostedTrees(spec)
    raise AssertionError(f"{spec.name} trains nothing that is known here")
