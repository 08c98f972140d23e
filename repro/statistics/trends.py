"""The Jonckheere–Terpstra test: exact without ties, by permutation with them."""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

EXACT_UP_TO = 20_000  # arrangements of tied values that the test enumerates; above, as many are drawn


def jonckheere(groups: Sequence[Sequence[float]]) -> float:
    """One-sided p-value of the Jonckheere–Terpstra test that values rise from group to group.

    The statistic is the number of pairs in rising order, ties as a half. Without ties its distribution is exact; with
    ties it comes from permuting values over groups, all ways where there are at most EXACT_UP_TO, otherwise as many
    random ones from a fixed seed.
    """
    arrays = [np.asarray(group, dtype=float) for group in groups]
    together = np.concatenate(arrays)
    if min(map(len, arrays)) < 2 or len(np.unique(together)) == 1:
        return 1.0  # one seed a group, or nothing but ties, shows no trend
    sizes = tuple(map(len, arrays))
    if len(np.unique(together)) == len(together):
        return float(exact_tail(sizes)[round(float(rising_pairs(*arrays)))])
    if math.factorial(len(together)) // math.prod(map(math.factorial, sizes)) <= EXACT_UP_TO:
        parts = np.split(together[_arrangements(sizes)], np.cumsum(sizes)[:-1], axis=1)
        return float(np.mean(rising_pairs(*parts) >= rising_pairs(*arrays)))
    # As scipy.stats.permutation_test draws and counts, whose import takes half of what a judgement does.
    rng = np.random.default_rng(0)
    orders = np.array([rng.permutation(len(together)) for _ in range(EXACT_UP_TO)])
    parts = np.split(together[orders], np.cumsum(sizes)[:-1], axis=1)
    hits = np.count_nonzero(rising_pairs(*parts) >= rising_pairs(*arrays))
    return float((hits + 1) / (EXACT_UP_TO + 1))


@cache
def _arrangements(sizes: tuple[int, ...]) -> NDArray[np.intp]:
    """Every way to share positions among groups of these sizes, a row each, the groups one after the other."""

    def ways(left: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if not sizes:
            yield ()
            return
        for chosen in combinations(left, sizes[0]):
            rest = tuple(position for position in left if position not in chosen)
            yield from ((*chosen, *others) for others in ways(rest, sizes[1:]))

    return np.array(list(ways(tuple(range(sum(sizes))), sizes)))


@cache
def exact_tail(sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """Probability, by k, of at least k rising pairs when no value is tied and all orders are equally likely.

    The number of rising pairs between a group and all groups before it is a Mann–Whitney statistic, independent of the
    others, so that the distribution of the sum is the convolution of theirs.
    """
    total = np.ones(1)
    before = sizes[0]
    for size in sizes[1:]:
        total = np.convolve(total, _mann_whitney(before, size))
        before += size
    return np.minimum(1.0, np.cumsum(total[::-1])[::-1])


def rising_pairs(*groups: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Number of pairs in rising order between values of different groups, ties as a half, along an axis."""
    # Values come first: each comparison then runs along the permutations, of which there are many.
    values = [np.ascontiguousarray(np.moveaxis(group, axis, 0)) for group in groups]
    twice = np.zeros(values[0].shape[1:], dtype=np.int32)
    for index, group in enumerate(values):
        before = np.concatenate(values[:index]) if index else group[:0]
        for value in group:
            twice += np.sum(value > before, axis=0, dtype=np.int32)
            twice += np.sum(value >= before, axis=0, dtype=np.int32)
    return np.asarray(twice / 2)


def _mann_whitney(one: int, two: int) -> NDArray[np.float64]:
    """Probabilities of the Mann–Whitney statistic: the coefficients of a Gaussian binomial, in whole numbers."""
    counts = [1] + [0] * (one * two)
    for factor in range(1, two + 1):  # times (1 − q^(one + factor)), divided by (1 − q^factor)
        for power in range(one * two, one + factor - 1, -1):
            counts[power] -= counts[power - one - factor]
        for power in range(factor, one * two + 1):
            counts[power] += counts[power - factor]
    ways = sum(counts)
    return np.array([count / ways for count in counts])
