"""A pretended GPU: tensors that say they are on "cuda", compute on the CPU, and refuse what a GPU's would refuse."""

from contextlib import contextmanager
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves, tree_map

ELSEWHERE = torch.device("cuda", 0)
# A GPU's kernels take a number from the CPU (a tensor without dimensions) beside their own tensors in these alone.
TAKE_NUMBERS = {"add", "sub", "mul", "div", "truediv", "eq", "ne", "lt", "le", "gt", "ge", "where", "pow", "rsub"}
TAKE_ANYTHING = {"copy", "data.set", "grad.set", "has_compatible_shallow_copy_type"}  # no kernel, or across devices


class PretendedGpu(TorchFunctionMode):
    """While open, "cuda" is a device of its own: what is made there or comes from there is marked."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.device or func is torch._C._nn._parse_to:
            return func(*args, **kwargs)
        name = resolve_name(func) or getattr(func, "__qualname__", str(func))
        marked = [one for one in tree_leaves((args, kwargs)) if is_elsewhere(one)]
        if name.endswith("device.__get__"):
            return ELSEWHERE if marked else func(*args, **kwargs)
        if name.endswith("is_cuda.__get__"):
            return bool(marked)
        if name.endswith((".numpy", ".__array__")) and marked:
            raise TypeError("can't convert cuda tensor to numpy; use Tensor.cpu()")
        target = self._target(name, args, kwargs)
        if marked:
            self._check(name, args, kwargs)
        args, kwargs = tree_map(on_cpu, args), tree_map(on_cpu, kwargs)
        if marked and target == torch.device("cpu"):
            return func(*args, **kwargs).clone()  # what is fetched from a GPU shares no memory with it
        made = func(*args, **kwargs)
        if target is not None and target.type == "cuda" and not marked and name.endswith(".to"):
            made = made.clone()
        if marked or (target is not None and target.type == "cuda"):
            tree_map(mark, made)
            if name.endswith("__set__") and is_elsewhere(args[1]):
                mark(args[0])
        return made

    def _target(self, name, args, kwargs):
        """The device that a call asks for."""
        if name.endswith(".cpu"):
            return torch.device("cpu")
        places = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.device)]
        named = kwargs.get("device", args[1] if name.endswith(".to") and len(args) > 1 else None)
        return torch.device(named) if isinstance(named, str) else places[0] if places else None

    def _check(self, name, args, kwargs):
        short = name.rpartition("Tensor.")[2] if "Tensor." in name else name.rpartition(".")[2]
        short = short.replace(".__set__", ".set").removeprefix("__i").strip("_")
        if short in TAKE_ANYTHING:
            return
        if short == "getitem" and is_elsewhere(args[0]):
            return  # a GPU's tensor takes an index from the CPU
        others = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor) and not is_elsewhere(one)]
        if any(one.dim() or short not in TAKE_NUMBERS for one in others):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, found cuda:0 and cpu")


def is_elsewhere(one):
    return isinstance(one, torch.Tensor) and getattr(one, "_elsewhere", False)


def mark(one):
    if isinstance(one, torch.Tensor):
        one._elsewhere = True
    return one


def on_cpu(one):
    if isinstance(one, torch.device) and one.type == "cuda":
        return torch.device("cpu")
    return "cpu" if isinstance(one, str) and one.partition(":")[0] == "cuda" else one


@contextmanager
def pretended_gpu():
    """A machine with one pretended GPU."""
    with (
        mock.patch("torch.cuda.get_device_name", lambda *_: "a pretended GPU"),
        mock.patch("torch.cuda.max_memory_reserved", lambda *_: 1),
        mock.patch("torch.cuda.reset_peak_memory_stats", lambda *_: None),
        mock.patch("torch.cuda.synchronize", lambda *_: None),
        PretendedGpu(),
    ):
        yield
