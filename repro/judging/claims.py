"""Whole claims: their points taken together, corrected for how many points and primary claims there are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro.check import Check
from repro.errors import ClaimError
from repro.judging.imagined import unit_compared
from repro.judging.verdict import Answer, Judgement, Verdict, in_a_word
from repro.statistics import Unit, claim_p_against, holm

# A claim over a grid says that every point holds: the first of these that some point has is the verdict on all.
ORDER = (
    Verdict.BLOCKED,
    Verdict.PENDING,
    Verdict.INVALID,
    Verdict.NOT_REPRODUCED,
    Verdict.PAPER_ERROR,
    Verdict.INCONCLUSIVE,
    Verdict.PARTIAL,
    Verdict.SMOKE,
    Verdict.PILOT,
    Verdict.REPRODUCED,
    Verdict.MEASURED,
)
ANSWERS = (Answer.NOT_SEEN, Answer.OPEN, Answer.SEEN, Answer.NONE)


@dataclass(frozen=True, kw_only=True)
class ClaimEntry:
    """What follows for a claim as a whole."""

    claim: str  # id of the claim
    work: str  # key of the source
    verdict: Verdict  # over all its points; PENDING where some were not selected
    answer: Answer  # over its points at scale smoke or pilot, as far as they were judged
    marks: tuple[str, ...]  # caveats that accompany the verdict everywhere
    points: dict[str, int]  # number of points by verdict, or by answer where there is one
    tested: bool  # whether its sentence can be tested at this scale
    rationale: str  # why it can or cannot be; "" for an exact claim
    unit: Unit  # of what its rule compares, and so of its margin, gap or largest step
    primary: bool  # one of the main claims of the catalogue
    paper_points: tuple[dict[str, Any], ...]  # of its grid at the paper's scale, by parameter
    paper_networks: tuple[str, ...]  # that its arms have at the paper's scale
    same_as: str | None  # id of the claim that it repeats, with which it is counted once
    p_for: float | None  # p-value that every point holds: the largest of all
    p_against: float | None  # p-value against it, Bonferroni over looks and points
    p_against_holm: float | None  # of a primary claim: Holm over those of its catalogue, those not judged counting as 1
    would_change: str  # one sentence: the point without which the verdict would be another
    unselected: int = 0  # points of its grid at this scale that were not selected: it waits for them


def claims_table(rows: Sequence[Judgement], checks: Sequence[Check]) -> list[ClaimEntry]:
    """One entry a claim.

    Its verdict is that of its points, none of which is ruled out above the level at which the whole claim is. So a
    point and its claim never contradict each other, and no verdict depends on what else was selected.

    Raises:
        ClaimError: a claim is counted once with another, and is held against other published values.
    """
    by_id = {check.id: check for check in checks}
    own: dict[str, list[Judgement]] = {}
    for row in rows:
        own.setdefault(row.claim, []).append(row)
    table = [_entry(by_id[some[0].check], some) for some in own.values()]
    for entry in table:
        if entry.same_as in own:
            _refuse_other_references(own[entry.claim], own[entry.same_as])
    of_claim = {check.claim.id: check for check in checks}
    primary: dict[Path | None, list[ClaimEntry]] = {}  # by the catalogue that counts them
    for entry in table:
        if entry.primary and entry.same_as not in own:
            primary.setdefault(of_claim[entry.claim].catalogue, []).append(entry)
    adjusted: dict[str, float | None] = {}
    for some in primary.values():
        total = max(len(some), *(of_claim[entry.claim].primaries for entry in some))
        holms = holm([entry.p_against for entry in some], total)
        adjusted |= {entry.claim: value for entry, value in zip(some, holms, strict=True)}
    return [
        replace(entry, p_against_holm=adjusted.get(entry.same_as or entry.claim, adjusted.get(entry.claim)))
        if entry.primary and entry.p_against is not None
        else entry
        for entry in table
    ]


def _refuse_other_references(some: Sequence[Judgement], others: Sequence[Judgement]) -> None:
    for row, other in ((row, other) for row in some for other in others if row.params == other.params):
        ours, theirs = ([finding.reference for finding in one.findings] for one in (row, other))
        if ours and theirs and ours != theirs:
            raise ClaimError(
                f"{row.check} is declared the same as {other.claim}, but is held against {ours}, and {other.check} "
                f"against {theirs}; drop same_as or make them equal."
            )


def _entry(check: Check, own: Sequence[Judgement]) -> ClaimEntry:
    claim, scale = check.claim, check.scale
    # An invalid point counts neither for nor against.
    p_for = [row.p_for for row in own if row.p_for is not None]
    p_against = [row.p_against for row in own if row.p_against is not None]
    verdict, answer = _whole(own)
    unselected = len(claim.grid[scale]) - len({row.check for row in own})
    if unselected:
        verdict = min(verdict, Verdict.PENDING, key=ORDER.index)
    return ClaimEntry(
        claim=claim.id,
        work=claim.source.work,
        verdict=verdict,
        answer=answer,
        marks=tuple(dict.fromkeys(mark for row in own for mark in row.marks)),
        points=dict(Counter(in_a_word(row.verdict, row.answer) for row in own)),
        tested=claim.tested(scale),
        rationale=(claim.testable if claim.tested(scale) else claim.untestable).get(scale, ""),
        unit=unit_compared(check),
        primary=claim.primary,
        paper_points=tuple(dict(point) for point in claim.grid["paper"]),
        paper_networks=_networks(check),
        same_as=claim.same_as,
        p_for=max(p_for, default=None),
        p_against=claim_p_against(p_against, check.looks, points=len(claim.grid[scale])) if p_against else None,
        p_against_holm=None,
        would_change="" if unselected else _without_a_point(own),
        unselected=unselected,
    )


def _networks(check: Check) -> tuple[str, ...]:
    arms = [spec for point in check.claim.grid["paper"] for spec in check.claim.runs("paper", 0, **point).values()]
    return tuple(dict.fromkeys(spec.name.partition(" ")[0] for spec in arms))


def _whole(rows: Sequence[Judgement]) -> tuple[Verdict, Answer]:
    verdict = min((row.verdict for row in rows), key=ORDER.index)
    return verdict, min((row.answer for row in rows), key=ANSWERS.index)


def _without_a_point(own: Sequence[Judgement]) -> str:
    whole = _whole(own)
    if len(own) < 2 or whole[0] in (Verdict.PENDING, Verdict.BLOCKED):  # its other points decide nothing yet
        return ""
    changed: dict[str, list[str]] = {}
    for left_out in own:
        word = in_a_word(*_whole([row for row in own if row is not left_out]))
        if word != in_a_word(*whole):
            changed.setdefault(word, []).append(left_out.check.removeprefix(left_out.claim))
    phrases = [f"{word} without the point {' or '.join(points)}" for word, points in changed.items()]
    return f"It would be {'; '.join(phrases)}." if phrases else f"No single one of the {len(own)} points decides it."
