"""Trees as two rows of numbers: a node, then all of its left branch, then all of its right one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# "features" and "numbers", each (nodes,) float32. A split has the index of its feature and its threshold: up to it
# means left. A leaf has −1 and its value. What is left over has −2 and 0.
Tree = tuple[NDArray[np.float32], NDArray[np.float32]]


def flat(tree: Any, values: NDArray[np.float64], leaves: int) -> Tree:
    """scikit-learn's tree with a value for each of its nodes, in the order of its own, with room for some leaves.

    A threshold is rounded down, as for float32 features the split is then the same.
    """
    order, ahead = [], [0]
    while ahead:
        node = ahead.pop()
        order.append(node)
        if tree.children_left[node] >= 0:
            ahead += [tree.children_right[node], tree.children_left[node]]
    features, numbers = np.full(2 * leaves - 1, -2, np.float32), np.zeros(2 * leaves - 1, np.float32)
    splits = tree.children_left[order] >= 0
    features[: len(order)] = np.where(splits, tree.feature[order], -1)
    numbers[: len(order)] = np.where(splits, _down(tree.threshold[order]), values[order].astype(np.float32))
    return features, numbers


def predict(tree: Tree, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The value of the leaf that each example (N, features) falls into."""
    found, ahead = np.empty(len(x), np.float32), [np.arange(len(x))]
    for feature, number in zip(*tree, strict=True):
        if not ahead:
            break
        some = ahead.pop()
        if feature < 0:
            found[some] = number
        else:
            left = x[some, int(feature)] <= number
            ahead += [some[~left], some[left]]
    return found


def is_whole(features: NDArray[np.float32]) -> bool:
    """Whether a row of features is one tree, and nothing after it."""
    open_branches = 1 + np.cumsum(np.where(features >= 0, 1, np.where(features == -1, -1, 0)))
    ends = np.flatnonzero(open_branches == 0)
    return len(ends) > 0 and bool((features[ends[0] + 1 :] == -2).all() and (features[: ends[0] + 1] >= -1).all())


def _down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)
