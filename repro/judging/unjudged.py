"""Complete runs that no judgement rests on yet: drawn and tabled, and checked like those behind verdicts."""

from collections.abc import Collection, Sequence

from repro.check import Check
from repro.errors import StoreError, printable
from repro.judging.integrity import refuse_contradictions
from repro.runs.store import Run, Store


def unjudged(
    checks: Sequence[Check], judged: Collection[str], store: Store, *, thorough: bool = False
) -> tuple[list[Run], list[str]]:
    """The complete runs of some checks but those ``judged``, by key, and what is wrong with the others of them.

    ``thorough`` reads every file of them.
    """
    specs = {key: spec for check in checks for key, spec in check.runs(check.looks[-1]).items() if key not in judged}
    sound, faults = [], []
    for spec in sorted(specs.values(), key=lambda spec: spec.name):
        if store.condition(spec) == "complete":
            try:
                run = store.run(spec)
                refuse_contradictions({spec.name: (run,)}, thorough=thorough)
            except StoreError as error:  # a check that reads it will be BLOCKED
                faults.append(f"no verdict rests on it, but {printable(error)}")
            else:
                sound.append(run)
    return sound, faults
