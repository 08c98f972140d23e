"""Measurements of a finished run: functions of its network and the test images, each one JSON file."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from repro.runs.boosting_spec import BoostingSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import PLAIN, ResNetSpec
from repro.runs.spec import RunSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec
from repro.training.data import Examples, arrays
from repro.training.first_batch import statistics
from repro.training.loop import Row, evaluate
from repro.training.models import build, parts
from repro.training.models.norms import HAS_AFFINE
from repro.training.tickets import moved
from repro.training.trainable import Trainable, mask_name, prepare

Measurement = dict[str, object]

# |γ| below these counts as small. 0.01 is frankle2021's (Figure 4); the others show how much depends on that choice.
THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1)
HISTOGRAM = tuple(round(-2.0 + 0.05 * step, 2) for step in range(81))  # bin edges for γ and β
BESIDE = (2, 3, 4)  # inputs in a row at which weights are counted (greydanus2024, Figure 4g)
DEAD = 0.99  # a ReLU that is 0 on more than this share of inputs is dead (frankle2021, Figure 7)


def measure(
    name: str, spec: NetworkSpec, net: Trainable | None, examples: Examples | None, row: Row | None = None
) -> Measurement:
    """One measurement by name, of a network that was trained on images or, without both, only built.

    ``row`` is the row of the history that was evaluated on the network as it is, where one was.
    """
    match name:
        case "parameters":
            return parameters(spec)
        case "batchnorm":
            return batchnorm()
        case "generator":
            return generator(spec)
    assert net is not None and examples is not None, f"{name} is measured on a trained network"
    match name:
        case "affine":
            return affine(net)
        case "accuracy":
            return accuracy(spec, net, examples, row)
        case "clamp":
            return clamp(spec, net, examples, row)
        case "tickets":
            assert isinstance(spec, TicketSpec)
            return tickets(spec, net, examples)
        case "first_batch":
            return statistics(spec, prepare(spec, net.running.device), examples)
        case _:
            return relus(spec, net, examples)


def names(spec: RunSpec) -> tuple[str, ...]:
    """The measurements that every finished run of a spec has; clamping asks something only of trained γ."""
    match spec:
        case StepSpec():
            return ("parameters", "accuracy") if spec.rows else ("parameters", "generator")
        case TicketSpec():
            return ("parameters", "accuracy", "tickets")
        case BoostingSpec():
            return ("accuracy", "trees")
    assert isinstance(spec, NetworkSpec)
    if not spec.rows:
        return ("parameters", "batchnorm")
    if isinstance(spec, ResNetSpec) and spec.norm in PLAIN:
        return ("parameters", "accuracy", "relus", *(("first_batch",) if spec.norm == "batchnorm-once" else ()))
    trains_gamma = spec.trained in ("all", "gamma") or "batchnorm" in spec.trained.split("+")
    # torchvision's blocks use one ReLU module at several places, so that no count belongs to a place.
    relus = ("relus",) if isinstance(spec, ResNetSpec) else ()
    return ("parameters", "accuracy", "affine", *relus, *(("clamp",) if trains_gamma else ()))


def parameters(spec: NetworkSpec) -> Measurement:
    """Number of parameters by part of the plain network; see ``models.parts`` for what counts where."""
    model = build(spec)
    if isinstance(spec, StepSpec | TicketSpec):
        return {"total": sum(parameter.numel() for parameter in model.parameters())}
    counts = dict.fromkeys(("convolution", "shortcut", "batchnorm", "output"), 0)
    for name, part in parts(model).items():
        counts[part] += model.get_parameter(name).numel()
    return {**counts, "total": sum(counts.values())}


def accuracy(spec: NetworkSpec, net: Trainable, examples: Examples, row: Row | None = None) -> Measurement:
    """Loss and accuracy on the test examples; where no augmentation changes them, accuracy on the training ones too."""
    if isinstance(spec, TicketSpec):  # the last network of many: that of the last retrain
        last = spec.sequence[-1]
        return accuracy(last.training, net, examples.of(last.test))
    found: Measurement = {
        **_tested(spec, net, examples, row),
        examples.dataset.unit: len(examples.test.labels),
    }
    if isinstance(spec, StepSpec):
        found["train_top1"] = evaluate(spec, net, examples, examples.train)["top1"]
    return found


def tickets(spec: TicketSpec, net: Trainable, examples: Examples) -> Measurement:
    """Test accuracy (percent) of each retrain that is kept, and what its mask leaves in the first layer.

    ``left`` is the share of all weights that are not pruned, ``moved`` the number of pruned ones that are not 0.
    ``beside`` holds, for 2, 3 and 4 inputs in a row, the share of such places of a hidden unit at which all weights are
    left, and ``beside_by_chance`` what it would be if each unit's weights lay at random among its inputs.
    """
    last, found = net.trained.clone(), dict[str, dict[str, object]]()
    for retrain in spec.sequence:
        if retrain.label not in spec.keeps:
            continue
        mask = net.kept[mask_name(f"retrain {retrain.level}")]
        weights = net.kept[retrain.label]
        net.trained.copy_(weights)
        first = mask[: net.model.get_parameter(net.names[0]).numel()].view(net.model.get_parameter(net.names[0]).shape)
        counts = {
            "top1": evaluate(retrain.training, net, examples.of(retrain.test), examples.of(retrain.test).test)["top1"],
            "left": mask.double().mean().item(),
            "moved": moved(weights, mask),
            **adjacency(first),
        }
        for name, value in counts.items():
            found.setdefault(name, {})[retrain.label] = value
    net.trained.copy_(last)
    return dict(found)


def adjacency(mask: Tensor) -> dict[str, list[float]]:
    """``beside`` and ``beside_by_chance`` of a mask (units, inputs) of 0 and 1; see ``tickets``."""
    inputs, of_unit = mask.shape[1], mask.double().sum(1)
    beside, by_chance = list[float](), list[float]()
    for length in BESIDE:
        both = mask.double().unfold(1, length, 1).prod(2)
        beside.append(both.mean().item())
        chance = torch.ones_like(of_unit)
        for place in range(length):
            chance *= (of_unit - place).clamp(min=0) / (inputs - place)
        by_chance.append(chance.mean().item())
    return {"beside": beside, "beside_by_chance": by_chance}


def affine(net: Trainable) -> Measurement:
    """Share of |γ| below each threshold, and histograms of γ and β (the values themselves are in the tensors)."""
    norms = _norms(net.model)
    gamma, beta = (torch.cat([p.detach().flatten().cpu() for p in group]) for group in zip(*norms, strict=True))
    edges = torch.tensor(HISTOGRAM)
    return {
        "count": len(gamma),
        "thresholds": list(THRESHOLDS),
        "share_below": [(gamma.abs() < threshold).double().mean().item() for threshold in THRESHOLDS],
        "edges": list(HISTOGRAM),
        "gamma_histogram": torch.histogram(gamma, edges).hist.long().tolist(),
        "beta_histogram": torch.histogram(beta, edges).hist.long().tolist(),
    }


def clamp(spec: NetworkSpec, net: Trainable, examples: Examples, row: Row | None = None) -> Measurement:
    """Top-1 accuracy (percent) with every |γ| below a threshold set to 0, for each threshold; β is left alone."""
    gammas = [gamma for gamma, _ in _norms(net.model)]
    kept = [gamma.detach().clone() for gamma in gammas]
    sizes, zeros, top1 = torch.cat([gamma.abs() for gamma in kept]), -1, list[object]()
    if row is not None:  # with no γ clamped
        zeros, top1 = 0, [row["test_top1"]]
    with torch.no_grad():
        for threshold in THRESHOLDS:
            for gamma in gammas:
                gamma.masked_fill_(gamma.abs() < threshold, 0.0)
            before, zeros = zeros, int((sizes < threshold).sum())
            top1.append(top1[-1] if zeros == before else evaluate(spec, net, examples, examples.test)["top1"])
        for gamma, original in zip(gammas, kept, strict=True):
            gamma.copy_(original)
    return {"thresholds": list(THRESHOLDS), "top1": top1[-len(THRESHOLDS) :]}


def _tested(spec: NetworkSpec, net: Trainable, examples: Examples, row: Row | None) -> dict[str, float | None]:
    """Loss and accuracies on the test examples: those of the row if there is one."""
    if row is None:
        return evaluate(spec, net, examples, examples.test)
    return {name: row[f"test_{name}"] for name in ("loss", "top1", "top5")}


def relus(spec: NetworkSpec, net: Trainable, examples: Examples) -> Measurement:
    """Share of ReLUs that are 0 on more than 99 % of the test images.

    A ReLU is one unit, a channel at a position; ``share_dead_channels`` calls a whole channel dead when more than
    99 % of its outputs over all images and positions are 0.
    """
    with _zero_counts(net.model) as zeros:
        evaluate(spec, net, examples, examples.test)
    count = len(examples.test.labels)
    units = torch.cat([layer.flatten() for layer in zeros.values()]).double() / count
    channels = torch.cat([layer.double().mean(dim=(1, 2)) for layer in zeros.values()]) / count
    return {
        "units": len(units),
        "channels": len(channels),
        "share_dead": (units > DEAD).double().mean().item(),
        "share_dead_channels": (channels > DEAD).double().mean().item(),
    }


def generator(spec: NetworkSpec) -> Measurement:
    """Defaults of the generator that makes a data set, and the fingerprints of what it makes here."""
    from mnist1d.data import get_dataset_args

    defaults = get_dataset_args(as_dict=True)
    return {"defaults": defaults, "fingerprints": arrays(spec.dataset, Path())[2]}


def batchnorm() -> Measurement:
    """How far torch's BatchNorm is from (x − μ)/σ·γ + β over arbitrary inputs that Hypothesis draws.

    ``largest_error`` is in units of the bound 16·eps·(|γ|·max|x̂| + |β|) + cancellation, see ``_formula_error``; a value
    above 1 is a counterexample. The draws are derandomised: the same on every machine.
    """
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    floats = st.floats(-100, 100, width=32)
    errors: list[float] = []

    @settings(max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        shape=st.tuples(st.integers(2, 8), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)),
        seed=st.integers(0, 2**32 - 1),
        scale=st.floats(0.01, 100),
        shift=floats,
        gamma=floats,
        beta=floats,
    )
    def draw(shape: tuple[int, ...], seed: int, scale: float, shift: float, gamma: float, beta: float) -> None:
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale + shift
        errors.append(_formula_error(x, gamma, beta))

    draw()
    return {
        "examples": len(errors),
        "largest_error": max(errors),
        "counterexamples": sum(error > 1 for error in errors),
    }


def _formula_error(x: Tensor, gamma: float, beta: float) -> float:
    """Largest |torch − float64 formula| of one batch, in units of what float32 rounding can explain.

    Rounding x and μ moves (x − μ)/σ by up to eps·max|x|/σ; each of about 16 operations adds eps relative error.
    """
    layer = nn.BatchNorm2d(x.shape[1]).train()
    with torch.no_grad():
        layer.weight.fill_(gamma)
        layer.bias.fill_(beta)
        computed = layer(x).double()
    wide = x.double()
    mean = wide.mean(dim=(0, 2, 3), keepdim=True)
    variance = wide.var(dim=(0, 2, 3), unbiased=False, keepdim=True)
    sigma = (variance + layer.eps).sqrt()
    normalised = (wide - mean) / sigma
    exact = normalised * layer.weight.double().view(1, -1, 1, 1) + layer.bias.double().view(1, -1, 1, 1)
    eps = torch.finfo(torch.float32).eps
    size = abs(gamma) * (normalised.abs() + wide.abs().amax(dim=(0, 2, 3), keepdim=True) / sigma) + abs(beta)
    bound = 16 * eps * size + torch.finfo(torch.float32).tiny
    worst = ((computed - exact).abs() / bound).max().item()
    return worst if math.isfinite(worst) else math.inf


def _norms(model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    return [(module.weight, module.bias) for module in model.modules() if isinstance(module, HAS_AFFINE)]


@contextmanager
def _zero_counts(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """While open, counts per ReLU unit how many inputs it answered with 0: layer name to (C, H, W) int64."""
    zeros: dict[str, Tensor] = {}

    def count(name: str, output: Tensor) -> None:
        zeros[name] = zeros.get(name, 0) + (output == 0).sum(dim=0)

    hooks = [
        module.register_forward_hook(lambda _module, _input, output, name=name: count(name, output))
        for name, module in model.named_modules()
        if isinstance(module, nn.ReLU)
    ]
    try:
        yield zeros
    finally:
        for hook in hooks:
            hook.remove()
