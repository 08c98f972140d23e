"""What a process that trains keeps, imports and needs."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch

from repro.runs.store import Store
from repro.training import machine
from tests.training.short import go, short

FREED = """
import resource

import torch

from repro.training import machine


def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    kept = [torch.ones(2**22) for _ in range(8)]  # 16 MiB each: 4,096 pages
    del kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


print(min(faults() for _ in range(4)))
machine.settle(torch.device("cpu"))
print(min(faults() for _ in range(4)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in ways of its own")
def test_what_a_step_on_a_cpu_frees_is_there_for_the_next_one():
    """The kernel sets every new page to zero.

    In a process of its own: the tests before leave holes in the heap of this one, with pages that nobody has touched.
    What glibc keeps by itself depends on what happens to lie above it on the heap, so that its thresholds are set.
    """
    kept = {f"MALLOC_{name}_THRESHOLD_": "131072" for name in ("MMAP", "TRIM")}  # what they begin with
    words = [sys.executable, "-c", FREED]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, **kept})
    before, after = map(int, done.stdout.split())
    assert before > 4096 > after


IMPORTED = """
import dataclasses, sys
from pathlib import Path

import torch

from repro.recipes import cifar, sequence
from repro.runs.store import Store
from repro.training import run
from repro.training.optimizers import update_of

spec = dataclasses.replace(cifar("smoke", 0, depth=8), epochs=1, learning_rate_drops=())
run(spec, Store(Path(sys.argv[1])), data_dir=Path(), device="cpu", criteria={}, pause=lambda: False)
trained = torch.ones(3)
trained.grad = torch.ones(3)
update_of(sequence("smoke", 0, "mlp"), trained, {"exp_avg": trained * 0, "exp_avg_sq": trained * 0}, steps=0)(0.1)
print(*(name for name in ("torch._dynamo", "sympy", "torchvision", "triton") if name in sys.modules))
"""


def test_a_process_that_trains_on_a_cpu_imports_no_compiler(tmp_path):
    """Torch imports them behind the back of what constructs an optimiser or fills a network from the meta device."""
    words = [sys.executable, "-c", IMPORTED, str(tmp_path)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert Store(tmp_path).folder(short(epochs=1, learning_rate_drops=())).is_dir()
    assert done.stdout.split() == []


def test_peak_memory_is_that_of_the_run_and_not_of_what_its_process_did_before(tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system keeps one peak for a whole process")
    size = 2_000_000_000
    taken = b"x" * size
    del taken
    go(short(), Store(tmp_path))
    assert 1e8 < Store(tmp_path).run(short()).record["parts"][0]["peak_memory_bytes"] < size


def test_where_there_is_no_scikit_learn_a_run_that_needs_none_is_recorded_without_it(monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    assert "scikit-learn" in machine.code()
    monkeypatch.setattr(machine, "version", version)
    assert machine.code().keys() == {"commit", "code", "torch", "python"}


def test_the_peak_of_a_gpu_counts_what_recorded_steps_set_aside_after_what_others_left_is_given_back(monkeypatch):
    asked, gpu = [], torch.device("cuda")
    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, name=name: asked.append(name))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _: 7)
    machine.forget_peak_memory(gpu)
    assert asked == ["empty_cache", "reset_peak_memory_stats"]
    assert machine.peak_memory(gpu) == 7
