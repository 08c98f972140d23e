"""The processes that train one run together: what they add up, what the first tells the others, and when all stop.

Trained parameters lie in one flat vector, so that one all-reduce of its gradient is all that a step synchronises.
torch's DistributedDataParallel would wrap the model, cut the gradient into buckets and broadcast BatchNorm's buffers
in every forward pass; here the running statistics of the first process are sent out once an epoch, before the
evaluation, which leaves the same numbers in them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from repro.errors import DataError

PATIENCE = timedelta(minutes=15)  # for the slowest process: to read the index, or to write a checkpoint


@dataclass(frozen=True, kw_only=True)
class Group:
    """One process's view of those that train a run; every call is made by all of them, at the same place."""

    rank: int  # of this process; the first, 0, writes
    size: int  # processes

    def add(self, tensor: Tensor) -> None:
        """Replaces a tensor by its sum over the processes."""
        if self.size > 1:
            dist.all_reduce(tensor)

    def follow_first(self, *tensors: Tensor) -> None:
        """Replaces tensors by those of the first process."""
        for tensor in tensors if self.size > 1 else ():
            dist.broadcast(tensor, 0)

    def agree(self, pause: bool, fault: str) -> bool:
        """Whether any process is told to pause.

        Raises:
            DataError: an image of any process has a fault; in all of them.
        """
        if self.size > 1:
            flags = torch.tensor([int(pause), int(bool(fault))])  # on the CPU: it waits for no GPU
            dist.all_reduce(flags, dist.ReduceOp.MAX)
            pause = bool(flags[0])
            if flags[1]:
                told: list[str] = [""] * self.size
                dist.all_gather_object(told, fault)
                fault = next(filter(None, told))
        if fault:
            raise DataError(fault)
        return pause


ALONE = Group(rank=0, size=1)


@contextmanager
def joined(rank: int, size: int, address: str, device: torch.device) -> Iterator[Group]:
    """The group of ``size`` processes that meet at an address, a file:// or tcp:// URL, once all of them are there."""
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)  # "cuda" names none, and means the first
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
        init_method=address,
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
    )
    try:
        yield Group(rank=rank, size=size)
    finally:
        dist.destroy_process_group()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a launcher, such as srun, has put this process among those of a run."""

    rank: int
    size: int
    address: str  # at which they meet


def launched() -> Place | None:
    """This process's place as a launcher has set it in the environment; None where there is no launcher.

    The variables are torch's: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.
    """
    try:
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        return Place(rank=rank, size=size, address=f"tcp://{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}")
    except (KeyError, ValueError):
        return None
