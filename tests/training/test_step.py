"""The step on fixed memory, as a GPU records it: what it computes, and that it can be recorded."""

import dataclasses
from collections import Counter
from functools import cache

import pytest
import torch

from repro.recipes import cifar, sequence
from repro.runs.datasets import DATASETS
from repro.runs.resnet_spec import ResNetSpec
from repro.training.data import Examples, Split, batches
from repro.training.optimizers import sgd, slot_names, update_of
from repro.training.step import eager, start, static
from repro.training.trainable import prepare
from tests.training.capture import META, recorded

CPU = torch.device("cpu")
SETS = [(trained, 2 if trained == "random" else 0) for trained in ResNetSpec.CHOICES["trained"]]


torch.set_num_threads(1)  # as runs on a CPU do


def images(device=CPU, count=45):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 17, (count, 8, 8, 1), dtype=torch.uint8, generator=generator)
    split = Split(inputs=pixels.to(device), labels=(torch.arange(count) % 10).to(device))
    return Examples(train=split, test=split, dataset=DATASETS["digits"], fingerprints={})


def short(trained="batchnorm", k=0, depth=8, **changes):
    spec = cifar("smoke", 0, depth=depth, trained=trained, k=k)
    fixed = {"epochs": 2, "batch_size": 8, "learning_rate_drops": (1,), "augmentation": "flip-crop4"}
    return dataclasses.replace(spec, **(fixed | changes))


def made(spec, device=CPU):
    """A network, its state, its images and the step on fixed memory over them."""
    net, examples = prepare(spec, device), images(device)
    state = start(spec, net)
    gather = batches(spec, examples, 0).gather
    rate = torch.full((), spec.learning_rate, device=device)
    net.model.train()
    return net, state, examples, static(spec, net, state, gather, gather.tables, rate)


@pytest.mark.parametrize(
    ("which", "precision"), [*((which, "float32") for which in SETS), (("batchnorm", 0), "bfloat16")]
)
def test_the_step_on_fixed_memory_computes_what_the_eager_one_does(which, precision):
    spec = short(*which, precision=precision)
    plain_net, plain_state, examples, _ = made(spec)
    net, state, _, step = made(spec)
    plain, row = eager(spec, plain_net, plain_state), batches(spec, examples, 0)
    for number in range(row.count):
        plain(row, number, spec.learning_rate)
        step(row.gather.index(number))
    assert torch.equal(net.running, plain_net.running)
    assert torch.allclose(net.trained, plain_net.trained, rtol=1e-5, atol=1e-7)
    assert torch.allclose(state.sums, plain_state.sums, rtol=1e-5)
    assert state.sums[2] == len(examples.train.labels)


def test_a_step_of_sgd_by_hand_is_torchs():
    spec, generator = short(), torch.Generator().manual_seed(1)
    ours, momentum = torch.randn(1003, generator=generator), torch.zeros(1003)
    theirs = ours.clone()
    optimizer = torch.optim.SGD([theirs], lr=0.1, momentum=spec.momentum, weight_decay=spec.weight_decay)
    for rate in (0.1, 0.1, 0.01):
        ours.grad = torch.randn(1003, generator=generator)
        theirs.grad = ours.grad.clone()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        sgd(spec, ours, momentum, torch.tensor(rate))
        assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-8)


def torchs(spec, vector):
    """The optimiser of a spec as torch's class makes it."""
    if spec.optimizer == "adam":
        return torch.optim.Adam([vector], lr=spec.learning_rate, weight_decay=spec.weight_decay)
    return torch.optim.SGD([vector], lr=spec.learning_rate, momentum=spec.momentum, weight_decay=spec.weight_decay)


@pytest.mark.parametrize("changes", [{}, {"optimizer": "sgd", "momentum": 0.9}], ids=["adam", "sgd"])
def test_an_optimiser_moves_what_torchs_class_moves_to_the_bit(changes):
    spec = dataclasses.replace(sequence("smoke", 0, "mlp"), weight_decay=1e-3, **changes)
    generator = torch.Generator().manual_seed(1)
    ours = torch.randn(1003, generator=generator)
    theirs, slots = ours.clone(), {name: torch.zeros(1003) for name in slot_names(spec)}
    optimizer, ours.grad = torchs(spec, theirs), torch.empty(1003)
    update = update_of(spec, ours, slots, steps=0)
    for rate in (0.1, 0.1, 0.01):
        ours.grad.normal_(generator=generator)
        theirs.grad = ours.grad.clone()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        update(rate)
        assert torch.equal(ours, theirs)


@cache
def calls_of(*which):
    """The names of the trained tensors of a ResNet-14 and what a step calls, for a whole and a short batch."""
    net, _, _, step = made(short(*which, depth=14), META)
    whole, last = (torch.zeros(size, dtype=torch.int64, device=META) for size in (8, 5))
    step(whole)  # what is made once is made before
    with recorded() as calls:
        step(whole)
    with recorded() as of_last:
        step(last)
    return net.names, calls, of_last


@pytest.mark.parametrize("which", SETS)
def test_a_step_can_be_recorded(which):
    _, whole, last = calls_of(*which)
    assert [name for name, _ in whole] == [name for name, _ in last] != []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("item", lambda x: x.mean().item()),
        ("tensor", lambda x: x + torch.tensor(1.0)),
        ("nonzero", lambda x: x[x > 0]),
        ("from the CPU", lambda x: x.copy_(torch.ones(x.shape))),
        ("to the CPU", lambda x: x.cpu()),
        ("if", lambda x: bool(x.sum() > 0)),
    ],
)
def test_a_step_that_waits_for_the_host_cannot_be_recorded(name, fault):
    net, _, _, step = made(short(), META)
    step(torch.zeros(8, dtype=torch.int64, device=META))
    net.model.pool.register_forward_hook(lambda _module, _inputs, output: fault(output) and None)
    with recorded(), pytest.raises((AssertionError, RuntimeError, NotImplementedError)):
        step(torch.zeros(8, dtype=torch.int64, device=META))


# ResNet-14: a stem, six blocks of two convolutions, a shortcut in the third and in the fifth block. How many
# convolutions have a backward pass for (input alone, weights alone, both); the stem's input is an image.
BATCHNORM = (14, 0, 0)
EVERYTHING = (0, 1, 14)
BACKWARD = {
    "all": EVERYTHING,
    "all-but-batchnorm": EVERYTHING,
    "random": EVERYTHING,
    "batchnorm": BATCHNORM,
    "gamma": BATCHNORM,
    "beta": BATCHNORM,
    "batchnorm+output": BATCHNORM,
    "batchnorm+shortcut": (12, 0, 2),
    "batchnorm+shortcut+output": (12, 0, 2),
    "shortcut": (6, 1, 1),  # nothing is trained before the first shortcut: the blocks before have no backward pass
    "shortcut+output": (6, 1, 1),
    "output": (0, 0, 0),
    "none": (0, 0, 0),
}
MASKS = ((True, False), (False, True), (True, True))


@pytest.mark.parametrize("which", SETS)
def test_no_gradient_is_computed_that_no_trained_tensor_needs(which):
    names, calls, _ = calls_of(*which)
    masks = Counter(tuple(args[-1][:2]) for name, args in calls if "convolution_backward" in name)
    assert tuple(masks.pop(mask, 0) for mask in MASKS) == BACKWARD[which[0]]
    assert not masks
    affine = [args[-1][1:] for name, args in calls if "batch_norm_backward" in name]
    assert sum(gamma for gamma, _ in affine) == sum(".weight" in n and "bn" in net_part(n) for n in names)
    assert sum(beta for _, beta in affine) == sum(".bias" in n and "bn" in net_part(n) for n in names)
    products = sum("aten.mm." in name for name, _ in calls)
    assert products == ("fc.weight" in names) + any(not name.startswith("fc.") for name in names)


def net_part(name):
    """ "bn" for the parameters of BatchNorm, a shortcut's among them."""
    return "bn" if "bn" in name or "downsample.1" in name else ""
