"""The multiverse of a check: its verdict under every other analysis of the same runs that could have been chosen.

No primary claim has a choice of axis (depth against width is compared pair by pair), so the axis is not varied.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from repro.check import Check
from repro.compare import Rule
from repro.judging.decide import decide
from repro.judging.evidence import Evidence
from repro.judging.verdict import Judgement
from repro.runs.store import Run, Store
from repro.statistics import Levels, Sample, paired_differences, share_a_run

Arms = Mapping[str, tuple[Run, ...]]
AS_FROZEN = "as frozen"
# Alternatives, the frozen choice first. Which of them a check has depends on its rule and on what it reads.
CHOICES: dict[str, tuple[str | float, ...]] = {
    "margin": (1.0, 0.5, 2.0),  # factor on the margin, gap or limit
    "epoch": (AS_FROZEN, "exchanged"),
    "threshold": (AS_FROZEN, 0.003, 0.03),  # below which |γ| is small: a step to either side
    "test": (AS_FROZEN, "paired", "Welch"),
    "relu": ("unit", "channel"),
}


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One analysis of the runs of a check."""

    choices: dict[str, str | float]  # by name: margin (factor), epoch, threshold, test, relu
    word: str  # verdict or answer that it gives


@dataclass(frozen=True, kw_only=True)
class Multiverse:
    """The verdicts on one check under every analysis of its runs that could have been chosen."""

    check: str  # id of the claim, and the point of its grid
    claim: str  # id of the claim
    frozen: str  # the word under the frozen analysis
    share: float  # of the paths, including the frozen one, that give the frozen word
    words: dict[str, int]  # number of paths by word
    paths: tuple[Analysis, ...]  # every combination of choices, the frozen one first


def multiverse(check: Check, arms: Arms) -> Multiverse:
    """Every analysis of the runs of one look; ``arms`` has at least two seeds of each arm.

    Raises:
        ClaimError: the check breaks a rule of evidence.
    """
    frozen = {name: options[0] for name, options in CHOICES.items()}
    word, used, test = _walk(check, arms, frozen)
    paths = tuple(Analysis(choices=path, word=_walk(check, arms, frozen | path)[0]) for path in _paths(used, test))
    words = Counter(path.word for path in paths)
    return Multiverse(
        check=check.id,
        claim=check.claim.id,
        frozen=word,
        share=words[word] / len(paths),
        words=dict(words.most_common()),
        paths=paths,
    )


def multiverses(checks: Sequence[Check], rows: Sequence[Judgement], store: Store) -> tuple[Multiverse, ...]:
    """One for every primary check that was judged statistically, over the runs of the look that decided."""
    made = []
    for check, row in zip(checks, rows, strict=True):
        tested = check.claim.primary and check.claim.tested(check.scale) and not check.claim.exact
        if tested and row.runs and row.seeds > 1:
            arms = check.arms(row.seeds)
            made.append(multiverse(check, {arm: tuple(map(store.run, specs)) for arm, specs in arms.items()}))
    return tuple(made)


def sentence(found: Multiverse) -> str:
    """How many paths agree, and which single choices give another word."""
    count = round(found.share * len(found.paths))
    agree = f"{count} of {len(found.paths)} analyses of these runs, including the frozen one, give"
    alone = flips([vars(path) for path in found.paths], found.frozen)
    changes = "; ".join(f"{choice}: {word}" for choice, word in alone)
    return f"{agree} {found.frozen}." + (f" One choice alone gives another word: {changes}." if changes else "")


def flips(paths: Sequence[Mapping[str, Any]], frozen: str) -> list[tuple[str, str]]:
    """Each single choice that alone gives another word than the frozen one, in words, and that word.

    ``paths`` as verdicts.json has them, the frozen one first.
    """
    found = []
    for path in paths:
        changed = [name for name, value in path["choices"].items() if value != paths[0]["choices"][name]]
        if len(changed) == 1 and path["word"] != frozen:
            found.append((in_words(changed[0], path["choices"][changed[0]]), path["word"]))
    return found


def in_words(name: str, value: str | float) -> str:
    """A choice as the report shows it."""
    match name:
        case "margin":
            return f"margin or gap × {value:g}" if isinstance(value, float | int) else str(value)
        case "epoch":
            return f"last and best evaluation {value}"
        case "threshold":
            return f"threshold {value}"
        case "test":
            return f"{value} test"
        case _:
            return f"a ReLU is a {value}"


def _paths(used: set[str], tests: set[str]) -> Iterator[dict[str, str | float]]:
    """Every combination of choices; a test that is the frozen one everywhere is no other."""
    names = [name for name in CHOICES if name in used]
    for values in product(*(CHOICES[name] for name in names)):
        path = dict(zip(names, values, strict=True))
        if tests != {path.get("test")}:
            yield path


def _walk(check: Check, arms: Arms, path: Mapping[str, Any]) -> tuple[str, set[str], set[str]]:
    """The word that one analysis gives, the choices that it depended on, and the tests that it made."""
    findings = 1
    while True:  # all findings share the level against the claim
        evidence = _Otherwise(check, arms, check.levels(findings), path)
        check.function(evidence, **check.params)
        tests = sum(finding.p_against is not None for finding in evidence.findings)
        if tests <= findings:
            break
        findings = tests
    decision = decide(check, evidence.findings)
    return decision.word, evidence.used, evidence.tests


class _Otherwise(Evidence):
    """Evidence that is read, or compared with its rule, in another way than the frozen one."""

    def __init__(self, check: Check, arms: Arms, levels: Levels, path: Mapping[str, Any]) -> None:
        super().__init__(check, dict(arms), levels)
        self.used: set[str] = set()
        self.tests: set[str] = set()
        self._path = path

    def accuracy(self, arm: str, label: str = "") -> Sample:
        """Of the last evaluation, or of the best one, which is chosen on the test examples."""
        final = super().accuracy(arm, label)
        if not all(run.history for run in self.runs(arm)):
            return final
        self.used.add("epoch")
        if self._path["epoch"] == AS_FROZEN:
            return final
        best = tuple(max(float(row["test_top1"]) for row in run.history) for run in self.runs(arm))
        return dataclasses.replace(final, values=best)

    def best_accuracy(self, arm: str, label: str = "") -> Sample:
        """Of the best evaluation, which is chosen on the test examples, or of the last one."""
        self.used.add("epoch")
        return super().best_accuracy(arm, label) if self._path["epoch"] == AS_FROZEN else super().accuracy(arm, label)

    def small_gamma(self, arm: str, threshold: float, label: str = "") -> Sample:
        """At the threshold of the path instead of Figure 4's."""
        if label:  # shares that are judged have a label, shares that are only drawn have none
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
        own: Any = self._check.claim.rule
        if "gap" in quantities:
            own = dataclasses.replace(own, gap=quantities.pop("gap"))
        rule: Any = self._widened(own)
        higher, lower = quantities.get("higher"), quantities.get("lower")
        if isinstance(higher, Sample) and isinstance(lower, Sample):
            self.used.add("test")
            paired = share_a_run(higher, lower) if self._path["test"] == AS_FROZEN else self._path["test"] == "paired"
            self.tests.add("paired" if paired else "Welch")
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
