"""The trained runs that a scale needs, how many exist, and the cost of the rest."""

from dataclasses import dataclass

from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec


def trains_nothing(spec: RunSpec) -> bool:
    """Whether a run trains nothing of its network: its one pass settles running statistics."""
    return isinstance(spec, NetworkSpec) and spec.trained == "none"


@dataclass(frozen=True, kw_only=True)
class ScaleNeeds:
    """The trained runs that all claims together need at one scale."""

    scale: str  # smoke, pilot or paper
    runs: int  # trained runs at the first look of every claim
    complete: int  # of them, in the store
    untrained: int  # of those, networks of which nothing is trained
    core_hours: float  # that the missing ones are expected to take on one core
