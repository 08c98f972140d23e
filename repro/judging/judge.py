"""Judgements: a check's evidence under its frozen rule, a pure function of claims and stored runs."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from repro.claim import Check
from repro.compare import Finding, Outcome
from repro.errors import ClaimError, ReproError, StoreError
from repro.judging.evidence import Evidence
from repro.judging.verdict import Answer, Judgement, Verdict, state
from repro.runs.datasets import DATASETS
from repro.runs.spec import RunSpec
from repro.runs.store import HISTORY, Run, Store
from repro.statistics import MOST_SEEDS, nominal_alpha


def judge(
    checks: Sequence[Check], store: Store, *, controls: Sequence[Check] = (), thorough: bool = False
) -> list[Judgement]:
    """Judges checks: a pure function of the claims and the stored runs.

    ``controls`` are checks of controls that were not selected themselves; they are judged for what leans on them.
    ``thorough`` also compares files that no check reads with their hashes, as ``judge --verify`` wants.
    """
    everything = {check.id: check for check in (*controls, *checks)}
    leaned_on = {control for check in checks for control in check.claim.depends_on}
    rows: dict[str, Judgement] = {}
    states = dict.fromkeys(leaned_on, "not collected")
    for check in everything.values():
        if check.claim.id in leaned_on:
            rows[check.id] = judge_check(check, store, {}, thorough)
    for name in leaned_on & {row.claim for row in rows.values()}:
        states[name] = state(row for row in rows.values() if row.claim == name)
    for check in checks:
        if check.id not in rows:
            rows[check.id] = judge_check(
                check, store, {name: states[name] for name in check.claim.depends_on}, thorough
            )
    return [rows[check.id] for check in checks]


def judge_check(check: Check, store: Store, controls: Mapping[str, str], thorough: bool = False) -> Judgement:
    """Judges one check at the first look that decides, else at the last one whose runs are all there."""
    row = _judge_look(check, store, controls, check.looks[0], thorough)
    for seeds in check.looks[1:]:
        if row.verdict is not Verdict.INCONCLUSIVE:  # only that buys seeds
            break
        later = _judge_look(check, store, controls, seeds, thorough)
        if later.verdict is Verdict.PENDING:
            return dataclasses.replace(row, next_look=seeds)
        if later.verdict is Verdict.BLOCKED:  # a crashed seed is run again
            return dataclasses.replace(later, next_look=seeds)
        row = later
    return row


def bought(checks: Sequence[Check], store: Store, controls: Sequence[Check] = ()) -> dict[str, int]:
    """Which inconclusive checks ask for more seeds, and how many they want in all; ``controls`` as in ``judge``."""
    looked_at = [check for check in checks if len(check.looks) > 1 and _first_look_is_there(check, store)]
    rows = judge(looked_at, store, controls=(*controls, *checks)) if looked_at else []
    return {row.check: row.next_look for row in rows if row.next_look is not None}


def _first_look_is_there(check: Check, store: Store) -> bool:
    """Whether there can be a verdict at all; most of a plan is told apart by one missing file each."""
    return all(store.condition(spec) == "complete" for spec in check.runs(check.looks[0]).values())


def _judge_look(check: Check, store: Store, controls: Mapping[str, str], seeds: int, thorough: bool) -> Judgement:
    alpha = nominal_alpha(check.looks)
    evidence = None
    found: dict[str, Run] = {}
    verdict, why = _lacking(check, store, seeds)
    if verdict is None:
        try:
            found = {key: store.run(spec) for key, spec in check.runs(seeds).items()}
            for run in found.values():
                if thorough:
                    run.check()
                else:
                    run.read(HISTORY)  # the document shows it
            arms = {arm: tuple(found[spec.key] for spec in specs) for arm, specs in check.arms(seeds).items()}
            evidence = Evidence(check, arms, alpha)
            check.function(evidence, **check.params)
            evidence.close()
        except StoreError as error:
            verdict, why, evidence, found = Verdict.BLOCKED, str(error), None, {}
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
    if Outcome.MEASURED in outcomes:
        if len(outcomes) > 1:
            raise ClaimError(f"check {check.id} mixes findings that only measure with others; split the claim.")
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
        if outcome is Outcome.DIRECTION_ONLY and any(
            finding.p_against is not None and finding.p_against < alpha for finding in findings
        ):
            answer = Answer.FAILS  # the direction is there and the size is ruled out
        why = _why(findings, outcome)
        if check.scale != "paper" and not check.claim.exact:
            return Verdict[check.scale.upper()], answer, why
        return verdict, answer, why
    raise ClaimError(f"check {check.id} recorded no finding that its rule can make.")


def _why(findings: tuple[Finding, ...], outcome: Outcome) -> str:
    deciding = [finding for finding in findings if finding.outcome is outcome]
    first = deciding[0]
    more = f" (and {len(deciding) - 1} more of {len(findings)} findings)" if len(deciding) > 1 else ""
    seeds = f" {first.more_seeds} seeds would decide at this spread." if first.more_seeds else ""
    if outcome is Outcome.UNDECIDED and not first.more_seeds and first.interval:
        seeds = f" Not even {MOST_SEEDS} seeds would decide at this spread."
    return first.why + more + seeds


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
    devices = {part["device"] for run in found.values() if run.spec.epochs for part in run.record["parts"]}
    if len(devices) > 1:
        told.append(f"devices: runs of this comparison were trained on {', '.join(sorted(devices))}")
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
