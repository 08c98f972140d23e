"""Runs of boosted trees on simulated data, as hastie2009 boosts them, at each of the three scales."""

from repro.recipes.scales import check_scale
from repro.runs.boosting_spec import BoostingSpec

ROUNDS = {"smoke": 100, "pilot": 400, "paper": 400}


def boosting(
    scale: str,
    seed: int,
    family: str,
    *,
    leaves: int = 2,
    labels: str = "true",
    shrinkage: float = 1.0,
) -> BoostingSpec:
    """One replicate of an ensemble of trees on examples of its own: stumps, unless more leaves are given.

    ``paper`` is the book's 400 rounds, evaluated every 10, and costs seconds; ``pilot`` is the same, and ``smoke`` its
    first quarter. A "tree" is one alone, at every scale.

    Raises:
        SpecError: unknown scale, or a value that no ensemble has.
    """
    rounds = ROUNDS[check_scale(scale)] if family != "tree" else 1
    return BoostingSpec(
        family=family,
        leaves=leaves,
        rounds=rounds,
        rounds_per_evaluation=min(rounds, 10),
        shrinkage=shrinkage,
        dataset="hastie-10-2",
        labels=labels,
        seed=seed,
    )
