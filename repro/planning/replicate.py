"""The rules over many replications at once: p-values of arrays, and outcomes through the looks of a schedule.

Each function takes replications × seeds and returns what the rule of that name finds in every replication; a test
compares them with the rules. Given the ``levels`` of a look, p-values serve to compare with those and for nothing else,
which is quicker. scipy is imported inside the functions that need it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from repro.compare.finding import Outcome
from repro.statistics import Levels, exact_tail

Array = NDArray[np.float64]
LEAST = 1e-9  # standard deviation of values that are all equal
Rows = NDArray[np.intp]
DECIDED = (Outcome.ESTABLISHED, Outcome.DIRECTION_ONLY, Outcome.RULED_OUT)
Tests = tuple[Array, Array, Array]  # p-values for, against, and of the mere direction (1 if a rule has none)
Test = Callable[[int, Rows], Tests]  # of the first n seeds in some replications


def normal(rng: np.random.Generator, mean: float, sd: float, shape: tuple[int, int]) -> Array:
    """Normal values."""
    return rng.normal(mean, sd, shape)


def shares(rng: np.random.Generator, mean: float, sd: float, shape: tuple[int, int]) -> Array:
    """Shares from a Beta distribution: skewed near 0 and 1, never beyond."""
    if not 0 < mean < 1 or not sd:
        return np.full(shape, mean)
    both = max(1e-3, mean * (1 - mean) / sd**2 - 1)
    return rng.beta(both * mean, both * (1 - mean), shape)


def point(
    values: Array,
    published: Array,
    sd: Array | None,
    replicates: int,
    u: float | Array,
    margin: float,
    levels: Levels | None = None,
) -> Tests:
    """As `Point`; ``published`` and ``sd`` have one value a replication."""
    mean, reference = values.mean(1), _with_reference(_sd(values), values.shape[1], sd, replicates, u)
    return _range(mean, *reference, published - margin, published + margin, levels)


def share(
    values: Array,
    published: Array,
    sd: Array | None,
    replicates: int,
    u: float,
    margin: float,
    near: float,
    levels: Levels | None = None,
) -> Tests:
    """As `Fraction`; a replication whose published share is below ``near`` or above 1 − ``near`` on angles."""
    at_an_end = (published < near) | (published > 1 - near)
    plain = point(values, published, sd, replicates, u, margin, levels)
    if not at_an_end.any():
        return plain
    angles = _angle(values)
    s = _sd(angles)
    wide = None if sd is None else (_angle(published + sd) - _angle(published - sd)) / 2
    u_wide = (_angle(published + u) - _angle(published - u)) / 2
    low, high = (_edge(published + side * margin) for side in (-1, 1))
    turned = _range(angles.mean(1), *_with_reference(s, values.shape[1], wide, replicates, u_wide), low, high, levels)
    return tuple(np.where(at_an_end, one, two) for one, two in zip(turned, plain, strict=True))  # type: ignore[return-value]


def share_bound(values: Array, limit: float, at_most: bool, levels: Levels | None = None) -> Tests:
    """As `FractionBound`; shares of 0 or 1 are moved by a millionth."""
    n, angles = values.shape[1], _angle(values)
    on_angles = (angles.mean(1) - float(_angle(np.array(limit)))) / (_sd(angles) / np.sqrt(n))
    turned = limit > 0.5
    logs = np.log(np.maximum(1e-6, 1 - values if turned else values))
    s = _sd(logs)
    error = np.sqrt(s**2 / n + s**4 / (2 * (n - 1)))
    on_logs = (logs.mean(1) + s**2 / 2 - np.log(1 - limit if turned else limit)) / error
    high = np.array([on_angles, -on_logs if turned else on_logs])  # by both, how far the share lies above the limit
    p = _tail(high if at_most else -high, n - 1.0, levels)
    return p.max(0), (1 - p).max(0), np.ones(len(values))


def no_change(differences: Array, centre: float, margin: float, levels: Levels | None = None) -> Tests:
    """As `NoChange`, of the paired differences."""
    return point(differences, np.full(len(differences), centre), np.zeros(len(differences)), 1, 0.0, margin, levels)


def ordering(higher: Array, lower: Array, gap: float, levels: Levels | None = None) -> Tests:
    """As `Ordering` of two samples that share no run."""
    difference, error, df = _welch(higher, lower)
    above = _tail((gap - difference) / error, df, levels)
    return above, 1 - above, _tail(-difference / error, df, levels) if gap else above


def trend(values: Array, margin: float) -> Tests:
    """As `Trend`; replications × levels × seeds, without ties."""
    drop, error, df = _welch(values[:, :-1], values[:, 1:])
    line, spread, freedom = _slope(values)
    return _trend(values, _tail((drop - margin) / error, df).max(1), _tail(-line / spread, freedom))


def rising(
    noise: Array, looks: Sequence[int], bound: float, *, ranked: bool, levels: Levels | None = None
) -> Callable[[float], Test]:
    """By step, the test of levels that rise evenly by it: as `Trend` (``ranked``) or, of two levels, as `Ordering`.

    ``noise``, replications × levels × seeds, and all that is computed here once stay the same whatever the step.
    """
    drops = {n: _welch(noise[:, :-1, :n], noise[:, 1:, :n]) for n in looks}
    lines = {n: _slope(noise[:, :, :n]) for n in looks}
    weight = float(np.square(_weights(noise.shape[1])).sum())  # of a step in the slope
    if levels and ranked:
        levels = replace(levels, against=levels.against / noise.shape[1])  # as `_trend` compares

    def of_step(step: float) -> Test:
        values = noise + step * np.arange(noise.shape[1])[:, None]

        def test(n: int, rows: Rows) -> Tests:
            drop, error, df = (part[rows] for part in drops[n])
            below = _tail((drop - step - bound) / error, df, levels).max(1)
            if not ranked:
                return below, 1 - below, below
            line, spread, freedom = (part[rows] for part in lines[n])
            return _trend(values[rows, :, :n], below, _tail(-(line + step * weight) / spread, freedom, levels))

        return test

    return of_step


def _trend(values: Array, below: Array, flat: Array) -> Tests:
    """As `Trend`, from the largest p-value of a drop between neighbours and that of the linear contrast."""
    count, n = values.shape[1:]
    tail, last = exact_tail((n,) * count), np.ascontiguousarray(values.reshape(len(values), -1).T)  # which is quicker
    pairs = np.zeros(len(values), np.int32)
    for at in range(n, count * n, n):  # each value of a level with all before it, of which there are few
        rises = (last[at : at + n, None] > last[:at]).view(np.uint8)
        pairs += np.add.reduce(np.add.reduce(rises, axis=1, dtype=np.uint8), axis=0, dtype=np.int32)
    reverse = np.maximum(tail[len(tail) - 1 - pairs], 1 - flat)
    p_against = np.minimum(1.0, count * np.minimum(reverse, 1 - below))
    return np.maximum(np.maximum(tail[pairs], flat), below), p_against, np.ones(len(below))


def through_looks(
    test: Test, replications: int, looks: Sequence[int], levels: Levels
) -> dict[Outcome, NDArray[np.bool_]]:
    """By outcome, which replications end with it: decided at the first look that decides.

    ``test(n, rows)`` tests the first n seeds in some replications: those not yet decided.
    """
    ends = {outcome: np.zeros(replications, dtype=bool) for outcome in DECIDED}
    going = np.arange(replications)
    for seeds in looks:
        p_for, p_against, p_direction = test(seeds, going)
        established = p_for < levels.accept
        out = ~established & (p_against < levels.against)
        shown = out & (p_direction < levels.accept)
        for outcome, hits in zip(DECIDED, (established, shown, out & ~shown), strict=True):
            ends[outcome][going[hits]] = True
        going = going[~established & ~out]
        if not len(going):
            break
    undecided = np.zeros(replications, dtype=bool)
    undecided[going] = True
    return ends | {Outcome.UNDECIDED: undecided}


def _with_reference(
    s: Array, n: int, sd: Array | None, replicates: int, u: float | Array
) -> tuple[Array, Array, Array]:
    """As `mean_against`: the standard error, and its degrees of freedom for the criterion and against it."""
    parts = [(s**2 * (1 / n + 1 / replicates), n - 1)] if sd is None else [(s**2 / n, n - 1)]
    if sd is not None and replicates > 1:
        parts.append((sd**2 / replicates, replicates - 1))
    estimated = np.asarray(sum(part for part, _ in parts))
    variance, spread = estimated + u**2 / 3, np.asarray(sum(part**2 / df for part, df in parts))
    inner = variance**2 / spread
    return np.sqrt(variance), inner, estimated**2 / spread if np.any(u) else inner


def _sd(values: Array) -> Array:
    return np.asarray(np.maximum(LEAST, values.std(1, ddof=1)))


def _welch(one: Array, two: Array) -> tuple[Array, Array, Array]:
    """Of the last axis: the difference of means, its standard error and degrees of freedom."""
    n = one.shape[-1]
    a, b = (sample.var(-1, ddof=1) / n for sample in (one, two))
    df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (n - 1))
    return one.mean(-1) - two.mean(-1), np.sqrt(a + b), df


def _weights(levels: int) -> Array:
    return np.arange(levels, dtype=np.float64) - (levels - 1) / 2


def _slope(values: Array) -> tuple[Array, Array, Array]:
    """Of replications × levels × seeds: the linear contrast of the means, its error and degrees of freedom."""
    weights, n = _weights(values.shape[1]), values.shape[-1]
    parts = weights**2 * values.var(-1, ddof=1) / n
    variance = parts.sum(-1)
    return np.asarray(values.mean(-1) @ weights), np.sqrt(variance), variance**2 * (n - 1) / np.square(parts).sum(-1)


def _range(
    mean: Array, error: Array, inner: Array, outer: Array, low: Array, high: Array, levels: Levels | None
) -> Tests:
    nearer = np.maximum((low - mean) / error, (mean - high) / error)
    p_for = _tail(nearer, inner, levels)
    return p_for, 1 - (p_for if outer is inner else _tail(nearer, outer, levels)), np.ones_like(p_for)


def _tail(value: Array, df: Array | float, levels: Levels | None = None) -> Array:
    """Student's distribution function: the p-value of the test that a mean is below; 1 minus it, of that it is above.

    With ``levels``, computed only where it can be on either side of ``levels.accept``, or of 1 − ``levels.against``:
    elsewhere, 0, ½ or 1 compare with both as it does.
    """
    from scipy.special import stdtr, stdtrit

    if levels is None:
        return np.asarray(stdtr(df, value))
    df = np.asarray(df)
    ends = np.array([df.min(), df.max()])  # of all tails, the heaviest and the lightest
    (accepted, open_), (out, held) = stdtrit(ends, levels.accept), -stdtrit(ends, levels.against)
    above, beyond = value >= accepted, value > out
    found: Array = (above + beyond.view(np.uint8)) / 2
    near = np.nonzero(above & ~beyond & ((value <= open_) | (value >= held)))
    found[near] = stdtr(df[near] if df.ndim else df, value[near])
    return found


def _angle(share: Array) -> Array:
    return np.asarray(np.arcsin(np.sqrt(np.clip(share, 0, 1))))


def _edge(share: Array) -> Array:
    return np.where(share <= 0, -np.inf, np.where(share >= 1, np.inf, _angle(share)))
