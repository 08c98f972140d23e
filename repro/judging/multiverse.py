"""The multiverse of a check: its verdict under each other analysis of the same runs that could have been chosen.

No primary claim has an axis to choose (depth against width is held pair by pair), so that none is varied.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from repro.claim import Check
from repro.compare import Rule
from repro.judging.decide import decide
from repro.judging.evidence import Evidence
from repro.judging.verdict import Answer
from repro.runs.store import Run, Store
from repro.statistics import Levels, Sample, paired_differences, share_a_run

Arms = Mapping[str, tuple[Run, ...]]
AS_FROZEN = "as frozen"
# What may be chosen otherwise, the frozen choice first. A check has the choices that its rule and its reading leave.
CHOICES: dict[str, tuple[str | float, ...]] = {
    "margin": (1.0, 0.5, 2.0),  # factor on the margin, gap or limit
    "epoch": ("final", "best"),
    "threshold": (AS_FROZEN, 0.003, 0.03),  # below which |γ| is small: a step to either side
    "test": (AS_FROZEN, "paired", "Welch"),
    "relu": ("unit", "channel"),
}


@dataclass(frozen=True, kw_only=True)
class Multiverse:
    """The verdicts of one check over all its analyses."""

    check: str  # id of the claim, and the point of its grid
    frozen: str  # the word under the frozen analysis
    paths: tuple[tuple[dict[str, str | float], str], ...]  # choices by name, and the word that they give

    @property
    def share(self) -> float:
        """Share of paths, the frozen one among them, that give the frozen word."""
        return sum(word == self.frozen for _, word in self.paths) / len(self.paths)

    @property
    def words(self) -> dict[str, int]:
        """How many paths give each word, the most frequent first."""
        return dict(Counter(word for _, word in self.paths).most_common())


def multiverse(check: Check, arms: Arms) -> Multiverse:
    """Every analysis of the runs of one look; ``arms`` has at least two seeds of each arm.

    Raises:
        ClaimError: the check breaks a rule of evidence.
    """
    frozen = {name: options[0] for name, options in CHOICES.items()}
    word, used = _walk(check, arms, frozen)
    paths = []
    for path in _paths(used):
        paths.append((path, _walk(check, arms, frozen | path)[0]))
    return Multiverse(check=check.id, frozen=word, paths=tuple(paths))


def table(checks: Sequence[Check], store: Store) -> tuple[Multiverse, ...]:
    """The multiverse of every primary check that its scale tests and whose runs are there, at the last whole look."""
    made = []
    for check in checks:
        if not check.claim.primary or not check.claim.tested(check.scale):
            continue
        there = [n for n in check.looks if all(store.condition(s) == "complete" for s in check.runs(n).values())]
        if there:
            arms = check.arms(there[-1])
            made.append(multiverse(check, {arm: tuple(map(store.run, specs)) for arm, specs in arms.items()}))
    return tuple(made)


def _paths(used: set[str]) -> Iterator[dict[str, str | float]]:
    names = [name for name in CHOICES if name in used]
    for values in product(*(CHOICES[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def _walk(check: Check, arms: Arms, path: Mapping[str, Any]) -> tuple[str, set[str]]:
    """The word that one analysis gives, and the choices that it depended on."""
    findings = 1
    while True:  # as many findings as there are share the level against the claim
        evidence = _Otherwise(check, arms, check.levels(findings), path)
        check.function(evidence, **check.params)
        tests = sum(finding.p_against is not None for finding in evidence.findings)
        if tests <= findings:
            break
        findings = tests
    decision = decide(check, evidence.findings)
    return str(decision.verdict if decision.answer is Answer.NONE else decision.answer), evidence.used


class _Otherwise(Evidence):
    """Evidence that is read, or held against its rule, in another way than the frozen one."""

    def __init__(self, check: Check, arms: Arms, levels: Levels, path: Mapping[str, Any]) -> None:
        super().__init__(check, dict(arms), levels)
        self.used: set[str] = set()
        self._path = path

    def accuracy(self, arm: str, label: str = "") -> Sample:
        """Of the final epoch, or of the best one, which is chosen on the test images."""
        final = super().accuracy(arm, label)
        if not all(run.history for run in self.runs(arm)):
            return final
        self.used.add("epoch")
        if self._path["epoch"] == "final":
            return final
        best = tuple(max(float(row["test_top1"]) for row in run.history) for run in self.runs(arm))
        return dataclasses.replace(final, values=best)

    def small_gamma(self, arm: str, threshold: float, label: str = "") -> Sample:
        """At the threshold of the path instead of Figure 4's."""
        if label:  # a share that a claim judges has a name, one that it draws has none
            self.used.add("threshold")
            if self._path["threshold"] != AS_FROZEN:
                threshold = float(self._path["threshold"])
        return super().small_gamma(arm, threshold, label)

    def dead_relus(self, arm: str, label: str = "") -> Sample:
        """Units, or whole channels."""
        self.used.add("relu")
        if self._path["relu"] == "unit":
            return super().dead_relus(arm, label)
        channels = min(run.measurement("relus")["channels"] for run in self.runs(arm))
        return self.sample(
            arm,
            lambda run: run.measurement("relus")["share_dead_channels"],
            label=label or arm,
            unit="share",
            step=1 / channels,
        )

    def find(self, **quantities: Any) -> None:
        """Under a rule with another margin, and by the other test where two samples are compared."""
        rule: Any = self._widened(self._check.claim.rule)
        higher, lower = quantities.get("higher"), quantities.get("lower")
        if isinstance(higher, Sample) and isinstance(lower, Sample):
            self.used.add("test")
            paired = share_a_run(higher, lower) if self._path["test"] == AS_FROZEN else self._path["test"] == "paired"
            if paired:
                quantities = {"higher": paired_differences(lower, higher), "lower": 0.0}
            else:
                quantities = {name: dataclasses.replace(sample, runs=()) for name, sample in quantities.items()}
        self.findings.append(rule.compare(levels=self._levels, **quantities))

    def _widened(self, rule: Rule) -> Rule:
        for name in ("margin", "gap", "limit"):
            if getattr(rule, name, 0.0) > 0:
                self.used.add("margin")
                return dataclasses.replace(rule, **{name: getattr(rule, name) * self._path["margin"]})
        return rule
