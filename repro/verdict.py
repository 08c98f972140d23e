"""Judgements: a check's evidence under its frozen rule, one row of verdicts.json each."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from repro.claim import Check, Claim
from repro.compare import Finding, Outcome, Sweep
from repro.datasets import DATASETS
from repro.errors import ClaimError, ReproError, StoreError
from repro.evidence import Evidence
from repro.spec import RunSpec
from repro.statistics import holm, nominal_alpha
from repro.store import Run, Store


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


def judge(
    checks: Sequence[Check], store: Store, *, controls: Sequence[Check] = (), thorough: bool = False
) -> list[Judgement]:
    """Judges checks: a pure function of the claims and the stored runs.

    ``controls`` are checks of controls that were not selected themselves; they are judged for what leans on them.
    ``thorough`` also compares files that no check reads with their hashes, as ``judge --verify`` wants.
    """
    everything = {check.id: check for check in (*controls, *checks)}
    leaned_on = {control for check in checks for control in check.claim.controls}
    rows: dict[str, Judgement] = {}
    states = dict.fromkeys(leaned_on, "not collected")
    for check in everything.values():
        if check.claim.id in leaned_on:
            rows[check.id] = judge_check(check, store, {}, thorough)
    for name in leaned_on & {row.claim for row in rows.values()}:
        states[name] = _state(row for row in rows.values() if row.claim == name)
    for check in checks:
        if check.id not in rows:
            rows[check.id] = judge_check(check, store, {name: states[name] for name in check.claim.controls}, thorough)
    return [rows[check.id] for check in checks]


def judge_check(check: Check, store: Store, controls: Mapping[str, str], thorough: bool = False) -> Judgement:
    """Judges one check at the first look that decides, else at the last one whose runs are all there."""
    row = _judge_look(check, store, controls, check.looks[0], thorough)
    for seeds in check.looks[1:]:
        if row.verdict is not Verdict.INCONCLUSIVE:  # only that buys seeds
            break
        later = _judge_look(check, store, controls, seeds, thorough)
        if later.verdict in (Verdict.PENDING, Verdict.BLOCKED):
            return dataclasses.replace(row, next_look=seeds)
        row = later
    return row


def claims_table(rows: Sequence[Judgement], checks: Sequence[Check]) -> list[dict[str, Any]]:
    """One entry a claim: its points taken together, and Holm's correction over the primary claims.

    A claim over a grid is the claim that every point holds: one point ruled out rules it out, at a level corrected
    (Bonferroni) for the number of points.
    """
    claims: dict[str, Claim] = {check.claim.id: check.claim for check in checks}
    table: list[dict[str, Any]] = []
    for name, claim in claims.items():
        own = [row for row in rows if row.claim == name]
        against = [row.p_against for row in own if row.p_against is not None]
        answers = [str(row.verdict if row.answer is Answer.NONE else row.answer) for row in own]
        table.append(
            {
                "claim": name,
                "verdict": _whole_verdict(own),
                "answer": _whole_answer(own),
                "points": dict(Counter(answers)),
                "primary": claim.primary,
                "p_for": max((row.p_for for row in own if row.p_for is not None), default=None),
                "p_against": min(1.0, len(against) * min(against)) if against else None,
                "p_against_holm": None,
            }
        )
    primary = [entry for entry in table if entry["primary"] and entry["p_against"] is not None]
    for entry, adjusted in zip(primary, holm([float(entry["p_against"]) for entry in primary]), strict=True):
        entry["p_against_holm"] = adjusted
    return table


def bought(checks: Iterable[Check], store: Store) -> dict[str, int]:
    """Which inconclusive checks ask for more seeds, and how many they want in all."""
    rows = judge([check for check in checks if len(check.looks) > 1], store)
    return {row.check: row.next_look for row in rows if row.next_look is not None}


def _judge_look(check: Check, store: Store, controls: Mapping[str, str], seeds: int, thorough: bool) -> Judgement:
    alpha = nominal_alpha(check.looks)
    evidence = None
    found: dict[str, Run] = {}
    verdict, why = _lacking(check, store, seeds)
    if verdict is None:
        try:
            found = {key: store.run(spec) for key, spec in check.runs(seeds).items()}
            if thorough:
                for run in found.values():
                    run.check()
            arms = {arm: tuple(found[spec.key] for spec in specs) for arm, specs in check.arms(seeds).items()}
            evidence = Evidence(check, arms, alpha)
            check.function(evidence, **check.params)
            evidence.close()
        except StoreError as error:
            verdict, why, evidence = Verdict.BLOCKED, str(error), None
        except ReproError:
            raise
        except Exception as error:
            raise ClaimError(
                f"check {check.id} in {check.file.name} crashed: {type(error).__name__}: {error}."
            ) from error
    findings = tuple(evidence.findings) if evidence else ()
    answer = Answer.NONE
    if verdict is None:
        failed = [name for name, state in controls.items() if state == Answer.FAILS]
        verdict, answer, why = _decide(check, findings, alpha, failed)
    return Judgement(
        check=check.id,
        claim=check.claim.id,
        params=dict(check.params),
        verdict=verdict,
        answer=answer,
        why=why,
        criterion=check.criterion,
        criterion_sha256=check.criterion_sha256,
        seeds=seeds,
        alpha=alpha,
        next_look=None,
        findings=findings,
        sweeps=tuple(evidence.sweeps) if evidence else (),
        runs=tuple(_run_entry(arm, spec, found) for arm, specs in check.arms(seeds).items() for spec in specs)
        if found
        else (),
        missing=tuple(
            {"key": spec.key, "name": spec.name, "condition": store.condition(spec)}
            for spec in check.runs(seeds).values()
            if store.condition(spec) != "complete"
        ),
        controls=dict(controls),
        deviations=_deviations(check, found, controls),
        note=check.claim.note,
    )


def _lacking(check: Check, store: Store, seeds: int) -> tuple[Verdict | None, str]:
    """PENDING or BLOCKED with its reason, when runs are not there."""
    conditions = {spec: store.condition(spec) for spec in check.runs(seeds).values()}
    failed = [spec for spec, condition in conditions.items() if condition == "failed"]
    if failed:
        return Verdict.BLOCKED, f"{failed[0].name} failed: {store.failure(failed[0])}"
    absent = [spec for spec, condition in conditions.items() if condition != "complete"]
    if absent:
        return Verdict.PENDING, f"{len(absent)} of {len(conditions)} runs are missing, the first is {absent[0].name}."
    return None, ""


def _decide(
    check: Check, findings: tuple[Finding, ...], alpha: float, failed: list[str]
) -> tuple[Verdict, Answer, str]:
    if failed:
        return Verdict.INVALID, Answer.NONE, f"The control {', '.join(failed)} failed, so nothing can be said."
    outcomes = {finding.outcome for finding in findings}
    if outcomes == {Outcome.MEASURED}:
        return Verdict.MEASURED, Answer.NONE, _why(findings, Outcome.MEASURED)
    for outcome, verdict, answer in (
        (Outcome.RULED_OUT, Verdict.NOT_REPRODUCED, Answer.FAILS),
        (Outcome.SOURCE_ERROR, Verdict.PAPER_ERROR, Answer.FAILS),
        (Outcome.UNDECIDED, Verdict.INCONCLUSIVE, Answer.UNDECIDED),
        (Outcome.DIRECTION_ONLY, Verdict.PARTIAL, Answer.UNDECIDED),
        (Outcome.ESTABLISHED, Verdict.REPRODUCED, Answer.HOLDS),
    ):
        if outcome not in outcomes:
            continue
        if outcome is Outcome.DIRECTION_ONLY and any((finding.p_against or 1) < alpha for finding in findings):
            answer = Answer.FAILS  # the direction is there and the size is ruled out
        why = _why(findings, outcome)
        if check.scale != "paper" and not check.claim.exact:
            return Verdict[check.scale.upper()], answer, why
        return verdict, answer, why
    raise ClaimError(f"check {check.id} mixes findings that only measure with others; split the claim.")


def _why(findings: tuple[Finding, ...], outcome: Outcome) -> str:
    deciding = [finding for finding in findings if finding.outcome is outcome]
    more = f" (and {len(deciding) - 1} more of {len(findings)} findings)" if len(deciding) > 1 else ""
    seeds = f" {deciding[0].more_seeds} seeds would decide at this spread." if deciding[0].more_seeds else ""
    return deciding[0].why + more + seeds


def _run_entry(arm: str, spec: RunSpec, found: Mapping[str, Run]) -> dict[str, Any]:
    run = found[spec.key]
    return {
        "key": spec.key,
        "name": spec.name,
        "arm": arm,
        "seed": spec.seed,
        "outcome": run.record["outcome"],
        "run_json_sha256": run.sha256,
    }


def _deviations(check: Check, found: Mapping[str, Run], controls: Mapping[str, str]) -> tuple[str, ...]:
    """What sets the judged runs apart from the protocol, for the reader to weigh."""
    told = sorted({DATASETS[run.spec.dataset].deviation_text for run in found.values()} - {""})
    if any(run.spec.precision == "bfloat16" for run in found.values()):
        told.append("precision: bfloat16")
    diverged = [run.spec.name for run in found.values() if run.record["outcome"] == "diverged"]
    if diverged:
        told.append(f"diverged: {', '.join(diverged)}; its accuracy counts as it is")
    told += [
        f"control {name} is {state}" for name, state in controls.items() if state not in ("holds", "does not hold")
    ]
    if found and not check.claim.exact:
        frozen = {key: run.record["criteria"].get(f"{check.scale}:{check.id}") for key, run in found.items()}
        late = sum(value is None for value in frozen.values())
        changed = sum(value not in (None, check.criterion_sha256) for value in frozen.values())
        if late:
            told.append(f"rule: written after {late} of the {len(found)} runs were trained for other claims")
        if changed:
            told.append(f"rule: changed after {changed} of the {len(found)} runs were trained")
    return tuple(told)


def _state(rows: Iterable[Judgement]) -> str:
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
