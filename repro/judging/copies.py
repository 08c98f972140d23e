"""A check on the other copies of its data, under the same rule."""

from collections.abc import Iterator
from dataclasses import replace

from repro.check import Check
from repro.runs.datasets import COPIES


def on_other_copies(check: Check) -> Iterator[tuple[str, Check]]:
    """The name of each copy that ``--data`` may name besides the check's own, and the check with runs on it."""
    for name in COPIES:
        if name != (check.dataset or "cifar10"):
            yield name, replace(check, dataset=None if name == "cifar10" else name)
