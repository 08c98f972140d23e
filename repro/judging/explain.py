"""Claims in plain words: what each says, what is trained, measured and required, and its verdict."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.check import Check
from repro.claim import CONTROL, TAGS
from repro.collecting.works import Work, remarks_on, works
from repro.compare import (
    AtMost,
    Exact,
    Fraction,
    FractionBound,
    Measure,
    NoChange,
    Ordering,
    Point,
    Printed,
    Rule,
    Trend,
)
from repro.compare.finding import ONE_SEED, allowed, unit_of_difference
from repro.judging.copies import on_other_copies
from repro.judging.expectation import expectation, whole
from repro.judging.imagined import compared, own_gaps, unit_compared
from repro.judging.judge import judge
from repro.judging.multiverse import multiverses, sentence
from repro.judging.verdict import Judgement
from repro.runs.store import Store
from repro.statistics import Unit


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One claim, explained."""

    claim: str
    text: str  # a block of lines: on its check, or on all the selected ones
    judgements: tuple[Judgement, ...]  # of the selected checks


def explain(
    chosen: Sequence[Check], store: Store, controls: Sequence[Check], options: Sequence[str] = ()
) -> list[Explanation]:
    """A block of lines a claim: in full where one check of it is chosen, a line each where there are several.

    ``options`` are those of the command, for the one that explains a single point.
    """
    found, said = [], works([*chosen, *controls])
    judged = {row.check: row for row in judge(chosen, store, controls=controls)}
    for name in dict.fromkeys(check.claim.id for check in chosen):
        checks = [check for check in chosen if check.claim.id == name]
        rows, notes = [judged[check.id] for check in checks], _notes(checks[0], said)
        notes += _on_another_copy(checks, rows, store)
        if len(checks) > 1:
            text = _overview(checks, rows, options, notes)
        else:
            analyses = {one.check: sentence(one) for one in multiverses(checks, rows, store)}
            text = _explain(checks[0], rows[0], analyses.get(checks[0].id, ""), notes)
        found.append(Explanation(claim=name, text=text, judgements=tuple(rows)))
    return found


def requirement(rule: Rule, unit: Unit = "points") -> str:
    """The requirement of a rule, in one sentence; ``unit``: of what is compared."""
    apart = unit_of_difference(unit)
    match rule:
        case Exact():
            return "What is measured must equal the reference."
        case Printed():
            return "Each printed number must be the exact one, rounded to the printed digits."
        case AtMost():
            return "The exact number, rounded to the printed digits, must not exceed the printed maximum."
        case Point(margin=margin):
            return f"The t-interval of the mean must lie within ± {allowed(margin, apart)} of the reference (TOST)."
        case Fraction(margin=margin):
            return f"The t-interval of the mean share must lie within ± {margin:.3g} of the reference (TOST)."
        case FractionBound(limit=limit, side=side):
            return f"The t-interval of the mean share must lie {side.replace('at ', 'wholly at ')} {limit:.3g}."
        case NoChange(margin=margin):
            return (
                f"The t-interval of the paired difference must lie within ± {allowed(margin, apart)} of the source's "
                "(TOST)."
            )
        case Ordering(gap=gap):
            return (
                f"The lower bound of the difference must exceed {allowed(gap, apart)} (one-sided t-test: Welch’s, or "
                "by seed where runs are shared)."
            )
        case Trend(margin=margin):
            most = allowed(margin, apart)
            return (
                "The trend must be significant (Jonckheere–Terpstra, and the linear contrast by Welch), and no step "
                f"back may exceed {most}."
            )
        case Measure():
            return "nothing; it is only measured, as no value is known to compare it with."


def otherwise(rule: str, finding: Mapping[str, Any]) -> str:
    """The margin, gap, limit or reference that would change a finding; "" for a measurement.

    ``rule`` is its name; ``finding`` as verdicts.json has it.
    """
    text = str(finding["would_change"])
    if not text or text == ONE_SEED:
        return text
    match rule:
        case "Ordering":
            name = "gap"
        case "FractionBound":
            name = "limit"
        case "Exact" | "Printed" | "AtMost":
            name = "printed value"
        case _:
            name = "margin"
    return f"With another {name}: {text[0].lower()}{text[1:]}"


def _claimed(check: Check) -> list[str]:
    claim, tested = check.claim, check.claim.tested(check.scale)
    found = works([check])
    source = f"{found[0].short} ({claim.source.work})" if found else claim.source.work
    certainty = "" if claim.source.work == CONTROL else f" — {TAGS[claim.source.tag]}"
    reference = f"{claim.source.reference}{certainty}" if claim.source.reference else "none"
    return [
        f"{'Asked' if claim.sentence.endswith('?') else 'Claimed'}: {claim.sentence}",
        f"Source: {source}, {claim.source.place}",
        f"Reference: {reference}.",
        f"{'Tested' if tested else 'Only measured'} at this scale: {_rationale(check)}.",
    ]


def _notes(check: Check, said: Sequence[Work]) -> list[str]:
    """What a reader must know: the note of the frozen claim, and remarks of some works on it."""
    texts = remarks_on(check.claim.id, check.scale, said)
    return [*([f"Note: {check.claim.note}"] if check.claim.note else []), *(f"Remark: {text}" for text in texts)]


def _on_another_copy(checks: Sequence[Check], rows: Sequence[Judgement], store: Store) -> list[str]:
    """That runs which are missing are there on another copy of the data, and how to ask for them."""
    waiting = [check for check, row in zip(checks, rows, strict=True) if row.missing]
    own = {key for check in waiting for key in check.runs(check.looks[0])}
    there: dict[str, set[str]] = {}
    for name, other in (one for check in waiting for one in on_other_copies(check)):
        runs = other.runs(other.looks[0]).items()
        there.setdefault(name, set()).update(
            key for key, spec in runs if key not in own and store.condition(spec) == "complete"
        )
    return [
        f"Of the runs on {name}, {len(keys):,} are in the store: --data {name}" for name, keys in there.items() if keys
    ]


def _rationale(check: Check) -> str:
    claim = check.claim
    reasons = claim.testable if claim.tested(check.scale) else claim.untestable
    return reasons.get(check.scale, "exact at every scale")


def _required(check: Check, row: Judgement) -> list[str]:
    claim, levels = check.claim, check.levels()
    controls = ", ".join(f"{name} ({state})" for name, state in row.controls.items())
    decided = claim.rule.kind not in "XM"
    asked = "Required" if claim.tested(check.scale) or claim.rule.kind == "M" else "Required where it can be tested"
    required = (
        "Each difference must exceed its own gap, by its lower bound (one-sided t-test: Welch’s, or by seed where runs "
        "are shared)."
    )
    return [
        f"{asked}: {required if own_gaps(check) else requirement(claim.rule, unit_compared(check))}",
        *([f"Rationale: {claim.rule.reason}."] if claim.rule.reason != _rationale(check) else []),
        *(
            [f"Levels of a look: {levels.accept:g} for the claim, {levels.against:.2g} against it (claims/RULES.md)."]
            if decided
            else []
        ),
        f"Depends on: {controls or 'no control'}.",
    ]


def _looks(check: Check) -> str:
    first, *more = check.looks
    seeds = f"{first} seed{'s' * (first > 1)}"
    if not more or check.claim.rule.kind == "M":  # a measurement is never inconclusive
        return f"with {seeds}"
    return f"with {seeds}, or if they decide nothing {', then '.join(map(str, more))}"


def _verdict(row: Judgement) -> str:
    words = ", ".join((str(row.verdict), *([row.answer] if row.answer != "none" else []), *row.marks))
    return f"{words}. {row.why}"


def _without_its_runs(row: Judgement) -> str:
    """A verdict without findings, without the name of its first missing run, which is another at each point."""
    return _verdict(row).partition(", the first is")[0].rstrip(".") + "."


def _overview(checks: Sequence[Check], rows: Sequence[Judgement], options: Sequence[str], notes: Sequence[str]) -> str:
    """A claim with several points: what they share once, and points with the same verdict together."""
    first, claim = checks[0], checks[0].claim
    deviations = dict.fromkeys(text for row in rows for text in row.deviations)
    points = [check.id.removeprefix(claim.id)[1:-1] for check in checks]
    likely = [expectation(check) for check in checks]
    arms = dict.fromkeys(arm for check in checks for arm in check.arms(1))
    same: dict[str, list[str]] = {}
    for point, row in zip(points, rows, strict=True):
        said = _verdict(row) if row.findings else _without_its_runs(row)
        same.setdefault(said, []).append(point)
    return "\n".join(
        [
            f"{claim.id} at scale {first.scale}, {len(checks)} points",
            *_claimed(first),
            f"Trained at each point, {_looks(first)}: {', '.join(arms) or 'nothing'}.",
            *_comparisons(checks, points),
            *_required(first, rows[0]),
            *([f"Expected: {together.sentence}"] if (together := whole(checks)) and not together.undecidable else []),
            *(
                f"Expected at {point}: {one.undecidable}"
                for point, one in zip(points, likely, strict=True)
                if one and one.undecidable
            ),
            *(f"  {'; '.join(some)}: {verdict}" for verdict, some in same.items()),
            *(f"Deviation: {text}" for text in deviations),
            *notes,
            f"One point in full: {shlex.join(['repro', 'explain', first.id, *options])}",
        ]
    )


def _comparisons(checks: Sequence[Check], points: Sequence[str]) -> list[str]:
    """What the findings of a claim compare; of several points that differ, the first as an example."""
    word = "Measured" if checks[0].claim.rule.kind == "M" else "Compared"
    found = ["; ".join(compared(check)) for check in checks]
    if not found[0]:
        return []
    return [f"{word}{f' at {points[0]}, for example' if len({*found}) > 1 else ''}: {found[0]}."]


def _explain(check: Check, row: Judgement, analyses: str, notes: Sequence[str]) -> str:
    claim = check.claim
    arms = [
        f"  {arm}: {specs[0].name}" + (f", and seeds 1 to {len(specs) - 1}" if len(set(specs)) > 1 else "")
        for arm, specs in check.arms(check.looks[0]).items()
    ]
    return "\n".join(
        [
            f"{check.id} at scale {check.scale}",
            *_claimed(check),
            f"Trained, {_looks(check)}:" if arms else "Trained: nothing.",
            *arms,
            *_comparisons([check], [""]),
            *_required(check, row),
            *([f"Expected: {likely.sentence}"] if (likely := expectation(check)) else []),
            *([f"The same as: {claim.same_as}, with which it is counted once."] if claim.same_as else []),
            f"Rule frozen as {check.criterion_sha256} (from {check.criterion['claim_file']}).",
            *(f"Found: {finding.why}" for finding in row.findings[:8] if finding.why not in row.why),
            f"Verdict: {_verdict(row)}",
            *(change for finding in row.findings[:8] if (change := otherwise(claim.rule.name, vars(finding)))),
            *([f"Without a seed: {row.would_change}"] if row.would_change else []),
            *([f"Other analyses: {analyses}"] if analyses else []),
            *(f"Deviation: {text}" for text in row.deviations),
            *notes,
        ]
    )
