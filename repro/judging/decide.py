"""Decisions: what findings under a frozen rule say of a check, in one word and one sentence."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from repro.check import Check
from repro.compare import COVERAGE, Finding, Levels, Measure, Outcome, between
from repro.errors import ClaimError
from repro.judging.verdict import Answer, Verdict, in_a_word
from repro.statistics import MOST_SEEDS

# Of several findings the first of these that occurs decides: a claim says that all of them hold.
WORDS = (
    (Outcome.RULED_OUT, Verdict.NOT_REPRODUCED, Answer.NOT_SEEN),
    (Outcome.SOURCE_ERROR, Verdict.PAPER_ERROR, Answer.SEEN),
    (Outcome.UNDECIDED, Verdict.INCONCLUSIVE, Answer.OPEN),
    (Outcome.DIRECTION_ONLY, Verdict.PARTIAL, Answer.NOT_SEEN),
    (Outcome.ESTABLISHED, Verdict.REPRODUCED, Answer.SEEN),
)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What findings come to."""

    verdict: Verdict
    answer: Answer
    why: str
    findings: tuple[Finding, ...]
    p_for: float | None = None
    p_against: float | None = None

    @property
    def word(self) -> str:
        """What a reader compares."""
        return in_a_word(self.verdict, self.answer)


def decide(check: Check, findings: Sequence[Finding]) -> Decision:
    """The verdict on a check from its findings, whatever its controls say.

    Raises:
        ClaimError: measuring and deciding are mixed, or no finding is one that the rule can make.
    """
    found = tuple(findings)
    outcomes = {finding.outcome for finding in found}
    if Outcome.MEASURED in outcomes and len(outcomes) > 1:
        raise ClaimError(f"check {check.id} mixes findings that only measure with others; split the claim.")
    if not check.claim.tested(check.scale):
        found = tuple(_measured(finding, check.levels()) for finding in found)
        why = f"{_why(found, Outcome.MEASURED)} Not tested at scale {check.scale}: "
        return Decision(
            verdict=Verdict.MEASURED,
            answer=Answer.NONE,
            why=why + _sentence(check.claim.untestable[check.scale]),
            findings=found,
        )
    if Outcome.MEASURED in outcomes:
        why = _why(found, Outcome.MEASURED)
        return Decision(verdict=Verdict.MEASURED, answer=Answer.NONE, why=why, findings=found)
    for outcome, verdict, answer in WORDS:
        if outcome in outcomes:
            full = check.scale == "paper" or check.claim.exact
            against = [finding.p_against for finding in found if finding.p_against is not None]
            return Decision(
                verdict=verdict if full else Verdict[check.scale.upper()],
                answer=Answer.NONE if full else answer,
                why=_why(found, outcome),
                findings=found,
                p_for=max((finding.p_for for finding in found if finding.p_for is not None), default=None),
                p_against=min(1.0, len(against) * min(against)) if against else None,
            )
    raise ClaimError(f"check {check.id} recorded no finding that its rule can make.")


def _measured(finding: Finding, levels: Levels) -> Finding:
    """A finding without anything that could be read as for or against; one that only measures is that already."""
    if finding.outcome is Outcome.MEASURED:
        return finding
    if len(finding.samples) == 1:  # its rule's interval has the reference's error too, or reaches over two scales
        return Measure(reason="").compare(levels=levels, sample=finding.samples[0])
    interval = None if finding.reference is not None else finding.interval
    spread = f", {100 * COVERAGE:g} % interval {between(*interval, finding.unit)}" if interval else ""
    return dataclasses.replace(
        finding,
        outcome=Outcome.MEASURED,
        why=f"{finding.label}: {finding.measured}{spread}.",
        expected="",
        would_change="",
        criterion=None,
        reference=None,
        assumption="",
        prediction=None,
        consistent=None,
        p_for=None,
        p_against=None,
        flips=None,
        more_seeds=None,
    )


def _why(findings: tuple[Finding, ...], outcome: Outcome) -> str:
    deciding = [finding for finding in findings if finding.outcome is outcome]
    first = deciding[0]
    why, more = first.why, ""
    if len(deciding) > 1 and outcome is not Outcome.SOURCE_ERROR:
        why = f"{why.removesuffix('.')} (and {len(deciding) - 1} more of {len(findings)} findings)."
    needed, seeds = [finding.more_seeds or 0 for finding in deciding], ""
    if all(needed):
        seeds = f" {max(needed)} seeds would decide at this spread."
    elif outcome is Outcome.UNDECIDED and any(one.interval and not one.more_seeds for one in deciding):
        seeds = f" Not even {MOST_SEEDS} seeds would decide at this spread."
    if outcome is Outcome.SOURCE_ERROR and len(findings) > 1:
        agree = sum(finding.outcome is Outcome.ESTABLISHED for finding in findings)
        slips = "1 is a slip" if len(deciding) == 1 else f"{len(deciding)} are slips"
        more = f" {agree} of {len(findings)} agree, {slips} of the source."
    return why + more + seeds


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
