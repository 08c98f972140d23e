"""The runs that a scale needs, how many exist, and the cost of the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ScaleNeeds:
    """The trained runs that all claims together need at one scale."""

    scale: str  # smoke, pilot or paper
    runs: int  # trained runs at the first look of every claim
    complete: int  # of them, in the store
    untrained: int  # of those, networks of which nothing is trained
    core_hours: float  # that the missing ones are expected to take on one core
