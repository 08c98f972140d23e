"""Checks, finished runs and paused runs, made without torch."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from repro.check import Check
from repro.claim import Claim, Source
from repro.compare import Ordering
from repro.judging.shapes import expected
from repro.recipes import SCALES
from repro.runs.checkpoint import pack
from repro.runs.datasets import DATASETS
from repro.runs.store import CHECKPOINT, HISTORY, SPEC, TENSORS


def check_of(runs, function=lambda evidence: None, *, scale="smoke", dataset=None, **fields):
    """A check of a claim without a grid, which needs what ``runs(scale, seed)`` names; ``fields`` are of the claim."""
    usual = {
        "id": "a",
        "sentence": "A sentence.",
        "source": Source(work="nobody2021", place="Figure 9", tag="P", reference="more than half"),
        "rule": Ordering(gap=0.0, reason="half is half"),
        "grid": dict.fromkeys(SCALES, ({},)),
        "depends_on": (),
    }
    if "untestable" not in fields:
        usual["testable"] = dict.fromkeys(SCALES, "the networks and data of its runs")
    claim = Claim(runs=runs, **usual | fields)
    return Check(claim=claim, scale=scale, params={}, file=Path(__file__), function=function, dataset=dataset)


def finished(
    store, spec, *, top1=90.0, seconds=2.0, device_type="cpu", criteria=None, measurements=None, part=None, **changed
):
    """Writes one complete run into a store, as training would, and returns it; ``changed`` are fields of its record."""
    folder = store.begin(spec)
    diverged = changed.get("outcome") == "diverged"
    (folder / HISTORY).write_bytes(history(spec, 1 if diverged else spec.rows, top1=top1, diverged=diverged))
    shapes = expected(spec).items()
    (folder / TENSORS).write_bytes(save({name: np.full(shape, spec.seed, np.float32) for name, shape in shapes}))
    known = {
        "parameters": {"convolution": 10, "shortcut": 2, "batchnorm": 4, "output": 3, "total": 19},
        "accuracy": {"top1": top1, "top5": 99.0, "loss": 0.5, "images": DATASETS[spec.dataset].test_size},
        "affine": {"count": 200, "thresholds": [0.01, 0.1], "share_below": [0.25, 0.5]},
        "clamp": {"thresholds": [0.01, 0.1], "top1": [max(0.0, top1 - 1), max(0.0, top1 - 20)]},
        "relus": {"units": 400, "channels": 40, "share_dead": 0.125, "share_dead_channels": 0.0},
    }
    for name, found in {**known, **(measurements or {})}.items():
        (folder / "measurements" / f"{name}.json").write_text(json.dumps(found))
    known_part = {
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
        "processor_seconds": seconds,
        "peak_memory_bytes": 300_000_000,
    }
    record = {
        "outcome": "trained" if spec.rows else "built",
        "parts": [{name: value for name, value in (known_part | (part or {})).items() if value is not None}],
        "criteria": criteria or {},
        "data": DATASETS[spec.dataset].fingerprints or {"train": "a" * 64, "test": "b" * 64},
        "frozen_before": f"{spec.seed:064x}",
        "frozen_after": f"{spec.seed:064x}",
        "seconds": seconds,
        "images_per_second": 5000.0,
    }
    store.finish(spec, record | changed)
    return store.run(spec)


def history(spec, rows, *, top1, diverged=False):
    """The rows of a run so far, as its file has them."""
    common = {"test_top1": top1, "test_top5": 99.0, "test_loss": 0.5 + spec.seed / 1000}
    common["train_loss"] = None if diverged else 0.4
    return "".join(json.dumps({"epoch": epoch, **common}) + "\n" for epoch in range(1, rows + 1)).encode()


def paused(store, spec, *, epoch, step=0, mark=0.0, top1=90.0):
    """Writes one run stopped at a checkpoint into a store, and returns its folder."""
    folder, done = store.begin(spec), history(spec, epoch, top1=top1)
    (folder / HISTORY).write_bytes(done)
    place = {"epoch": epoch, "step": step, "diverged": False, "parts": [], "criteria": {}}
    (folder / CHECKPOINT).write_bytes(pack(spec, {"trained": np.full(2, mark, np.float32)}, place, done))
    assert (folder / SPEC).exists()
    return folder


def replaced(text, old, new):
    """A text with another part, which must be in it."""
    assert old in text
    return text.replace(old, new)
