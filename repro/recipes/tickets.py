"""Searches for lottery tickets on MNIST-1D, and the dense networks beside them, as greydanus2024 trains them."""

import dataclasses

from repro.recipes.sequences import ADAM, sequence
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

HIDDEN = 500
LEARNING_RATE = 0.02
LEVELS = 100  # of sparsity: the notebook's linspace(0, 1, 100)
DENSE, SPARSE, SPARSER = 1, 92, 96  # of these: sparsities of 0, 91.9 and 96.0 %
# A random mask needs no weights of the retrain before, so that only these levels are trained: one that a claim is about
# and some between which the figure draws a line.
AT_RANDOM = (25, 50, 75, 84, SPARSE, SPARSER)
OTHER_DATA = "mnist1d-seed-43"
TEST_STEPS, TEST_BATCH = 6_000, 500


def ticket(seed: int, pruning: str) -> TicketSpec:
    """One search, by "magnitude" or at "random"; the same run at every scale.

    The retrains above a sparsity of 96 % are left out: no claim asks for one, and none of the others depends on them.
    A ticket found by magnitude is tested at 92 %.
    """
    by_magnitude = pruning == "magnitude"
    return TicketSpec(
        family="residual-mlp",
        hidden=HIDDEN,
        trained="all",
        weight_init="torch",
        dataset="mnist1d",
        labels="true",
        optimizer=ADAM.optimizer,
        order=ADAM.order,
        steps=1_501,
        batch_size=100,
        learning_rate=LEARNING_RATE,
        momentum=ADAM.momentum,
        weight_decay=0.0,
        precision="float32",
        pruning=pruning,
        levels=LEVELS,
        retrains=tuple(range(1, SPARSER + 1)) if by_magnitude else AT_RANDOM,
        kept=(DENSE, SPARSE, SPARSER) if by_magnitude else (SPARSE, SPARSER),
        tests=TicketSpec.TESTS if by_magnitude else (),
        tested_level=SPARSE,
        tested_on=OTHER_DATA,
        test_batch_size=TEST_BATCH,
        test_steps=TEST_STEPS,
        seed=seed,
    )


def dense_beside_ticket(seed: int, features: str) -> StepSpec:
    """A dense network trained as a ticket is tested, on features "in order" or "shuffled"; the same at every scale."""
    return dataclasses.replace(
        sequence("paper", seed, "residual-mlp", hidden=HIDDEN, dataset=OTHER_DATA, features=features),
        learning_rate=LEARNING_RATE,
        batch_size=TEST_BATCH,
        steps=TEST_STEPS,
        steps_per_evaluation=TEST_STEPS,
    )
