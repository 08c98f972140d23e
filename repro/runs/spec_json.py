"""Specs read back from their JSON, each as the kind that its fields name."""

from reprlib import repr as short
from typing import Any

from repro.errors import SpecError
from repro.runs.boosting_spec import BoostingSpec
from repro.runs.canonical import parse
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.resnet_spec import ResNetSpec
from repro.runs.spec import TRAINING_VERSION, RunSpec
from repro.runs.step_spec import StepSpec
from repro.runs.ticket_spec import TicketSpec

# Every kind of run; the last one explains what is wrong with a family that no other has.
KINDS: tuple[type[RunSpec], ...] = (StepSpec, ImageNetSpec, BoostingSpec, TicketSpec, ResNetSpec)


def read_spec(text: str | bytes, origin: object) -> RunSpec:
    """The spec that ``RunSpec.to_json`` wrote; ``origin`` names the text in errors.

    Raises:
        SpecError: the text is no JSON object, or a field is missing, unknown or out of range.
    """
    try:
        found: dict[str, Any] = parse(text)
        if not isinstance(found, dict) or "training_version" not in found:
            raise ValueError("no JSON object with a training_version")
        version = found.pop("training_version")
    except ValueError as error:
        raise SpecError(f"{origin} holds no run spec ({error}); delete it and plan the run again.") from None
    if type(version) is not int or version != TRAINING_VERSION:
        raise SpecError(
            f"{origin} was made by training version {short(version)}; this is version {TRAINING_VERSION}. "
            "Its results stay readable with the code of that version; train it again for this one."
        )
    return _kind(found).of_fields(found, origin)


def _kind(found: dict[str, Any]) -> type[RunSpec]:
    """What only a ticket has, else the family."""
    if "pruning" in found:
        return TicketSpec
    family = found.get("family")
    return next(kind for kind in KINDS if kind is ResNetSpec or family in kind.CHOICES["family"])
