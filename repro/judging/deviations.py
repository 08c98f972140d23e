"""Deviations: what sets the judged runs apart from the protocol, for the reader to weigh."""

from collections.abc import Collection, Mapping

from repro.check import JUDGED_BY, Check
from repro.judging.compared import alike
from repro.judging.verdict import CODE_ALIKE, CODE_CHANGED, FAILED, HOLDS, PROVISIONAL, RULE_CHANGED, RULE_LATE
from repro.runs.datasets import DATASETS
from repro.runs.network_spec import NetworkSpec
from repro.runs.store import Run


def deviations(
    check: Check, found: Mapping[str, Run], seeds: int, replicates: Collection[int], controls: Mapping[str, str]
) -> tuple[str, ...]:
    """One sentence for each; ``replicates`` are those behind the published values that findings were held against."""
    runs = list(found.values())
    listed = sorted({DATASETS[run.spec.dataset].deviation_text for run in runs} - {""})
    precisions = {run.spec.precision for run in runs if isinstance(run.spec, NetworkSpec)}
    listed += [f"precision: {word}" for word in sorted(precisions - {"float32"})]
    read = {dataset for run in runs if run.spec.rows for dataset, _ in run.spec.fingerprinted.values()}
    listed += [
        f"data: nothing here vouches for the copy of {name}" for name in sorted(read) if not DATASETS[name].vouched
    ]
    listed += _mixtures([run for run in runs if run.spec.rows])
    fewer = sorted(number for number in replicates if number != seeds)
    if fewer and check.scale == "paper":
        listed.append(f"replicates: {seeds} seeds, but {', '.join(map(str, fewer))} behind the published values")
    diverged = [run.spec.name for run in runs if run.record["outcome"] == "diverged"]
    if diverged:
        listed.append(
            f"diverged: {', '.join(diverged)}; its accuracy counts as it is, also for what would have followed"
        )
    if check.claim.definition_open:
        listed.append(f"definition: the source leaves open {check.claim.definition_open}")
    listed += [
        f"control {name.removeprefix('control-')}: {state}"
        for name, state in controls.items()
        if state not in (HOLDS, FAILED)
    ]
    late, changed, recoded = _since_training(check, found)
    commits = alike(check, found, recoded) if recoded else []
    if late:
        listed.append(
            f"rule: {late} of the {len(found)} runs {'was' if late == 1 else 'were'} trained for other claims or "
            f"points, and {'does' if late == 1 else 'do'} not have it on record"
        )
    if changed:
        listed.append(f"rule: changed after {changed} of the {len(found)} runs were trained")
    if recoded:
        some = "" if len(recoded) == len(found) else f"{len(recoded)} of the {len(found)} "
        same = f"; the code then ({', '.join(one[:7] for one in commits)}) gives the same results" if commits else ""
        listed.append(f"judging code: changed after {some}runs were trained; the claim’s rule has not{same}")
    return tuple(listed)


def marks(check: Check, found: Mapping[str, Run], controls: Mapping[str, str]) -> tuple[str, ...]:
    """The caveats that accompany the verdict wherever it is shown."""
    late, changed, recoded = _since_training(check, found)
    provisional = any(state not in (HOLDS, FAILED) for state in controls.values())
    code = CODE_ALIKE if recoded and alike(check, found, recoded) else CODE_CHANGED
    words = ((PROVISIONAL, provisional), (RULE_CHANGED, changed), (RULE_LATE, late), (code, recoded))
    return tuple(word for word, applies in words if applies)


def _since_training(check: Check, found: Mapping[str, Run]) -> tuple[int, int, list[Run]]:
    """How many runs have no record of the rule, how many saw another one, and which saw this one in other code."""
    if check.claim.exact:
        return 0, 0, []
    late = changed = 0
    recoded: list[Run] = []
    for run in found.values():
        criteria = run.record["criteria"]
        match criteria.get(f"{check.scale}:{check.id}"):
            case None:
                late += 1
            case value if value == check.criterion_sha256:
                pass
            case value if value == check.criterion_under(criteria.get(JUDGED_BY, "")):
                recoded.append(run)
            case _:
                changed += 1
    return late, changed, recoded


def _mixtures(trained: Collection[Run]) -> list[str]:
    """What differs among runs that are compared with each other."""
    parts = [part for run in trained for part in run.record["parts"]]
    listed = []
    kinds = ("device", "devices"), ("code", "training code"), ("torch", "torch versions")
    younger = ("scikit-learn", "scikit-learn versions"), ("way", "ways to take steps")  # which older runs do not name
    for name, words in (*kinds, *younger):
        values = sorted({str(part[name]) for part in parts if name in part})
        if len(values) > 1:
            shown = [value[:12] for value in values] if name == "code" else values
            listed.append(f"{words}: runs of this comparison were trained with {', '.join(shown)}")
    recorded = sorted({str(part["way"]) for part in parts if "way" in part} - {"eager"})
    if recorded:
        listed.append(f"engine: {', '.join(recorded)}, which agreed with the eager step over ten steps")
    dirty = [
        run for run in trained if any(str(part.get("commit", "")).endswith("+changes") for part in run.record["parts"])
    ]
    if dirty:
        listed.append(f"dirty tree: {len(dirty)} of the {len(trained)} runs were trained by code that no commit holds")
    return listed
