"""What a CUDA graph can record, held over a step on torch's meta device: no tensor on the host, none read back."""

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

META = torch.device("meta")


class NoHostData(TorchFunctionMode):
    """Refuses the functions that bring the host's numbers to a device."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        assert func not in (torch.tensor, torch.as_tensor, torch.from_numpy), f"{func.__name__} inside the step"
        return func(*args, **(kwargs or {}))


class CaptureSafe(TorchDispatchMode):
    """Refuses operations that touch the CPU; keeps what was called, with its arguments."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        tensors = [one for one in tree_leaves((args, kwargs, made)) if isinstance(one, torch.Tensor)]
        assert not any(one.device.type == "cpu" for one in tensors), f"{func} touches the CPU"
        self.calls.append((str(func), args))
        return made


@contextmanager
def recorded():
    """As while a CUDA graph is recorded; yields the list of calls."""
    with NoHostData(), CaptureSafe() as mode:
        yield mode.calls
