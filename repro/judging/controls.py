"""States of controls: of each that a check depends on, whether it holds, failed, or why it is neither."""

from collections.abc import Collection, Iterable, Mapping

from repro.check import Check
from repro.claim import LOWER, PRECISION
from repro.judging.verdict import FAILED, HOLDS, Judgement, Verdict
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec

Judged = Collection[tuple[Check, Judgement]]


def states(check: Check, judged: Judged) -> dict[str, str]:
    """By id of a control that a check depends on: "holds", "failed", or a word for neither.

    Of a control with a point for each network, the points of this check's own networks count and no others; a network
    without such a point is named.
    """
    own = {name: [pair for pair in judged if pair[0].claim.id == name] for name in check.claim.depends_on}
    return {name: _state(check, points) for name, points in own.items()}


def failed(controls: Mapping[str, str]) -> list[str]:
    """The controls that failed."""
    return [name for name, state in controls.items() if state == FAILED]


def withheld(check: Check, specs: Iterable[RunSpec], controls: Mapping[str, str]) -> str:
    """Why there is no verdict yet on runs in a lower precision, as a sentence; "" where there may be one.

    Only once the control has held it against float32 may it stand in a verdict, and then as a deviation. The control
    itself compares the two.
    """
    lower = sorted({spec.precision for spec in specs if isinstance(spec, NetworkSpec)} - {"float32"})
    if not lower or check.claim.id == PRECISION or controls.get(PRECISION) == FAILED:
        return ""
    if lower != [LOWER]:
        return f"Its runs are in {' and '.join(lower)}, but {PRECISION} compares only {LOWER} with float32."
    state = controls.get(PRECISION, "not asked for")
    return "" if state == HOLDS else f"Its runs are in {LOWER}, but {PRECISION} is {state}: it must hold first."


def _state(check: Check, points: Judged) -> str:
    if not points:
        return "not collected"
    uncovered: list[str] = []
    if next(iter(points))[0].claim.per_network:
        own = _networks(check)
        points = [pair for pair in points if {*own} & {*_networks(pair[0])}]
        covered = {network for other, _ in points for network in _networks(other)}
        uncovered = [network for network in own if network not in covered]
    rows = [row for _, row in points]
    if any(row.stands == "against" or row.verdict is Verdict.INVALID for row in rows):
        return FAILED
    if uncovered:
        return f"no point for {', '.join(uncovered)}"
    neither = [row for row in rows if row.stands != "for"]
    return str(neither[0].stands or neither[0].verdict).lower() if neither else HOLDS


def _networks(check: Check) -> list[str]:
    """The networks that a check trains."""
    trained = [specs[0].network for specs in check.arms(1).values() if specs[0].rows]
    return list(dict.fromkeys(trained))
