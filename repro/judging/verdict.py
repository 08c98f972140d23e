"""Verdicts: the words, and the row that each check gets in verdicts.json."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from repro.compare import Finding, Sweep


class Verdict(StrEnum):
    """What follows for a claim. SMOKE and PILOT carry their answer beside them."""

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
    """What was seen on small networks or a short schedule, where the sentence can be tested there."""

    SEEN = "seen"
    NOT_SEEN = "not seen"
    OPEN = "open"
    NONE = "none"  # at the paper's scale, for exact claims, and where nothing was judged


def in_a_word(verdict: str, answer: str) -> str:
    """What a reader compares: the answer, where the verdict is only the name of a scale, else the verdict.

    A claim that waits, or whose control failed, may have points with an answer: they do not speak for it.
    """
    return str(verdict if answer == Answer.NONE or verdict not in (Verdict.SMOKE, Verdict.PILOT) else answer)


PROVISIONAL = "provisional"  # the mark of a verdict whose controls do not all hold yet
RULE_CHANGED = "rule changed after its runs"
RULE_LATE = "rule not on record with its runs"
CODE_CHANGED = "judging code changed after its runs"
CODE_ALIKE = "judging code changed, same results"

HOLDS, FAILED = "holds", "failed"  # states of a control; any other says why it is neither
FAILING = (Verdict.NOT_REPRODUCED, Verdict.PARTIAL, Verdict.INVALID)


@dataclass(frozen=True, kw_only=True)
class RunEntry:
    """A run that a verdict rests on."""

    key: str  # SHA-256 of the run's spec
    name: str  # the run in a few words
    arm: str  # of the comparison
    seed: int  # of the run
    outcome: str  # trained, diverged or built
    run_json_sha256: str  # of the run's record, which stands for the whole folder


@dataclass(frozen=True, kw_only=True)
class MissingEntry:
    """A run that a verdict waits for."""

    key: str  # SHA-256 of the run's spec
    name: str  # the run in a few words
    condition: str  # training, paused, failed or missing


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One row of verdicts.json: the verdict on one check and everything that it rests on."""

    check: str  # id of the claim, and the point of its grid
    claim: str  # id of the claim
    params: dict[str, Any]  # the point of the grid by name
    verdict: Verdict  # what follows from its runs
    answer: Answer  # what was seen at scale smoke or pilot
    marks: tuple[str, ...]  # caveats that accompany the verdict everywhere: on controls, rule and judging code
    why: str  # one sentence with the numbers that decided
    without_seed: tuple[str, ...]  # the verdict, or answer, that there would be without each seed; empty: not tried
    would_change: str  # one sentence: the seed without which the verdict would be another
    criterion: dict[str, Any]  # the frozen rule: everything that the verdict depends on besides the runs
    criterion_sha256: str  # SHA-256 of the criterion's canonical JSON
    seeds: int  # per arm, at the look that was judged
    accept: float  # level of that look for the criterion
    against: float  # level of that look against it: that at which the whole claim falls
    next_look: int | None  # seeds that an inconclusive verdict requests; null when it requests none
    findings: tuple[Finding, ...]  # one for each comparison
    sweeps: tuple[Sweep, ...]  # context to draw, which decides nothing
    runs: tuple[RunEntry, ...]  # what it rests on
    missing: tuple[MissingEntry, ...]  # what it waits for
    controls: dict[str, str]  # by id of a control that it depends on: holds, failed, or why it is neither
    deviations: tuple[str, ...]  # what differs from the paper's protocol
    note: str  # what a reader should know beside the verdict
    p_for: float | None  # p-value of the criterion: the largest of all findings (intersection-union)
    p_against: float | None  # p-value against it at this look, Bonferroni over the findings
    p_against_corrected: float | None  # the same over looks, points and primary claims; below 0.05 the claim falls

    @property
    def stands(self) -> str:
        """Whether the row speaks "for" the claim, "against" it, is "open", or says nothing ("")."""
        match self.verdict:
            case Verdict.REPRODUCED | Verdict.PAPER_ERROR:
                return "for"
            case Verdict.NOT_REPRODUCED | Verdict.PARTIAL:
                return "against"
            case Verdict.INCONCLUSIVE:
                return "open"
        return {Answer.SEEN: "for", Answer.NOT_SEEN: "against", Answer.OPEN: "open"}.get(self.answer, "")


def exit_code(judged: Iterable[tuple[str, str]]) -> int:
    """What a program that judged exits with, from verdicts and answers.

    0: nothing speaks against a claim; 1: something does, or a control failed; 2: some are blocked; 3: some are pending,
    or there is no verdict at all.
    """
    pairs = list(judged)
    verdicts = {verdict for verdict, _ in pairs}
    if Verdict.BLOCKED in verdicts:
        return 2
    if Verdict.PENDING in verdicts or not pairs:
        return 3
    failing = verdicts & set(FAILING) or any(answer == Answer.NOT_SEEN for _, answer in pairs)
    return 1 if failing else 0


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
