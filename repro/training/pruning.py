"""Masks: which weights of a network are left at a level of sparsity, layer by layer, biases among them."""

import torch
from torch import Tensor

from repro.runs.streams import Purpose, stream
from repro.runs.ticket_spec import TicketSpec
from repro.training.trainable import Trainable


def mask_of(spec: TicketSpec, net: Trainable, level: int, last: Tensor) -> Tensor:
    """1 for each weight that is left at a level and 0 for each that is pruned, as long as the trained vector.

    ``last`` is the trained vector at the end of the retrain before. What was pruned by magnitude stays pruned at every
    higher level, as nothing is smaller than 0; random scores are drawn anew for each level.
    """
    match spec.pruning:
        case "magnitude":
            scores = last.abs()
        case _:
            drawn = stream(spec.seed, Purpose.MASK, level).random(len(last))
            scores = torch.from_numpy(drawn).to(last.device)
    return torch.cat([_largest(scores[layer], level - 1, spec.levels - 1) for layer in layers(net)])


def layers(net: Trainable) -> list[slice]:
    """Where each layer's weights and biases lie in the trained vector."""
    ends: dict[str, int] = {}
    end = 0
    for name in net.names:
        end += net.model.get_parameter(name).numel()
        ends[name.rpartition(".")[0]] = end
    return [slice(begin, end) for begin, end in zip([0, *ends.values()], ends.values(), strict=False)]


def _largest(scores: Tensor, numerator: int, denominator: int) -> Tensor:
    """1 for all scores but the lowest numerator/denominator of them, rounded down; of equal ones the first go first."""
    mask = torch.ones(len(scores), device=scores.device)
    mask[scores.argsort(stable=True)[: len(scores) * numerator // denominator]] = 0
    return mask
