"""Coverage: the standing of every row of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from repro.collecting.catalogue import Row
from repro.judging.claims import ClaimEntry
from repro.judging.verdict import Verdict, in_a_word


class Standing(StrEnum):
    """How far a row of the catalogue has come."""

    JUDGED = "judged"
    MEASURED = "measured"
    PENDING = "pending"
    NO_CHECK = "without a check at this scale"
    NOT_SELECTED = "not selected for this report"
    NOT_ATTEMPTED = "not attempted"


@dataclass(frozen=True, kw_only=True)
class Covered:
    """A row of the catalogue and its standing at one scale."""

    id: str  # of the row, and of its claim where it has one
    work: str  # key of the source
    primary: bool  # one of the main claims
    standing: Standing  # how far it has come
    word: str  # its verdict or answer; "" where it was not judged
    reason: str  # why it was not attempted, has no point, is only measured, or waits; "" for the others
    seconds: float | None  # expected cost of the runs that a pending row waits for; null for others, or if unknown


def coverage(
    rows: Sequence[Row],
    claims: Sequence[ClaimEntry],
    *,
    pointless: Mapping[str, str] | None = None,
    missing_seconds: Mapping[str, float] | None = None,
    withheld: Mapping[str, str] | None = None,
) -> tuple[Covered, ...]:
    """One entry for each row of the catalogue, in its order.

    ``claims`` is the table of whole claims at one scale. ``pointless`` gives the reason why a claim has no point at
    this scale, as collected; ``missing_seconds`` the cost of a claim's missing runs; ``withheld`` why one
    whose runs are there has no verdict yet.
    """
    by_id = {entry.claim: entry for entry in claims}
    without = pointless or {}
    costs = missing_seconds or {}
    held = withheld or {}
    return tuple(
        _covered(row, by_id.get(row.id), without.get(row.id, ""), costs.get(row.id), held.get(row.id, ""))
        for row in rows
    )


def _covered(row: Row, entry: ClaimEntry | None, without: str, seconds: float | None, held: str) -> Covered:
    absent = Standing.NOT_ATTEMPTED if row.reason else Standing.NO_CHECK if without else Standing.NOT_SELECTED
    standing, word, reason, cost = absent, "", row.reason or without, None
    if entry is not None:
        word = in_a_word(entry.verdict, entry.answer)
        match entry.verdict:
            case Verdict.PENDING:
                points = sum(entry.points.values())
                standing, cost = Standing.PENDING, seconds
                waits = f"runs are missing for {entry.points.get(Verdict.PENDING, 0)} of {points} points"
                left_out = f"{entry.unselected} of its {points + entry.unselected} points were not selected"
                reason = left_out if entry.unselected else held or waits
            case Verdict.BLOCKED:
                standing, reason, cost = (
                    Standing.PENDING,
                    "the suite failed on a run, which says nothing about the claim",
                    seconds,
                )
            case Verdict.MEASURED:
                standing, reason = Standing.MEASURED, entry.rationale
            case _:
                standing, reason = Standing.JUDGED, ""
    return Covered(
        id=row.id,
        work=row.work,
        primary=row.primary,
        standing=standing,
        word=word,
        reason=reason,
        seconds=cost,
    )
