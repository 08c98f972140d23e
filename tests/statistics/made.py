"""Samples whose moments are known, and settings under which a property is tested the same way every time."""

import numpy as np
from hypothesis import settings

from repro.statistics import (
    Sample,
)

NOTHING = 1e-12  # a rounding step that never floors anything

REPEATABLE = settings(deadline=None, derandomize=True, database=None, max_examples=60)


def sample(values, *, step=NOTHING, unit="%", seeds=None):
    seeds = tuple(range(len(values))) if seeds is None else seeds
    return Sample(label="x", values=tuple(float(value) for value in values), seeds=seeds, unit=unit, step=step)


def drawn(seed, n, mean=0.0, spread=1.0):
    return np.random.default_rng(seed).normal(mean, spread, n)


def with_moments(n, mean, deviation):
    """n values with exactly this mean and standard deviation."""
    z = np.arange(n) - (n - 1) / 2
    return mean + deviation * z / z.std(ddof=1)


CASES = [(seed, n) for seed in range(5) for n in (2, 3, 5, 8)]
