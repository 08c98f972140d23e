"""Recipes: the runs that claim files ask for, by protocol and scale; one module a protocol."""

from repro.recipes.boosting import boosting
from repro.recipes.imagenet import IMAGENET_DEPTHS, imagenet
from repro.recipes.layers import BATCHES, LAYERED_BATCH, LAYERED_DEPTHS, layered
from repro.recipes.resnets import (
    DEPTHS,
    GAMMA_DEPTH,
    SETTLING_STEPS,
    WIDE_DEPTH,
    WIDTHS,
    Schedule,
    built,
    cifar,
    schedule,
)
from repro.recipes.scales import SCALES, check_scale
from repro.recipes.sequences import ADAM, DOUBLE_DESCENT, POOLING, sequence, sequence_built
from repro.recipes.tickets import dense_beside_ticket, ticket

__all__ = [
    "ADAM",
    "BATCHES",
    "DEPTHS",
    "DOUBLE_DESCENT",
    "GAMMA_DEPTH",
    "IMAGENET_DEPTHS",
    "LAYERED_BATCH",
    "LAYERED_DEPTHS",
    "POOLING",
    "SCALES",
    "SETTLING_STEPS",
    "WIDE_DEPTH",
    "WIDTHS",
    "Schedule",
    "boosting",
    "built",
    "check_scale",
    "cifar",
    "dense_beside_ticket",
    "imagenet",
    "layered",
    "schedule",
    "sequence",
    "sequence_built",
    "ticket",
]
