"""A whole run on a device that is not the CPU, as far as one exists on every machine."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from repro.errors import SpecError
from repro.recipes import cifar
from repro.runs.store import Store
from repro.training import restore, run, turns
from repro.training.precision import arithmetic
from tests.training.elsewhere import PretendedGpu, pretended_gpu

pytestmark = pytest.mark.filterwarnings("ignore:CUDA is not available:UserWarning")


def short(trained, k=0, **changes):
    spec = cifar("smoke", 0, depth=8, trained=trained, k=k)
    return dataclasses.replace(spec, **{"epochs": 2, "learning_rate_drops": (1,), **changes})


def go(spec, store, device, pause=lambda: False, **more):
    return run(spec, store, data_dir=Path(), device=device, criteria={}, pause=pause, checkpoint_every=0.0, **more)


@pytest.mark.parametrize("mix", [lambda a, b: torch.stack([a[0], b[0]]), lambda a, b: a + b, lambda a, b: b[a > 0]])
def test_the_pretended_gpu_refuses_what_a_gpu_refuses(mix):
    with pretended_gpu():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        assert there.device.type == "cuda"
        assert (there * torch.tensor(2.0)).device.type == "cuda"
        assert there.cpu().device.type == "cpu"
        with pytest.raises(RuntimeError, match="same device"):
            mix(there, here)
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()


@pytest.mark.parametrize(
    ("trained", "k", "augmentation"), [("batchnorm", 0, "none"), ("random", 2, "none"), ("all", 0, "flip-crop4")]
)
def test_a_whole_run_mixes_no_devices(trained, k, augmentation, tmp_path):
    """Steps, the short last batch, evaluation, checkpoint, resume, every measurement; the bits are the CPU's."""
    spec, there, steps = short(trained, k), Store(tmp_path / "there"), iter(range(18))
    if augmentation != "none":
        spec = dataclasses.replace(spec, augmentation=augmentation)
    torch.set_num_threads(1)  # as runs on a CPU do
    with pretended_gpu():
        assert go(spec, there, "cuda", pause=lambda: next(steps, None) is None) == "paused"
        assert go(spec, there, "cuda") == "complete"
        assert restore(there.run(spec), data_dir=Path(), device="cuda").net.trained.device.type == "cuda"
    part = there.run(spec).record["parts"][1]
    assert part["device"] == "a pretended GPU"
    assert (part["way"], set(part["passed_over"]), set(part["seconds_per_step"])) == (
        "eager", {"captured", "fused", "compiled"}, {"eager"},
    )  # fmt: skip
    here = Store(tmp_path / "here")
    go(spec, here, "cpu")
    assert there.run(spec).digest == here.run(spec).digest


def test_runs_at_once_have_a_stream_each_and_end_as_they_do_alone(tmp_path, monkeypatch):
    made, entered = [], []

    class Stream:
        def __init__(self, device):
            made.append(self)
            self.waited = 0

        def synchronize(self):
            self.waited += 1

    @contextmanager
    def stream(one):
        entered.append(one)
        yield

    def one(seed, turn):
        with PretendedGpu():  # a mode is of one thread
            return go(short("batchnorm", seed=seed), there, "cuda", turn=turn)

    monkeypatch.setattr("torch.cuda.Stream", Stream)
    monkeypatch.setattr("torch.cuda.stream", stream)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    with pretended_gpu(), ThreadPoolExecutor(2) as threads:
        assert list(threads.map(one, range(2), turns(2))) == ["complete"] * 2
    assert len(made) == 2
    assert sorted(map(id, entered)) == sorted(map(id, made))
    assert [one.waited for one in made] == [1, 1]
    for seed in range(2):
        go(short("batchnorm", seed=seed), here, "cpu")
        spec = short("batchnorm", seed=seed)
        assert there.run(spec).digest == here.run(spec).digest


@pytest.mark.parametrize(("precision", "factors"), [("float32", "ieee"), ("tf32", "tf32"), ("bfloat16", "ieee")])
def test_float32_is_ieee_and_tf32_a_precision_of_its_own(precision, factors):
    torch.backends.cudnn.conv.fp32_precision = torch.backends.cudnn.rnn.fp32_precision = "none"
    arithmetic(precision, torch.device("cuda"))
    assert torch.backends.cudnn.conv.fp32_precision == factors
    assert torch.backends.cudnn.rnn.fp32_precision == factors
    assert torch.backends.cuda.matmul.fp32_precision == factors


def test_a_step_and_an_evaluation_set_their_precision(tmp_path):
    torch.backends.cudnn.conv.fp32_precision = "tf32"
    with pretended_gpu():
        go(short("batchnorm", epochs=1, learning_rate_drops=()), Store(tmp_path), "cuda")
    assert torch.backends.cudnn.conv.fp32_precision == "ieee"


def test_tf32_is_refused_where_it_does_not_exist_before_anything_is_written(tmp_path):
    spec = short("batchnorm", precision="tf32")
    assert spec.key != short("batchnorm").key
    with pytest.raises(SpecError, match="'tf32', which only NVIDIA GPUs have"):
        go(spec, Store(tmp_path), "cpu")
    assert list(tmp_path.iterdir()) == []
