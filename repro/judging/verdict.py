"""Verdicts: the words, the row that each check gets in verdicts.json, and what rows say of a whole claim."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from repro.claim import Claim
from repro.compare import Finding, Sweep
from repro.statistics import holm


class Verdict(StrEnum):
    """What can be said of a claim. SMOKE and PILOT carry their answer beside them."""

    REPRODUCED = "REPRODUCED"
    PARTIAL = "PARTIAL"
    NOT_REPRODUCED = "NOT_REPRODUCED"
    INCONCLUSIVE = "INCONCLUSIVE"
    MEASURED = "MEASURED"
    PENDING = "PENDING"
    BLOCKED = "BLOCKED"
    INVALID = "INVALID"
    PAPER_ERROR = "PAPER_ERROR"
    SMOKE = "SMOKE"
    PILOT = "PILOT"


class Answer(StrEnum):
    """Whether the criterion holds, as far as the runs tell."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One row of verdicts.json: the verdict on one check and everything that it rests on."""

    check: str
    claim: str
    params: dict[str, Any]
    verdict: Verdict
    answer: Answer
    why: str
    criterion: dict[str, Any]
    criterion_sha256: str
    seeds: int  # per arm, at the look that was judged
    alpha: float  # level of that look
    next_look: int | None  # seeds that an inconclusive verdict asks for
    findings: tuple[Finding, ...]
    sweeps: tuple[Sweep, ...]
    runs: tuple[dict[str, Any], ...]  # key, name, arm, seed, outcome and the SHA-256 of run.json
    missing: tuple[dict[str, Any], ...]  # key, name and condition of each run that is not there
    controls: dict[str, str]  # control -> its answer or verdict
    deviations: tuple[str, ...]
    note: str

    @property
    def p_for(self) -> float | None:
        """p-value of the claim: all findings established (intersection-union, the largest)."""
        values = [finding.p_for for finding in self.findings if finding.p_for is not None]
        return max(values) if values else None

    @property
    def p_against(self) -> float | None:
        """p-value against it: some finding ruled out (Bonferroni over the findings)."""
        values = [finding.p_against for finding in self.findings if finding.p_against is not None]
        return min(1.0, len(values) * min(values)) if values else None


def claims_table(rows: Sequence[Judgement], claims: Mapping[str, Claim]) -> list[dict[str, Any]]:
    """One entry a claim: its points taken together, corrected for how many points and primary claims there are.

    A claim over a grid says that every point holds. It is established when all are, without correction, and ruled out
    when one point is, at a level corrected for the number of points (Bonferroni) and, for a primary claim, for the
    number of primary claims (Holm). A point that is ruled out only before correction leaves its claim undecided.
    """
    table = [_entry(claim, [row for row in rows if row.claim == name]) for name, claim in claims.items()]
    primary = [entry for entry in table if entry["primary"] and entry["p_against"] is not None]
    for entry, adjusted in zip(primary, holm([float(entry["p_against"]) for entry in primary]), strict=True):
        entry["p_against_holm"] = adjusted
    for entry in table:
        corrected = entry["p_against_holm"] if entry["primary"] else entry["p_against"]
        if entry["answer"] is Answer.FAILS and corrected is not None and corrected >= entry.pop("alpha"):
            entry["answer"] = Answer.UNDECIDED
            entry["verdict"] = {Verdict.NOT_REPRODUCED: Verdict.INCONCLUSIVE}.get(entry["verdict"], entry["verdict"])
        entry.pop("alpha", None)
    return table


def _entry(claim: Claim, own: Sequence[Judgement]) -> dict[str, Any]:
    # An invalid point says nothing, neither for nor against.
    judged = [row for row in own if row.answer is not Answer.NONE]
    against = [row.p_against for row in judged if row.p_against is not None]
    return {
        "claim": claim.id,
        "verdict": _whole_verdict(own),
        "answer": _whole_answer(own),
        "points": dict(Counter(str(row.verdict if row.answer is Answer.NONE else row.answer) for row in own)),
        "primary": claim.primary,
        "alpha": min(row.alpha for row in own),
        "p_for": max((row.p_for for row in judged if row.p_for is not None), default=None),
        "p_against": min(1.0, len(against) * min(against)) if against else None,
        "p_against_holm": None,
    }


def state(rows: Iterable[Judgement]) -> str:
    """A control in one word: its answer where it has one, otherwise its verdict."""
    own = list(rows)
    answer = _whole_answer(own)
    return answer if answer != Answer.NONE else str(_whole_verdict(own)).lower()


def _whole_verdict(rows: Sequence[Judgement]) -> Verdict:
    verdicts = {row.verdict for row in rows}
    order = (
        Verdict.BLOCKED,
        Verdict.PENDING,
        Verdict.INVALID,
        Verdict.NOT_REPRODUCED,
        Verdict.PAPER_ERROR,
        Verdict.INCONCLUSIVE,
        Verdict.PARTIAL,
        Verdict.SMOKE,
        Verdict.PILOT,
        Verdict.MEASURED,
        Verdict.REPRODUCED,
    )
    return next(verdict for verdict in order if verdict in verdicts)


def _whole_answer(rows: Sequence[Judgement]) -> Answer:
    answers = {row.answer for row in rows}
    for answer in (Answer.FAILS, Answer.UNDECIDED):
        if answer in answers:
            return answer
    return Answer.HOLDS if answers == {Answer.HOLDS} else Answer.NONE


def to_json(value: Any) -> Any:
    """A judgement, or anything inside one, as JSON values; an infinite end of a range is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
