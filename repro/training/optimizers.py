"""Optimisers over one flat vector, whose memory the caller holds, and their learning rates."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd as torch_sgd

from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.network_spec import NetworkSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

Update = Callable[[float], None]  # one step, at a learning rate


def slot_names(spec: NetworkSpec) -> tuple[str, ...]:
    """Names of the vectors that the optimiser of a spec remembers."""
    return ("exp_avg", "exp_avg_sq") if _is_adam(spec) else ("momentum",)


def update_of(spec: NetworkSpec, trained: Tensor, slots: dict[str, Tensor], *, steps: int) -> Update:
    """How the optimiser of a spec moves the trained vector by its gradient, after a number of steps.

    It writes into ``slots``. These are the functions that torch's optimisers call: the classes around them import
    torch's compiler when one is made, seven tenths of a second of every process that trains.
    """

    @torch.no_grad()
    def by_adam(rate: float) -> None:
        assert trained.grad is not None
        adam(
            [trained],
            [trained.grad],
            [slots["exp_avg"]],
            [slots["exp_avg_sq"]],
            [],
            [taken],
            lr=rate,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
            weight_decay=spec.weight_decay,
            amsgrad=False,
            maximize=False,
        )

    @torch.no_grad()
    def by_sgd(rate: float) -> None:
        assert trained.grad is not None
        torch_sgd(
            [trained],
            [trained.grad],
            [slots["momentum"]],
            lr=rate,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )

    taken = torch.tensor(float(steps))
    return by_adam if _is_adam(spec) else by_sgd


@torch.no_grad()
def sgd(spec: NetworkSpec, trained: Tensor, momentum: Tensor, rate: Tensor) -> None:
    """One step of SGD with the learning rate in a tensor, and the gradient in ``trained.grad``, which it uses up.

    torch's own takes the rate from the host, where a recorded step would keep the first one for ever.
    """
    assert trained.grad is not None
    momentum.mul_(spec.momentum).add_(trained.grad.add_(trained, alpha=spec.weight_decay))
    trained.addcmul_(momentum, rate, value=-1)


def learning_rate(spec: NetworkSpec, row: int, step: int = 0) -> float:
    """The learning rate of a row of the history and of a step of it, both counted from 0.

    A warm-up rises evenly over its steps, the first of which has 0, as in the authors' framework (open_lth).
    """
    drops = spec.learning_rate_drops if isinstance(spec, ResNetSpec | ImageNetSpec) else ()
    rate = spec.learning_rate * 0.1 ** sum(row >= drop for drop in drops)
    if isinstance(spec, ImageNetSpec) and row < spec.warm_up_epochs:
        return rate * (row * spec.row_steps + step) / (spec.warm_up_epochs * spec.row_steps)
    return rate


def _is_adam(spec: NetworkSpec) -> bool:
    return isinstance(spec, StepSpec | TicketSpec) and spec.optimizer == "adam"
