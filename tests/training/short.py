"""A run of seconds, and how a test trains it."""

import dataclasses
from pathlib import Path

from repro.recipes import cifar
from repro.training import run


def short(trained="batchnorm", **changes):
    spec = cifar("smoke", 0, depth=8, trained=trained)
    return dataclasses.replace(spec, **{"epochs": 3, "learning_rate_drops": (1, 2), **changes})


def go(spec, store, pause=lambda: False, criteria=None, **more):
    return run(spec, store, data_dir=Path(), device="cpu", criteria=criteria or {}, pause=pause, **more)
