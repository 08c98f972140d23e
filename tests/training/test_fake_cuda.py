"""A step can be recorded on a GPU: traced on fake tensors of one, on a machine without."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.capture import recorded
from tests.training.fake_cuda import COUNT, DRIVER, SETS, calls_of, made
from tests.training.test_step import BACKWARD, short

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(torch.version.cuda is None, reason="this torch knows no cuda device")


@pytest.fixture
def forward_alone(monkeypatch):
    """Gradients of any value: without a driver, torch starts no backward pass on cuda."""
    monkeypatch.setattr(torch.autograd, "grad", lambda _loss, parameters: [torch.empty_like(p) for p in parameters])


@pytest.mark.parametrize("which", [("batchnorm", 0), ("random", 2)])
def test_all_but_the_backward_pass_can_be_recorded_on_cuda(which, forward_alone):
    whole, last = calls_of(short(*which, depth=14))
    assert whole == last
    assert whole["aten.cudnn_batch_norm.default"] == 15


@pytest.mark.parametrize(
    "fault", [lambda x: x.mean().item(), lambda x: x + torch.tensor(1.0), lambda x: x[x > 0], lambda x: x.cpu()]
)
def test_a_step_that_waits_for_the_host_cannot_be_recorded_on_cuda(fault, forward_alone):
    with made(short()) as (net, step, whole, _):
        step(whole)
        net.model.pool.register_forward_hook(lambda _module, _inputs, output: fault(output) and None)
        with recorded(), pytest.raises((AssertionError, RuntimeError)):
            step(whole)


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("gcc"), reason="gcc makes what stands for the driver")
def test_whole_steps_can_be_recorded_on_cuda(tmp_path):
    for name, source in (("libcount.so", COUNT), ("libcuda.so.1", DRIVER)):
        words = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-x", "c", "-", "-o", tmp_path / name]
        subprocess.run(words, input=source, text=True, check=True)
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "libcount.so"), "LD_LIBRARY_PATH": str(tmp_path)}
    words = [sys.executable, "-m", "tests.training.fake_cuda", tmp_path / "libcount.so"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [*found] == [f"{trained}-{k}" for trained, k in SETS]
    for name, (whole, last) in found.items():
        assert whole == last
        backward = sum(BACKWARD[name.rpartition("-")[0]])
        assert whole.get("aten.convolution_backward.default", 0) == backward, name
