"""BatchNorm fused with sum and ReLU: its kernels, interpreted, against float64; and the step over them."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn import functional

import tests.training.interpreted  # noqa: F401  before Triton

from repro.training import fused, kernels  # isort: skip
from repro.training.captured import as_they_are
from repro.training.fused import Normalised
from repro.training.models import build
from repro.training.models.cifar import BasicBlock, around
from repro.training.models.small_stem import Bottleneck
from repro.training.trial import course
from tests.training.capture import META, recorded
from tests.training.test_step import made, short
from tests.training.test_ways import fixed, held, set_up

CASES = {  # (N, C, H, W), whether a residual is added, whether there is a ReLU
    "one program": ((2, 16, 3, 4), False, True),
    "a last program with few rows": ((3, 20, 5, 5), False, True),
    "a sum": ((3, 20, 5, 5), True, True),
    "neither sum nor ReLU": ((3, 20, 5, 5), False, False),
    "programs side by side": ((2, 40, 3, 3), True, True),
}
# Of numbers near 1: sums of a hundred float32 values, and twice the rounding to bfloat16.
MOST = {torch.float32: 20 * 2.0**-23, torch.bfloat16: 2 * 2.0**-8}


@pytest.fixture
def small(monkeypatch):
    """Programs of few rows, so that a small activation has many."""
    monkeypatch.setattr(fused, "TILE", 128)
    monkeypatch.setattr(fused, "LEAST", 256)


def drawn(case, dtype, mean):
    (shape, add, _), generator = CASES[case], torch.Generator().manual_seed(0)

    def values(shift=0.0):
        return (torch.randn(shape, generator=generator) + shift).to(dtype, memory_format=torch.channels_last)

    x, z, dy = values(mean), values() if add else None, values()
    norm = nn.BatchNorm2d(shape[1])
    with torch.no_grad():
        norm.weight.copy_(torch.rand(shape[1], generator=generator))
        norm.bias.copy_(torch.randn(shape[1], generator=generator) / 2)
    return x, z, dy, norm


def outcome(case, dtype, how, mean=0.3, given=None):
    """What forward and backward of a case give, by name, as ``how`` computes them from numbers of a precision."""
    x, z, dy, norm = drawn(case, dtype, mean)
    x, z = (None if one is None else one.to(given or dtype).requires_grad_() for one in (x, z))
    y = how(norm, x, z, CASES[case][2])
    y.backward(dy.to(y.dtype))
    found = {"y": y, "dx": x.grad, "dgamma": norm.weight.grad, "dbeta": norm.bias.grad}
    found |= {"mean": norm.running_mean, "variance": norm.running_var} | ({} if z is None else {"dz": z.grad})
    return {name: one.detach().double() for name, one in found.items()}


def interpreted(case, dtype, **changes):
    def how(norm, x, z, relu):
        return Normalised.apply(x, z, norm.weight, norm.bias, norm, relu)

    return outcome(case, dtype, how, **changes)


def exact(case, dtype, **changes):
    def how(norm, x, z, relu):
        y = norm.double()(x) + (0 if z is None else z)
        return functional.relu(y) if relu else y

    return outcome(case, dtype, how, given=torch.float64, **changes)


@pytest.mark.parametrize(("case", "dtype"), [*((c, torch.float32) for c in CASES), ("a sum", torch.bfloat16),
                                             ("a last program with few rows", torch.bfloat16)])  # fmt: skip
def test_forward_and_backward_are_those_of_float64(case, dtype, small):
    found, expected = interpreted(case, dtype), exact(case, dtype)
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        kept = torch.float32 if name in ("dgamma", "dbeta", "mean", "variance") else dtype  # sums are float32 in any
        assert (found[name] - one).abs().max() < MOST[kept] * max(1.0, one.abs().max().item()), name


def test_a_mean_far_above_the_deviation_leaves_the_variance_its_digits(small):
    case = "neither sum nor ReLU"
    found, expected = (how(case, torch.float32, mean=3000.0) for how in (interpreted, exact))
    assert torch.allclose(found["variance"], expected["variance"], rtol=1e-4)
    assert torch.allclose(found["y"], expected["y"], atol=1e-3)


def test_a_sum_that_is_no_number_stays_so_and_passes_its_gradient_as_torchs_relu_does(small):
    x, z, dy, norm = drawn("a sum", torch.float32, 0.3)
    z[0, 0, 0, 0] = math.nan
    found = []
    for how in (
        lambda x, z: Normalised.apply(x, z, norm.weight, norm.bias, norm, True),
        lambda x, z: functional.relu(norm(x) + z),
    ):
        leaves = x.clone().requires_grad_(), z.clone().requires_grad_()
        y = how(*leaves)
        y.backward(dy)
        found.append((y.detach(), leaves[1].grad))
    (y, dz), (torchs, expected) = found
    assert y[0, 0, 0, 0].isnan() and torchs[0, 0, 0, 0].isnan()
    assert dz[0, 0, 0, 0] == expected[0, 0, 0, 0] == dy[0, 0, 0, 0]
    assert torch.equal(dz, expected)


NETWORKS = {
    "basic blocks": lambda: [BasicBlock(8, 8, 1, "batchnorm"), BasicBlock(8, 16, 2, "batchnorm")],
    "a bottleneck": lambda: [Bottleneck(8, 4, 2, "batchnorm")],
}


def network(which):
    torch.manual_seed(0)
    return around(NETWORKS[which](), "batchnorm", 1, 8, 16, 10).to(memory_format=torch.channels_last).train()


@pytest.mark.parametrize("which", NETWORKS)
def test_a_network_over_fused_blocks_has_the_same_gradients(which):
    x, found = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(1)), []
    for over in (as_they_are, fused.fused):
        model = network(which)
        with over(model):
            model(x).square().sum().backward()
        found.append([*(p.grad for p in model.parameters()), *(b for b in model.buffers() if b.dim())])
    assert all(torch.allclose(one, other, rtol=1e-3, atol=1e-5) for one, other in zip(*found, strict=True))


def test_the_step_over_fused_blocks_passes_a_step_of_the_trial(monkeypatch):
    monkeypatch.setattr("repro.training.trial.course", lambda *this: course(*this)[5:6])
    this = set_up(short())
    step = fixed(*this)
    with fused.fused(this[1].model):
        assert held(this, step) == ""


def test_evaluation_runs_a_network_as_it_is():
    model = network("basic blocks")
    before = [module.forward for module in model.modules()]
    with fused.fused(model):
        assert [module.forward for module in model.modules()] != before
    assert [module.forward for module in model.modules()] == before


def test_blocks_without_batchnorm_are_refused():
    model = build(dataclasses.replace(short(), norm="affine"))
    with pytest.raises(TypeError, match="no BatchNorm to fuse"), fused.fused(model):
        pass


def test_a_step_over_fused_blocks_can_be_recorded(monkeypatch):
    """All but the kernels themselves, which take tensors and numbers that the host knows."""
    launched = []
    for name in ("moments", "apply", "sums", "spread"):
        monkeypatch.setattr(kernels, name, Launched(name, launched))
    net, _, _, step = made(short(depth=14), META)
    with fused.fused(net.model):
        step(torch.zeros(8, dtype=torch.int64, device=META))
        launched.clear()
        with recorded() as calls:
            step(torch.zeros(5, dtype=torch.int64, device=META))
    assert not any("batch_norm" in name or "relu" in name or "threshold" in name for name, _ in calls)
    assert Counter(launched) == dict.fromkeys(("moments", "apply", "sums", "spread"), 15)  # a ResNet-14's BatchNorms


class Launched:
    def __init__(self, name, launched):
        self.name, self.launched = name, launched

    def __getitem__(self, grid):
        return lambda *args, **kwargs: self.launched.append(self.name)


COMPILED = """
import importlib.util, json, re, sys
spec = importlib.util.spec_from_file_location("kernels", sys.argv[1])
kernels = sys.modules["kernels"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kernels)
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

OTHERS = {"m": "i32", "c": "i32", "eps": "fp32", "momentum": "fp32"}
found = {}
for name, sizes in json.loads(sys.argv[2]):
    kernel, constants = getattr(kernels, name), dict(sizes)
    names, warps = kernel.arg_names, constants.pop("num_warps")
    of = {one: OTHERS.get(one, "*bf16" if one[-1] in "xyz" else "*fp32") for one in names}
    of |= dict.fromkeys(constants, "constexpr")
    aligned = {(i,): [["tt.divisibility", 16]] for i, one in enumerate(names) if of[one][0] == "*" or one in "mc"}
    source = ASTSource(kernel, of, {(names.index(one),): value for one, value in constants.items()}, attrs=aligned)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps})
    found[name + str(sizes)] = re.findall(r"\\b(?:atom|red|ld\\.local|st\\.local)\\.[a-z.0-9]+", made.asm["ptx"])
print(json.dumps([found, "torch" in sys.modules]))
"""
FIRST = fused.tiles(128 * 32 * 32, 16)[1]  # of the first group of a CIFAR ResNet
MADE = [("moments", FIRST)] + [
    (name, FIRST | {"ADD": add, "RELU": relu} | ({"DX": True} if name == "spread" else {}))
    for add, relu in ((False, True), (True, True), (False, False))
    for name in ("apply", "sums", "spread")
]


@pytest.mark.parametrize(("side", "channels", "warps"), [(32, 16, 16), (16, 32, 16), (8, 64, 8)])
def test_a_group_of_a_cifar_resnet_has_a_program_for_each_processor_of_a_gpu(side, channels, warps):
    (tall, wide), sizes = fused.tiles(128 * side**2, channels)
    assert (tall * wide, sizes["num_warps"]) == (128, warps)


def test_kernels_compile_for_a_gpu_without_one_and_without_atomics(tmp_path):
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    words = [sys.executable, "-c", COMPILED, kernels.__file__, json.dumps(MADE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found, heavy = json.loads(done.stdout)
    assert len(found) == len(MADE)
    assert not any(found.values())
    assert not heavy
