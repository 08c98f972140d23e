"""Deviations: what sets the judged runs apart from the protocol, for the reader to weigh."""

from collections.abc import Collection, Mapping

from repro.claim import Check
from repro.judging.verdict import FAILED, HOLDS, PROVISIONAL, RULE_CHANGED, RULE_LATE
from repro.runs.datasets import DATASETS
from repro.runs.store import Run


def deviations(
    check: Check, found: Mapping[str, Run], seeds: int, replicates: Collection[int], controls: Mapping[str, str]
) -> tuple[str, ...]:
    """One sentence for each; ``replicates`` are those behind the published values that findings were held against."""
    runs = list(found.values())
    listed = sorted({DATASETS[run.spec.dataset].deviation_text for run in runs} - {""})
    listed += [f"precision: {word}" for word in sorted({run.spec.precision for run in runs} - {"float32"})]
    listed += _mixtures([run for run in runs if run.spec.epochs])
    fewer = sorted(number for number in replicates if number != seeds)
    if fewer and check.scale == "paper":
        listed.append(f"replicates: {seeds} seeds, and {', '.join(map(str, fewer))} behind the published values")
    diverged = [run.spec.name for run in runs if run.record["outcome"] == "diverged"]
    if diverged:
        listed.append(f"diverged: {', '.join(diverged)}; its accuracy counts as it is")
    if check.claim.definition_open:
        listed.append(f"definition: the source leaves open {check.claim.definition_open}")
    listed += [f"control {name}: {state}" for name, state in controls.items() if state not in (HOLDS, FAILED)]
    late, changed = _rule(check, found)
    if late:
        listed.append(f"rule: written after {late} of the {len(found)} runs were trained for other claims")
    if changed:
        listed.append(f"rule: changed after {changed} of the {len(found)} runs were trained")
    return tuple(listed)


def marks(check: Check, found: Mapping[str, Run], controls: Mapping[str, str]) -> tuple[str, ...]:
    """What must be said wherever the verdict is shown."""
    late, changed = _rule(check, found)
    provisional = any(state not in (HOLDS, FAILED) for state in controls.values())
    return tuple(
        word for word, said in ((PROVISIONAL, provisional), (RULE_CHANGED, changed), (RULE_LATE, late)) if said
    )


def _rule(check: Check, found: Mapping[str, Run]) -> tuple[int, int]:
    """How many runs were trained before the rule was written, and how many under another rule."""
    if check.claim.exact:
        return 0, 0
    frozen = [run.record["criteria"].get(f"{check.scale}:{check.id}") for run in found.values()]
    late = sum(value is None for value in frozen)
    return late, sum(value not in (None, check.criterion_sha256) for value in frozen)


def _mixtures(trained: Collection[Run]) -> list[str]:
    """What differs among runs that are compared with each other."""
    parts = [part for run in trained for part in run.record["parts"]]
    listed = []
    for name, words in (("device", "devices"), ("code", "training code"), ("torch", "torch versions")):
        values = sorted({str(part.get(name, "unknown")) for part in parts})
        if len(values) > 1:
            shown = [value[:12] for value in values] if name == "code" else values
            listed.append(f"{words}: runs of this comparison were trained with {', '.join(shown)}")
    dirty = [
        run for run in trained if any(str(part.get("commit", "")).endswith("+changes") for part in run.record["parts"])
    ]
    if dirty:
        listed.append(f"dirty tree: {len(dirty)} of the {len(trained)} runs were trained by code that no commit holds")
    return listed
