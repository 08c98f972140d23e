"""BoostedTrees: a sum of trees, grown after Algorithms 10.1 and 10.3 of hastie2009, as a learner."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.drawn import draw, named_fingerprints
from repro.runs.streams import Purpose, stream
from repro.training.trees import Tree, flat, is_whole, predict

Floats = NDArray[np.float64]
Row = dict[str, int | float | None]
LEAST = float(np.finfo(np.float64).eps)  # shares are kept this far from 0 and 1, where their log-odds end


@dataclass(kw_only=True)
class Place:
    """Where boosting stands between two rounds."""

    row: int
    step: int
    diverged: bool  # the loss was not finite; boosting goes on, as its weights are


class BoostedTrees:
    """See ``repro.training.learner``. The sum over the trees is f; the sign of f is the answer.

    f is in half log-odds, so that exp(−y f) is the loss of AdaBoost, but for gradient boosting, where it is in
    log-odds. The sum takes every tree as it is stored, in float32, so that resuming and restoring change no bit.
    """

    def __init__(self, spec: BoostingSpec) -> None:
        train, test = draw(spec.dataset, spec.seed)
        labels = train[1]
        if spec.labels == "shuffled":
            labels = stream(spec.seed, Purpose.LABELS).permutation(labels)
        self.spec, self.fingerprints = spec, dict(named_fingerprints(spec.dataset, spec.seed))
        self.x, self.test_x = train[0], test[0]
        self.y, self.test_y = _signs(labels), _signs(test[1])
        self.place = Place(row=0, step=0, diverged=False)
        self._clear()

    def hasten(self, _avoid: Mapping[str, str], _within: float) -> dict[str, Any]:
        """There is one way to grow trees."""
        return {}

    def train(self, pause: Callable[[], bool]) -> Iterator[Row]:
        """A tree a round, and a row whenever the spec says."""
        place = self.place
        while place.row < self.spec.rows:
            while place.step < self.spec.row_steps:
                if pause():
                    return
                self._add(self._grow())
                place.step += 1
            place.row, place.step = place.row + 1, 0
            train_loss, test_loss = self._loss(self.f, self.y), self._loss(self.test_f, self.test_y)
            place.diverged = train_loss is None
            yield {
                self.spec.row_name: place.row,
                "round": len(self.trees),
                "train_loss": train_loss,
                "train_top1": _accuracy(self.f, self.y),
                "test_loss": test_loss,
                "test_top1": _accuracy(self.test_f, self.test_y),
            }

    def memory(self) -> dict[str, NDArray[np.generic]]:
        """The trees so far, from which everything else follows."""
        shape = (len(self.trees), 2, 2 * self.spec.leaves - 1)
        features, numbers = np.array(self.trees, np.float32).reshape(shape).transpose(1, 0, 2)
        return {"features": features, "numbers": numbers}

    def recall(self, memory: dict[str, NDArray[np.generic]]) -> None:
        """Adds them up again."""
        self._clear()
        for features, numbers in zip(memory["features"], memory["numbers"], strict=True):
            self._add((features.astype(np.float32), numbers.astype(np.float32)))

    def frozen(self) -> str:
        """Of nothing: every tree is grown."""
        return hashlib.sha256().hexdigest()

    def tensors(self) -> bytes:
        """The trees: "features" and "numbers" (rounds, 2 leaves − 1), see ``repro.training.trees``."""
        return save({name: np.ascontiguousarray(one) for name, one in self.memory().items()})

    def restore(self, tensors: bytes) -> None:
        """Adds them up."""
        try:
            kept = load(tensors)
        except Exception as error:  # safetensors has an error of its own, and raises others
            raise ValueError(f"cannot be read ({error})") from None
        shape = (self.spec.rounds, 2 * self.spec.leaves - 1)
        if {name: one.shape for name, one in kept.items()} != {"features": shape, "numbers": shape}:
            raise ValueError(f"holds other tensors than {self.spec.name} has")
        if not all(map(is_whole, kept["features"])):
            raise ValueError("holds what is no tree")
        self.recall(dict(kept))

    def measure(self, name: str) -> dict[str, object]:
        """Loss and accuracy of the sum, or how large its trees are."""
        match name:
            case "trees":
                leaves = [int((features == -1).sum()) for features, _ in self.trees]
                return {"rounds": len(leaves), "leaves": sum(leaves), "largest": max(leaves)}
            case _:
                return {
                    "loss": self._loss(self.test_f, self.test_y),
                    "top1": _accuracy(self.test_f, self.test_y),
                    "train_loss": self._loss(self.f, self.y),
                    "train_top1": _accuracy(self.f, self.y),
                    "examples": len(self.test_y),
                }

    def _clear(self) -> None:
        share = float((self.y > 0).mean())
        start = float(np.log(share / (1 - share))) if self.spec.family == "gradient-boosting" else 0.0
        self.trees: list[Tree] = []
        self.f, self.test_f = np.full(len(self.y), start), np.full(len(self.test_y), start)

    def _add(self, tree: Tree) -> None:
        self.trees.append(tree)
        self.f += predict(tree, self.x)
        self.test_f += predict(tree, self.test_x)

    def _grow(self) -> Tree:
        """The tree of the next round."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # slow, and only trees need it

        spec, y, f = self.spec, self.y, self.f
        ties = int(stream(spec.seed, Purpose.TIES, len(self.trees)).integers(2**31))
        asked = {"max_leaf_nodes": spec.leaves, "random_state": ties}
        if spec.family == "gradient-boosting":
            with np.errstate(over="ignore"):
                p = 1 / (1 + np.exp(-f))
            grown = DecisionTreeRegressor(criterion="squared_error", **asked).fit(self.x, (y > 0) - p)
            at = grown.apply(self.x)  # a step of Newton's in each leaf, as no leaf has a minimum of its own once pure
            gradient, curvature = (np.bincount(at, one, grown.tree_.node_count) for one in ((y > 0) - p, p * (1 - p)))
            return flat(grown.tree_, spec.shrinkage * gradient / np.maximum(curvature, LEAST), spec.leaves)
        weights = np.exp(-y * f - (-y * f).max())  # those of AdaBoost, but for a factor that all share
        weights /= weights.sum()
        grown = DecisionTreeClassifier(criterion="gini", **asked).fit(self.x, y, sample_weight=weights)
        value = grown.tree_.value[:, 0, :]
        share = value[:, 1] / value.sum(axis=1)
        answer = np.where(share > 0.5, 1.0, -1.0)
        match spec.family:
            case "tree":
                return flat(grown.tree_, answer, spec.leaves)
            case "real-adaboost":
                share = share.clip(LEAST, 1 - LEAST)
                return flat(grown.tree_, np.log(share / (1 - share)) / 2, spec.leaves)
            case _:
                error = weights[answer[grown.apply(self.x)] != y].sum().clip(LEAST, 1 - LEAST)
                return flat(grown.tree_, answer * np.log((1 - error) / error) / 2, spec.leaves)

    def _loss(self, f: Floats, y: Floats) -> float | None:
        """Mean of exp(−y f), or of gradient boosting's log(1 + exp(−y f)); None where it is not finite."""
        with np.errstate(over="ignore"):
            each = np.logaddexp(0, -y * f) if self.spec.family == "gradient-boosting" else np.exp(-y * f)
        found = float(each.mean())
        return found if np.isfinite(found) else None


def _signs(labels: NDArray[np.int64]) -> Floats:
    """−1 for label 0, 1 for label 1."""
    return np.where(labels == 1, 1.0, -1.0)


def _accuracy(f: Floats, y: Floats) -> float:
    """Percent of examples on the right side of 0."""
    return 100 * int(((f > 0) == (y > 0)).sum()) / len(y)
