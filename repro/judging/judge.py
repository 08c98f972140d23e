"""Judgements: a check's evidence under its frozen rule, a pure function of claims and stored runs."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repro.check import Check
from repro.compare import Finding, Outcome, flips_over_looks, would_change_over_looks
from repro.errors import StoreError, printable
from repro.judging.controls import failed, states, withheld
from repro.judging.decide import Decision
from repro.judging.deviations import deviations, marks
from repro.judging.evidence import Evidence
from repro.judging.integrity import broken_controls, refuse_contradictions
from repro.judging.observe import observe, sensitivity, without_each_seed
from repro.judging.verdict import Answer, Judgement, MissingEntry, RunEntry, Verdict
from repro.runs.spec import RunSpec
from repro.runs.store import Run, Store


def judge(
    checks: Sequence[Check],
    store: Store,
    *,
    controls: Sequence[Check] = (),
    thorough: bool = False,
    seed_by_seed: bool = True,
) -> list[Judgement]:
    """Judges checks: a pure function of the claims and the stored runs.

    ``controls`` are checks of controls that were not selected themselves; they are judged for what depends on them.
    ``thorough`` reads every file of every run and compares tensors with the spec, as ``judge --verify`` wants.
    ``seed_by_seed`` names the seeds without which a verdict would be another: the check is made again without each.
    """
    everything = {check.id: check for check in (*controls, *checks)}
    needed = {name for check in checks for name in check.claim.depends_on}
    first = [check for check in everything.values() if check.claim.id in needed]
    sound = set[tuple[str, str]]()

    def judged_by(check: Check, held: Mapping[str, str]) -> Judgement:
        return judge_check(check, store, held, thorough=thorough, seed_by_seed=seed_by_seed, sound=sound)

    judged = {check.id: (check, judged_by(check, {})) for check in first}
    for check in checks:
        if check.id not in judged:
            judged[check.id] = check, judged_by(check, states(check, judged.values()))
    return [judged[check.id][1] for check in checks]


def judge_check(
    check: Check,
    store: Store,
    controls: Mapping[str, str],
    *,
    thorough: bool = False,
    seed_by_seed: bool = True,
    sound: set[tuple[str, str]] | None = None,
) -> Judgement:
    """Judges one check at the first look that decides, else at the last one whose runs are all there.

    ``sound`` is as for ``refuse_contradictions``.
    """
    looks: list[_Look] = []
    next_look = None
    for seeds in check.looks:
        look = _look(check, store, seeds, controls, thorough, sound)
        if looks and look.decision.verdict is Verdict.PENDING:
            next_look = seeds
            break
        looks.append(look)
        if len(looks) > 1 and look.decision.verdict is Verdict.BLOCKED:  # a crashed seed is trained again
            next_look = seeds
        if not look.requests_more:
            break
    last, decision = looks[-1], looks[-1].decision
    findings = tuple(
        dataclasses.replace(one, flips=flips_over_looks(each), would_change=would_change_over_looks(each))
        for i, one in enumerate(decision.findings)
        if (each := [look.decision.findings[i] for look in looks])
    )
    decided = seed_by_seed and last.found and decision.verdict is not Verdict.INVALID
    without_seed = without_each_seed(check, last.opened, decision) if decided else ()
    return _row(check, store, controls, last, findings, next_look, without_seed)


def requested_seeds(checks: Sequence[Check], store: Store, controls: Sequence[Check] = ()) -> dict[str, int]:
    """Which inconclusive checks request more seeds, and how many they want in all; ``controls`` as in ``judge``."""
    looked_at = [check for check in checks if len(check.looks) > 1 and _first_look_is_there(check, store)]
    rows = judge(looked_at, store, controls=(*controls, *checks), seed_by_seed=False) if looked_at else []
    return {row.check: row.next_look for row in rows if row.next_look is not None}


def _first_look_is_there(check: Check, store: Store) -> bool:
    """Whether there can be a verdict at all: one missing file settles that for most of a plan."""
    return all(store.condition(spec) == "complete" for spec in check.runs(check.looks[0]).values())


@dataclass(frozen=True, kw_only=True)
class _Look:
    """The result of one look."""

    seeds: int
    decision: Decision
    opened: dict[str, tuple[Run, ...]] = field(default_factory=dict)  # the runs that were read, by arm
    evidence: Evidence | None = None

    @property
    def found(self) -> dict[str, Run]:
        """The runs that were read, by key."""
        return {run.spec.key: run for runs in self.opened.values() for run in runs}

    @property
    def requests_more(self) -> bool:
        """Whether it is inconclusive, and not because the reference's own error exceeds the margin."""
        is_open = self.decision.verdict is Verdict.INCONCLUSIVE or self.decision.answer is Answer.OPEN
        return is_open and not (self.evidence and _beyond_any_seed(self.evidence))


def _look(
    check: Check,
    store: Store,
    seeds: int,
    controls: Mapping[str, str],
    thorough: bool,
    sound: set[tuple[str, str]] | None,
) -> _Look:
    """Reads the runs of a look and decides, or says why not."""
    arms = check.arms(seeds)
    absent = _not_there(arms, store)
    if absent is not None:
        return _Look(seeds=seeds, decision=absent)
    if why := withheld(check, [spec for specs in arms.values() for spec in specs], controls):
        return _Look(seeds=seeds, decision=_without(Verdict.PENDING, why))
    try:
        opened = {arm: tuple(store.run(spec) for spec in specs) for arm, specs in arms.items()}
        refuse_contradictions(opened, thorough=thorough, sound=sound)
        evidence, decision = observe(check, opened)
    except StoreError as error:
        return _Look(seeds=seeds, decision=_without(Verdict.BLOCKED, printable(error)))
    look = _Look(seeds=seeds, decision=decision, opened=opened, evidence=evidence)
    broken, names = broken_controls(look.found.values()), failed(controls)
    if not broken and not names:
        return look
    why = broken[0] if broken else f"The control {', '.join(names)} failed."
    invalid = _without(Verdict.INVALID, f"{why} So no conclusion can be drawn.")
    return dataclasses.replace(look, decision=dataclasses.replace(invalid, findings=decision.findings))


def _row(
    check: Check,
    store: Store,
    controls: Mapping[str, str],
    look: _Look,
    findings: tuple[Finding, ...],
    next_look: int | None,
    without_seed: tuple[str, ...],
) -> Judgement:
    decision, evidence, found, levels = look.decision, look.evidence, look.found, check.levels()
    arms = check.arms(look.seeds)
    specs = {spec.key: spec for some in arms.values() for spec in some}
    against = decision.p_against
    decided = decision.verdict not in (Verdict.PENDING, Verdict.BLOCKED, Verdict.INVALID)
    relevant = controls if decided else {}  # without a verdict nothing is provisional
    return Judgement(
        check=check.id,
        claim=check.claim.id,
        params=dict(check.params),
        verdict=decision.verdict,
        answer=decision.answer,
        marks=marks(check, found, relevant),
        why=decision.why,
        without_seed=without_seed,
        would_change=sensitivity(decision.word, without_seed),
        criterion=check.criterion,
        criterion_sha256=check.criterion_sha256,
        seeds=look.seeds,
        accept=levels.accept,
        against=levels.against,
        next_look=next_look,
        findings=findings,
        sweeps=tuple(evidence.sweeps) if evidence else (),
        runs=tuple(_run_entry(arm, spec, found) for arm, some in arms.items() for spec in some) if found else (),
        missing=tuple(
            MissingEntry(key=spec.key, name=spec.name, condition=store.condition(spec))
            for spec in specs.values()
            if store.condition(spec) != "complete"
        ),
        controls=dict(controls),
        deviations=deviations(check, found, look.seeds, evidence.replicates if evidence else (), relevant),
        note=check.claim.note,
        p_for=decision.p_for,
        p_against=against,
        p_against_corrected=None if against is None else min(1.0, against * check.tests),
    )


def _not_there(arms: Mapping[str, tuple[RunSpec, ...]], store: Store) -> Decision | None:
    """PENDING or BLOCKED with its reason, when runs are not there."""
    specs = {spec.key: spec for some in arms.values() for spec in some}
    conditions = {spec: store.condition(spec) for spec in specs.values()}
    crashed = [spec for spec, condition in conditions.items() if condition == "failed"]
    if crashed:
        return _without(Verdict.BLOCKED, f"{crashed[0].name} failed: {store.failure(crashed[0])}")
    absent = [spec for spec, condition in conditions.items() if condition != "complete"]
    if absent:
        first = absent[0].name
        why = f"{len(absent)} of {len(conditions)} runs are missing, the first is {first}."
        if len(conditions) == 1:
            why = f"Its one run is missing: {first}."
        return _without(Verdict.PENDING, why)
    return None


def _without(verdict: Verdict, why: str) -> Decision:
    return Decision(verdict=verdict, answer=Answer.NONE, why=why, findings=())


def _beyond_any_seed(evidence: Evidence) -> bool:
    """Whether no number of seeds would decide, as the reference's own error exceeds the margin."""
    undecided = [i for i, finding in enumerate(evidence.findings) if finding.outcome is Outcome.UNDECIDED]
    return all(evidence.undecidable[i] and not evidence.findings[i].more_seeds for i in undecided)


def _run_entry(arm: str, spec: RunSpec, found: Mapping[str, Run]) -> RunEntry:
    run = found[spec.key]
    return RunEntry(
        key=spec.key,
        name=spec.name,
        arm=arm,
        seed=spec.seed,
        outcome=run.record["outcome"],
        run_json_sha256=run.sha256,
    )
