"""Observations: what a check finds in its runs, what follows, and without which seed something else would."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repro.check import Check
from repro.errors import ClaimError, ReproError
from repro.judging.decide import Decision, decide
from repro.judging.evidence import Evidence
from repro.judging.verdict import Verdict
from repro.runs.store import Run

Arms = Mapping[str, tuple[Run, ...]]
LEAST_SEEDS = 2  # with one fewer there is no interval


def observe(check: Check, arms: Arms) -> tuple[Evidence, Decision]:
    """What a check finds in its runs, and what follows; with more findings, each is held to a stricter level.

    Raises:
        ClaimError: the check crashed, ended the program, skipped, or broke a rule of evidence.
    """
    evidence = _call(check, arms, 1)
    tests = sum(finding.p_against is not None for finding in evidence.findings)
    if tests > 1:
        evidence = _call(check, arms, tests)
    return evidence, decide(check, evidence.findings)


def _call(check: Check, arms: Arms, findings: int) -> Evidence:
    to_their_ends = {arm: tuple(map(_to_its_end, runs)) for arm, runs in arms.items()}
    evidence = Evidence(check, to_their_ends, check.levels(findings))
    try:
        check.function(evidence, **check.params)
    except (ReproError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit and pytest.skip are no Exceptions, and must not end the judge
        word = "crashed with" if isinstance(error, Exception) else "was ended by"
        text = f": {error}" if str(error) else ""
        raise ClaimError(
            f"check {check.id} in {check.file.name} {word} {type(error).__name__}{text}. A check reads its evidence "
            "and records findings, nothing else."
        ) from error
    evidence.close()
    return evidence


def _to_its_end(run: Run) -> Run:
    """A run as checks read it: if it diverged, the last row of its history stands for all that did not follow.

    Its network stayed as it was then, and a check may ask for any row that the spec has.
    """
    if run.record["outcome"] != "diverged":
        return run
    name, rows, whole = run.spec.row_name, run.history, replace(run)
    after = [rows[-1] | {name: number} for number in range(len(rows) + 1, run.spec.rows + 1)]
    whole.__dict__["history"] = (*rows, *after)  # where a cached property keeps what it has read
    return whole


def without_each_seed(check: Check, arms: Arms, decision: Decision) -> tuple[str, ...]:
    """The verdict, or answer, that there would be without each seed; empty where one fewer could decide nothing."""
    seeds = max((len(runs) for runs in arms.values()), default=0)
    if decision.verdict is Verdict.MEASURED or seeds <= LEAST_SEEDS:
        return ()

    def without(left_out: int) -> str:
        fewer = {arm: tuple(run for i, run in enumerate(runs) if i != left_out) for arm, runs in arms.items()}
        return observe(check, fewer)[1].word

    return tuple(without(seed) for seed in range(seeds))


def sensitivity(word: str, without_seed: Sequence[str]) -> str:
    """One sentence: the seed without which the verdict ``word`` would be another; "" where none was left out."""
    if not without_seed:
        return ""
    changed: dict[str, list[str]] = {}
    for seed, other in enumerate(without_seed):
        if other != word:
            changed.setdefault(other, []).append(str(seed))
    if not changed:
        return f"No single one of the {len(without_seed)} seeds decides it."
    phrases = [f"{word} if {_seeds(some, len(without_seed))} were left out" for word, some in changed.items()]
    return f"It would be {'; '.join(phrases)}."


def _seeds(some: Sequence[str], every: int) -> str:
    """Each of some seeds, in words."""
    if len(some) == every:
        return "any single seed"
    return f"seed {some[0]}" if len(some) == 1 else f"any one of the seeds {', '.join(some)}"
