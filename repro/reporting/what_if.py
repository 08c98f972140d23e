"""What-if: the numbers from which the page's slider says what another margin would have met."""

import json
import math
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

MOST = 1e6  # a margin beyond which no slider makes sense


def what_if(kind: str, findings: Sequence[Json]) -> Json | None:
    """For a claim with a margin around a value, or with a gap: where its slider starts and ends, and the distances.

    Each finding gives a pair: how far the ends of its interval lie from the value, or from 0; where points have several
    margins, in their own ones, and the slider is a factor. The whole interval lies within a margin that is larger than
    both in size, and above a gap that is less than the lower one. None where no finding has an interval.
    """
    if kind not in "PO":
        return None
    known = [one for one in findings if one["interval"] and one["criterion"] and one["criterion"][0] is not None]
    centres = [one["reference"] if kind == "P" else 0.0 for one in known]
    if not known or None in centres:
        return None
    margins = [_margin(kind, one) for one in known]
    several = len({round(margin, 9) for margin in margins}) > 1
    units = margins if several else [1.0] * len(known)
    if not all(math.isfinite(unit) and unit > 0 for unit in units):
        return None
    pairs = [
        [(end - centre) / unit for end in one["interval"]]
        for one, centre, unit in zip(known, centres, units, strict=True)
    ]
    start = 1.0 if several else margins[0]
    end = max(2 * start, 1.2 * max(abs(end) for pair in pairs for end in pair), 1e-6)
    if not 0 <= start <= MOST or end > MOST:
        return None
    return {"kind": kind, "factor": several, "start": start, "end": _round_up(end), "distances": json.dumps(pairs)}


def _margin(kind: str, finding: Json) -> float:
    low, high = finding["criterion"]
    return float(low if kind == "O" else (high - low) / 2 if high is not None else math.inf)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9)):.6g}")
