"""Blocks whose BatchNorms run fused with the sum and the ReLU after them, by ``repro.training.kernels``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from repro.training import kernels
from repro.training.models.cifar import BasicBlock
from repro.training.models.small_stem import Bottleneck

# A narrow network has about a program for each processor of a GPU, whose bandwidth takes the loads of many threads.
WIDEST = 32  # channels of a program
LEAST = 4096  # values that it goes through, where fewer programs than kernels.MOST do not go through more
TILE = 8192  # values that its threads hold at a time, at most
EACH = 16  # of them a thread: more and they need more registers than there are
WARP = 32  # threads


@contextmanager
def fused(model: nn.Module) -> Iterator[None]:
    """While open, the network trains with fused BatchNorms. Evaluation, outside, runs it as it is.

    Raises:
        TypeError: the network has no blocks with BatchNorm.
    """
    blocks = [module for module in model.modules() if isinstance(module, BasicBlock | Bottleneck)]
    norms = [getattr(block, "bn1", None) for block in blocks] + [getattr(model, "bn", None)]
    if not blocks or not all(isinstance(norm, nn.BatchNorm2d) for norm in norms):
        raise TypeError("its blocks have no BatchNorm to fuse with what comes after it")
    stem: Any = model
    changed: dict[nn.Module, Callable[..., Tensor]] = {stem.bn: partial(_normalised, stem.bn), stem.relu: _same}
    changed |= {block: partial(_block, block) for block in blocks}
    for module, forward in changed.items():
        module.__dict__["forward"] = forward
    try:
        yield
    finally:
        for module in changed:
            del module.__dict__["forward"]


def _block(block: BasicBlock | Bottleneck, x: Tensor) -> Tensor:
    y, last = _normalised(block.bn1, block.conv1(x)), (block.bn2, block.conv2)
    if isinstance(block, Bottleneck):
        y, last = _normalised(block.bn2, block.conv2(y)), (block.bn3, block.conv3)
    return _normalised(last[0], last[1](y), _shortcut(block.downsample, x))


def _shortcut(downsample: nn.Module, x: Tensor) -> Tensor:
    if isinstance(downsample, nn.Identity):
        return x
    convolution, norm = downsample.children()
    return _normalised(norm, convolution(x), relu=False)


def _same(x: Tensor) -> Tensor:
    return x


def _normalised(norm: Any, x: Tensor, z: Tensor | None = None, *, relu: bool = True) -> Tensor:
    """BatchNorm of x in training, plus z, through ReLU; moves the running statistics."""
    found: Tensor = Normalised.apply(x, z, norm.weight, norm.bias, norm, relu)
    return found


class Normalised(torch.autograd.Function):
    """x and z (N, C, H, W), γ and β (C,), the BatchNorm with the running statistics, whether there is a ReLU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, z: Tensor | None, gamma: Tensor, beta: Tensor, norm: Any, relu: bool) -> Tensor:
        """(N, C, H, W), channels last in memory, in the precision of x."""
        x, z = _rows(x), None if z is None else _rows(z)
        m, c = x.numel() // x.shape[1], x.shape[1]
        grid, sizes = tiles(m, c)
        part, stats, y = gamma.new_empty(grid[0], 2, c), gamma.new_empty(2, c), torch.empty_like(x)
        kernels.moments[grid](x, part, m, c, **sizes)
        sizes |= {"ADD": z is not None, "RELU": relu}
        moved, still = (norm.running_mean, norm.running_var), (norm.eps, norm.momentum)
        kernels.apply[grid](x, x if z is None else z, y, part, stats, gamma, beta, *moved, m, c, *still, **sizes)
        ctx.save_for_backward(x, y if z is not None else x, stats, gamma, beta)
        ctx.residual = None if z is None else z.dtype
        ctx.relu = relu
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        """Gradients of x, z, γ and β, each where it is needed."""
        x, y, stats, gamma, beta = ctx.saved_tensors
        dy, (of_x, of_z, of_gamma, of_beta, *_) = _rows(dy), ctx.needs_input_grad
        m, c = x.numel() // x.shape[1], x.shape[1]
        grid, sizes = tiles(m, c)
        sizes |= {"ADD": ctx.residual is not None, "RELU": ctx.relu}
        part, slopes = gamma.new_empty(grid[0], 2, c), gamma.new_empty(2, c)
        kernels.sums[grid](dy, x, y, part, stats, gamma, beta, m, c, **sizes)
        sizes["DX"] = of_x or of_z
        dx = torch.empty_like(x) if sizes["DX"] else x
        dz = torch.empty_like(x, dtype=ctx.residual) if sizes["ADD"] else x
        grid = grid if sizes["DX"] else (1, grid[1])
        kernels.spread[grid](dy, x, y, dx, dz, part, stats, gamma, beta, slopes, m, c, **sizes)
        found = (dx, dz, slopes[0], slopes[1])
        wanted = (of_x, of_z, of_gamma, of_beta)
        return *(one if needed else None for one, needed in zip(found, wanted, strict=True)), None, None


def tiles(m: int, c: int) -> tuple[tuple[int, int], dict[str, Any]]:
    """The grid for m rows of c channels, and a program: its rows, channels, what it holds at a time, and its warps.

    Powers of two, so that a short batch mostly has the same kernels as a whole one.

    Raises:
        ValueError: there are more values than the kernels count.
    """
    if m * c >= 2**31:
        raise ValueError(f"{m} x {c} values are more than a kernel counts")
    wide = min(WIDEST, _power(c))
    rows = max(LEAST // wide, _power(-(-m // kernels.MOST.value)))
    tall = min(rows, TILE // wide)
    warps = max(1, tall * wide // (EACH * WARP))
    return (-(-m // rows), -(-c // wide)), {"ROWS": rows, "TALL": tall, "WIDE": wide, "num_warps": warps}


def _power(number: int) -> int:
    """The least power of two that is not below a number."""
    return 1 << (number - 1).bit_length()


def _rows(x: Tensor) -> Tensor:
    """With a row for each pixel in memory; networks here compute so, and what comes from a mean is spread out."""
    return x.contiguous(memory_format=torch.channels_last)
