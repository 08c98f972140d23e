"""Finished runs and small claims, made without torch."""

import functools
import hashlib
import multiprocessing.sharedctypes  # noqa: F401 (pytester forgets what its runs import first, and pickle then does not know it)
import sys
from pathlib import Path

import pytest

from repro.collecting.collect import collect
from repro.planning import scale_needs
from repro.recipes import cifar
from repro.runs.store import Store
from tests import made

pytest_plugins = ["pytester"]

TINY = '''\
"""A claim of two points that needs three small runs each."""

from repro.claim import Source, claim
from repro.compare import Ordering
from repro.recipes import SCALES, cifar


@claim(
    id="tiny",
    sentence="A small network knows more than half of the digits.",
    source=Source(work="nobody2021", place="Figure 9", tag="P", reference="more than 50 %"),
    rule=Ordering(gap=0.0, reason="half is half"),
    grid=dict.fromkeys(SCALES, ({"depth": 8}, {"depth": 14})),
    runs=lambda scale, seed, depth: {"BatchNorm": cifar(scale, seed, depth=depth)},
    depends_on=(),
    testable=dict.fromkeys(SCALES, "the networks and data of its runs"),
)
def test_tiny(evidence, depth):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0)
'''


CONTROL = """

@claim(
    id="control-tiny",
    sentence="A smaller network knows more than half of the digits.",
    source=Source(work="nobody2021", place="Figure 9", tag="P", reference="more than 50 %"),
    rule=Ordering(gap=0.0, reason="half is half"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {"BatchNorm": cifar(scale, seed, depth=20)},
    depends_on=(),
    testable=dict.fromkeys(SCALES, "the networks and data of its runs"),
)
def test_control(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0)
"""


@pytest.fixture(scope="session", autouse=True)
def collected_once():
    """Every document counts what the suite's own claims need at every scale: here they are collected once for all."""

    @functools.cache
    def collected(scale, paths, copy, where):
        return collect(scale=scale, paths=paths, copy=copy)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            scale_needs, "collect", lambda scale, paths, copy: collected(scale, tuple(paths), copy, Path.cwd())
        )
        yield


@pytest.fixture
def tiny_claim():
    """The text of a claim file: claim ``tiny`` at depths 8 and 14, which holds when accuracy is above 50 %."""
    return TINY


@pytest.fixture
def controlled_claim():
    """The same, where ``tiny`` depends on the control ``control-tiny`` of ResNet-20."""
    return made.replaced(TINY, "depends_on=()", 'depends_on=("control-tiny",)') + CONTROL


@pytest.fixture
def finished():
    """Writes one complete run into a store, as training would, and returns it."""
    return made.finished


@pytest.fixture
def paused():
    """Writes one run stopped at a checkpoint into a store, and returns its folder."""
    return made.paused


@pytest.fixture
def fill():
    """Writes the three smoke runs that ``tiny`` needs at a depth, with accuracies around one value."""

    def write(root, depth, top1):
        return [
            made.finished(Store(root), cifar("smoke", seed, depth=depth), top1=top1 + seed / 10) for seed in range(3)
        ]

    return write


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current folder; claim files imported from it are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def tree():
    """The SHA-256 of every file below a folder, by its path there, and None for every folder."""

    def read(root):
        return {
            path.relative_to(root).as_posix(): None if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
        }

    return read
