"""The scales that every claim is planned at."""

from repro.errors import SpecError

SCALES = ("smoke", "pilot", "paper")


def check_scale(scale: str) -> str:
    """The scale itself.

    Raises:
        SpecError: there is no such scale.
    """
    if scale not in SCALES:
        raise SpecError(f"scale is {scale!r}; allowed: {', '.join(SCALES)}.")
    return scale
