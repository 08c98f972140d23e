"""BatchNorm, the sum after it and ReLU as Triton kernels: two launches forward, two backward.

An activation is x (m, c), a row for each pixel of each image, as it lies in memory channels last. A grid has a program
for every ``ROWS`` rows, at most ``MOST``, and every ``WIDE`` channels. The first kernel of each direction leaves sums
of its rows in ``part`` (programs, 2, c); in the second, every program adds all of them up in the same order, so that
nothing is atomic and every replay has the same bits. Arithmetic is float32 whatever x is.

With h = (x − mean) / √(variance + eps): y = max(γh + β + z, 0), where the residual z and the ReLU may each be absent.
Backward, d is dy where y > 0: dβ = Σd, dγ = Σdh, dx = γ (d − dβ/m − h dγ/m) / √(variance + eps), dz = d. Without z, the
sign of y is computed again from x, which is read anyway.
"""

import triton
import triton.language as tl

MOST = tl.constexpr(128)  # programs along the rows


@triton.jit
def moments(x, part, m, c, ROWS: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr):
    """Mean and sum of squared deviations from it of each program's rows, by Welford's updates.

    A difference of float32 sums of x² and x would lose the variance of a channel whose mean is large beside it.
    """
    columns = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    count = tl.zeros((TALL, 1), tl.float32)
    mean = tl.zeros((TALL, WIDE), tl.float32)
    square = tl.zeros((TALL, WIDE), tl.float32)
    for start in range(0, ROWS, TALL):
        rows = tl.program_id(0) * ROWS + start + tl.arange(0, TALL)
        here = (rows < m)[:, None] & (columns < c)[None, :]
        value = tl.load(x + rows[:, None] * c + columns[None, :], mask=here, other=0.0).to(tl.float32)
        count += (rows < m)[:, None].to(tl.float32)
        change = tl.where(here, value - mean, 0.0)
        mean += change / tl.maximum(count, 1.0)
        square += change * tl.where(here, value - mean, 0.0)
    number = tl.sum(count, 0)
    middle = tl.sum(count * mean, 0) / number
    square += count * (mean - middle[None, :]) * (mean - middle[None, :])
    place = part + tl.program_id(0) * 2 * c + columns
    tl.store(place, middle, mask=columns < c)
    tl.store(place + c, tl.sum(square, 0), mask=columns < c)


@triton.jit
def apply(
    x, z, y, part, stats, gamma, beta, running_mean, running_var, m, c, eps, momentum,
    ROWS: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ADD: tl.constexpr, RELU: tl.constexpr,
):  # fmt: skip
    """y from x, z and the moments; leaves mean and 1/√(variance + eps) in stats (2, c); moves running statistics."""
    columns = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    inside = columns < c
    programs = tl.arange(0, MOST)
    count = tl.minimum(tl.maximum(m - programs * ROWS, 0), ROWS).to(tl.float32)[:, None]
    place = part + programs[:, None] * 2 * c + columns[None, :]
    there = (programs * ROWS < m)[:, None] & inside[None, :]
    means = tl.load(place, mask=there, other=0.0)
    mean = tl.sum(count * means, 0) / m
    apart = means - mean[None, :]
    square = tl.sum(tl.load(place + c, mask=there, other=0.0) + count * apart * apart, 0)
    scale = tl.div_rn(1.0, tl.sqrt_rn(square / m + eps))  # once a channel: exact, as torch's
    if tl.program_id(0) == 0:
        tl.store(stats + columns, mean, mask=inside)
        tl.store(stats + c + columns, scale, mask=inside)
        old = tl.load(running_mean + columns, mask=inside)
        tl.store(running_mean + columns, (1.0 - momentum) * old + momentum * mean, mask=inside)
        old = tl.load(running_var + columns, mask=inside)
        tl.store(running_var + columns, (1.0 - momentum) * old + momentum * (square / (m - 1)), mask=inside)
    slope = tl.load(gamma + columns, mask=inside)
    shift = tl.load(beta + columns, mask=inside)
    for start in range(0, ROWS, TALL):
        rows = tl.program_id(0) * ROWS + start + tl.arange(0, TALL)
        here = (rows < m)[:, None] & inside[None, :]
        at = rows[:, None] * c + columns[None, :]
        h = (tl.load(x + at, mask=here).to(tl.float32) - mean[None, :]) * scale[None, :]
        value = slope[None, :] * h + shift[None, :]
        if ADD:
            value += tl.load(z + at, mask=here).to(tl.float32)
        if RELU:
            value = tl.where(value <= 0.0, 0.0, value)  # as torch's: a NaN stays one, which tl.maximum makes 0
        tl.store(y + at, value.to(y.dtype.element_ty), mask=here)


@triton.jit
def _incoming(dy, y, at, here, h, slope, shift, ADD: tl.constexpr, RELU: tl.constexpr):
    """d of some rows, from h."""
    d = tl.load(dy + at, mask=here, other=0.0).to(tl.float32)
    if RELU:
        if ADD:
            d = tl.where(tl.load(y + at, mask=here, other=0.0).to(tl.float32) <= 0.0, 0.0, d)
        else:
            d = tl.where(slope[None, :] * h + shift[None, :] <= 0.0, 0.0, d)
    return d


@triton.jit
def sums(
    dy, x, y, part, stats, gamma, beta, m, c,
    ROWS: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ADD: tl.constexpr, RELU: tl.constexpr,
):  # fmt: skip
    """Σd and Σdh of each program's rows."""
    columns = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    inside = columns < c
    mean = tl.load(stats + columns, mask=inside, other=0.0)
    scale = tl.load(stats + c + columns, mask=inside, other=0.0)
    slope = tl.load(gamma + columns, mask=inside, other=0.0)
    shift = tl.load(beta + columns, mask=inside, other=0.0)
    plain = tl.zeros((TALL, WIDE), tl.float32)
    weighed = tl.zeros((TALL, WIDE), tl.float32)
    for start in range(0, ROWS, TALL):
        rows = tl.program_id(0) * ROWS + start + tl.arange(0, TALL)
        here = (rows < m)[:, None] & inside[None, :]
        at = rows[:, None] * c + columns[None, :]
        h = (tl.load(x + at, mask=here, other=0.0).to(tl.float32) - mean[None, :]) * scale[None, :]
        d = _incoming(dy, y, at, here, h, slope, shift, ADD, RELU)
        plain += d
        weighed += d * h
    place = part + tl.program_id(0) * 2 * c + columns
    tl.store(place, tl.sum(plain, 0), mask=inside)
    tl.store(place + c, tl.sum(weighed, 0), mask=inside)


@triton.jit
def spread(
    dy, x, y, dx, dz, part, stats, gamma, beta, slopes, m, c,
    ROWS: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ADD: tl.constexpr, RELU: tl.constexpr,
    DX: tl.constexpr,
):  # fmt: skip
    """dx and dz from the sums, where ``DX``; leaves dγ and dβ in slopes (2, c)."""
    columns = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    inside = columns < c
    programs = tl.arange(0, MOST)
    place = part + programs[:, None] * 2 * c + columns[None, :]
    there = (programs * ROWS < m)[:, None] & inside[None, :]
    plain = tl.sum(tl.load(place, mask=there, other=0.0), 0)
    weighed = tl.sum(tl.load(place + c, mask=there, other=0.0), 0)
    if tl.program_id(0) == 0:
        tl.store(slopes + columns, weighed, mask=inside)
        tl.store(slopes + c + columns, plain, mask=inside)
    if DX:
        mean = tl.load(stats + columns, mask=inside, other=0.0)
        scale = tl.load(stats + c + columns, mask=inside, other=0.0)
        slope = tl.load(gamma + columns, mask=inside, other=0.0)
        shift = tl.load(beta + columns, mask=inside, other=0.0)
        for start in range(0, ROWS, TALL):
            rows = tl.program_id(0) * ROWS + start + tl.arange(0, TALL)
            here = (rows < m)[:, None] & inside[None, :]
            at = rows[:, None] * c + columns[None, :]
            h = (tl.load(x + at, mask=here, other=0.0).to(tl.float32) - mean[None, :]) * scale[None, :]
            d = _incoming(dy, y, at, here, h, slope, shift, ADD, RELU)
            within = d - (plain / m)[None, :] - h * (weighed / m)[None, :]
            tl.store(dx + at, ((slope * scale)[None, :] * within).to(dx.dtype.element_ty), mask=here)
            if ADD:
                tl.store(dz + at, d.to(dz.dtype.element_ty), mask=here)
