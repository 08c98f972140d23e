"""Runs of small networks on MNIST-1D, as greydanus2024 trains or counts them, at each of the three scales."""

import dataclasses
from dataclasses import dataclass

from repro.recipes.scales import check_scale
from repro.runs.step_spec import StepSpec

# Units of the hidden layers, channels of the convolutions, units each way: the notebooks' networks.
HIDDEN = {"logistic": 0, "mlp": 100, "residual-mlp": 100, "cnn": 25, "pooling-cnn": 20, "gru": 6}
SMOKE_STEPS = {"gru": 500}  # of the others 1,000: a minute of two cores for all of smoke


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What an experiment of the work fixes for every run."""

    optimizer: str
    learning_rate: float
    momentum: float
    order: str  # of the training examples
    steps: int
    steps_per_evaluation: int


# The text names Adam and early stopping; every other value is the notebooks'. They make one step more and evaluate
# after the first one too, which no best evaluation is.
ADAM = Protocol(
    optimizer="adam", learning_rate=0.01, momentum=0.0, order="stored", steps=6_000, steps_per_evaluation=250
)
POOLING = ADAM
# 500 passes over 4,000 examples; only the last evaluation is read.
DOUBLE_DESCENT = Protocol(
    optimizer="sgd", learning_rate=0.01, momentum=0.9, order="reshuffled", steps=20_000, steps_per_evaluation=1_000
)


def sequence(
    scale: str,
    seed: int,
    family: str,
    *,
    protocol: Protocol = ADAM,
    hidden: int | None = None,
    pooling: str = "none",
    dataset: str = "mnist1d",
    features: str = "in order",
    labels: str = "true",
    label_noise: float = 0.0,
) -> StepSpec:
    """One replicate of a network on MNIST-1D; ``hidden`` is the notebooks' own size unless given.

    ``paper`` is the protocol itself, which costs seconds to minutes a run. ``smoke`` is its first steps. There is no
    use for a scale between them, and ``pilot`` gives what ``paper`` does.

    Raises:
        SpecError: unknown scale, or a value that no network has.
    """
    steps = SMOKE_STEPS.get(family, 1_000) if check_scale(scale) == "smoke" else protocol.steps
    return StepSpec(
        family=family,
        hidden=HIDDEN[family] if hidden is None else hidden,
        pooling=pooling,
        trained="all",
        weight_init="torch",
        dataset=dataset,
        features=features,
        labels=labels,
        label_noise=label_noise,
        optimizer=protocol.optimizer,
        order=protocol.order,
        steps=steps,
        steps_per_evaluation=min(steps, protocol.steps_per_evaluation),
        batch_size=100,
        learning_rate=protocol.learning_rate,
        momentum=protocol.momentum,
        weight_decay=0.0,
        precision="float32",
        seed=seed,
    )


def sequence_built(family: str) -> StepSpec:
    """A network that is built and counted, never trained; the same run at every scale."""
    return dataclasses.replace(sequence("paper", 0, family), steps=0)
