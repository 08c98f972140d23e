"""Finished runs and small claims, made without torch."""

import hashlib
import json
import sys

import numpy as np
import pytest
from safetensors.numpy import save

from repro.judging.shapes import expected
from repro.recipes import cifar
from repro.runs.checkpoint import pack
from repro.runs.datasets import DATASETS
from repro.runs.store import CHECKPOINT, HISTORY, SPEC, TENSORS, Store

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


@pytest.fixture
def tiny_claim():
    """The text of a claim file: claim ``tiny`` at depths 8 and 14, which holds when accuracy is above 50 %."""
    return TINY


@pytest.fixture
def finished():
    """Writes one complete run into a store, as training would, and returns it."""
    return _finished


@pytest.fixture
def paused():
    """Writes one run stopped at a checkpoint into a store, and returns its folder."""
    return _paused


@pytest.fixture
def fill():
    """Writes the three smoke runs that ``tiny`` needs at a depth, with accuracies around one value."""

    def write(root, depth, top1):
        return [_finished(Store(root), cifar("smoke", seed, depth=depth), top1=top1 + seed / 10) for seed in range(3)]

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


def _finished(store, spec, *, top1=90.0, seconds=2.0, device_type="cpu", criteria=None, measurements=None):
    folder = store.begin(spec)
    rows = [
        {"epoch": epoch, "test_top1": top1, "test_top5": 99.0, "test_loss": 0.5, "train_loss": 0.4}
        for epoch in range(1, spec.epochs + 1)
    ]
    (folder / HISTORY).write_text("".join(json.dumps(row) + "\n" for row in rows))
    shapes = expected(spec).items()
    (folder / TENSORS).write_bytes(save({name: np.full(shape, spec.seed, np.float32) for name, shape in shapes}))
    known = {
        "parameters": {"convolution": 10, "shortcut": 2, "batchnorm": 4, "output": 3, "total": 19},
        "accuracy": {"top1": top1, "top5": 99.0, "loss": 0.5, "images": 899},
        "affine": {"count": 200, "thresholds": [0.01, 0.1], "share_below": [0.25, 0.5]},
        "clamp": {"thresholds": [0.01, 0.1], "top1": [max(0.0, top1 - 1), max(0.0, top1 - 20)]},
        "relus": {"units": 400, "channels": 40, "share_dead": 0.125, "share_dead_channels": 0.0},
    }
    for name, found in {**known, **(measurements or {})}.items():
        (folder / "measurements" / f"{name}.json").write_text(json.dumps(found))
    part = {
        "commit": "c0ffee",
        "code": "c0de",
        "torch": "2.14.1",
        "python": "3.11.7",
        "device": "a processor",
        "device_type": device_type,
        "threads": 1,
        "cores": 2,
        "from_epoch": 0,
        "from_step": 0,
        "seconds": seconds,
        "peak_memory_bytes": 300_000_000,
    }
    record = {
        "outcome": "trained" if spec.epochs else "built",
        "parts": [part],
        "criteria": criteria or {},
        "data": DATASETS[spec.dataset].fingerprints or {"train": "a" * 64, "test": "b" * 64},
        "frozen_before": "f" * 64,
        "frozen_after": "f" * 64,
        "seconds": seconds,
        "images_per_second": 5000.0,
    }
    store.finish(spec, record)
    return store.run(spec)


def _paused(store, spec, *, epoch, step=0, mark=0.0):
    folder = store.begin(spec)
    history = "".join(f'{{"epoch": {done}}}\n' for done in range(1, epoch + 1)).encode()
    (folder / HISTORY).write_bytes(history)
    place = {"epoch": epoch, "step": step, "diverged": False, "parts": []}
    (folder / CHECKPOINT).write_bytes(pack(spec, {"trained": np.full(2, mark, np.float32)}, place, history))
    assert (folder / SPEC).exists()
    return folder
